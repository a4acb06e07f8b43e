import { OUTBOX_SHARD_COUNT } from "../../contracts/tables.ts";
import type { Clock } from "../clock.ts";
import type { FinalEvent } from "./envelope.ts";
import type { EventClaims, EventPublisher } from "./ports.ts";
import { publishClaimed } from "./publish-claimed.ts";

export interface SweepOutboxDeps {
  claims: EventClaims;
  publisher: EventPublisher;
  clock: Clock;
  newOwner: () => string;
  leaseMs: number;
  /** Real milliseconds that the writer of an event has to publish it itself. */
  graceMs: number;
  /** Most events that one run looks at per shard; the next run goes on. */
  limit: number;
}

export interface SweepOutboxResult {
  published: number;
  held: number;
  failed: number;
}

/** Publishes what was stored and not published: the writer died, or the bus was down (G2, G12). */
export const makeSweepOutbox =
  (deps: SweepOutboxDeps) =>
  async (remainingMs: () => number): Promise<SweepOutboxResult> => {
    const total = { published: 0, held: 0, failed: 0 };
    const before = deps.clock.realMs() - deps.graceMs;
    for (let shard = 0; shard < OUTBOX_SHARD_COUNT; shard++) {
      const ids = await idsOf(deps, shard, before);
      // One shard that cannot be read keeps none of the others waiting.
      if (!ids) {
        total.failed++;
        continue;
      }
      for (let at = 0; at < ids.length; at += BATCH) {
        if (remainingMs() < STOP_BEFORE_MS) return total;
        const result = await sweepBatch(deps, ids.slice(at, at + BATCH));
        total.published += result.published;
        total.held += result.held;
        total.failed += result.failed;
      }
    }
    return total;
  };

async function idsOf(deps: SweepOutboxDeps, shard: number, beforeMs: number) {
  try {
    return await deps.claims.unpublished(shard, beforeMs, deps.limit);
  } catch {
    return undefined;
  }
}

/** What one PutEvents call takes. */
const BATCH = 10;

/** A run ends in its own time: a batch begun must also be recorded. */
const STOP_BEFORE_MS = 10_000;

async function sweepBatch(deps: SweepOutboxDeps, ids: string[]): Promise<SweepOutboxResult> {
  const owner = deps.newOwner();
  const lease = { owner, untilMs: deps.clock.realMs() + deps.leaseMs };
  // One item that cannot be read keeps none of its neighbours waiting.
  const settled = await Promise.allSettled(ids.map((id) => deps.claims.takeOver(id, lease)));
  const claims = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const granted: FinalEvent[] = claims.flatMap((claim) =>
    claim?.kind === "granted" ? [claim.event] : [],
  );
  const outcomes = await publishClaimed(deps, owner, granted);
  const published = outcomes.filter((outcome) => outcome.kind === "published").length;
  return {
    published,
    held: claims.filter((claim) => claim?.kind === "held").length,
    failed: outcomes.length - published + (settled.length - claims.length),
  };
}
