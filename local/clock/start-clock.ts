import type { DurableStore } from "../durable-store.ts";
import { type BusinessClock, type ClockAnchor, makeBusinessClock } from "./clock.ts";

/**
 * Starts the business clock of a data directory. At the first start business time
 * equals real time. A later start with another speed continues at the business
 * time that was reached, so business time never runs backwards.
 */
export function startClock(store: DurableStore, speed: number): BusinessClock {
  const stored = store.collection<ClockAnchor>("clock");
  const previous = stored.get("anchor");
  const anchor = previous?.speed === speed ? previous : newAnchor(previous, speed);
  stored.put("anchor", anchor);
  const clock = makeBusinessClock(anchor);
  clock.onJump(() => {
    stored.put("anchor", { ...anchor, businessMs: anchor.businessMs + clock.jumpedMs });
  });
  return clock;
}

function newAnchor(previous: ClockAnchor | undefined, speed: number): ClockAnchor {
  const realMs = Date.now();
  const businessMs = previous ? makeBusinessClock(previous).now() : realMs;
  return { realMs, businessMs, speed };
}
