import type { DurableStore } from "../durable-store.ts";
import { type BusinessClock, type ClockAnchor, makeBusinessClock } from "./clock.ts";

/**
 * The clock of this data directory. At the first start business time is real
 * time; another speed at a later start goes on from where business time had
 * got to, so that it never runs backwards.
 */
export function startClock(store: DurableStore, speed: number): BusinessClock {
  const kept = store.collection<ClockAnchor>("clock");
  const before = kept.get("anchor");
  const anchor = before?.speed === speed ? before : newAnchor(before, speed);
  kept.put("anchor", anchor);
  return makeBusinessClock(anchor);
}

function newAnchor(before: ClockAnchor | undefined, speed: number): ClockAnchor {
  const realMs = Date.now();
  const businessMs = before ? makeBusinessClock(before).now() : realMs;
  return { realMs, businessMs, speed };
}
