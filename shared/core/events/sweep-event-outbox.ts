import { OUTBOX_SHARD_COUNT } from "../../contracts/tables.ts";
import type { Clock } from "../clock.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { EventClaims, EventPublisher } from "./ports.ts";
import { publishClaimed } from "./publish-claimed.ts";

export interface SweepEventOutboxDeps {
  claims: EventClaims;
  publisher: EventPublisher;
  clock: Clock;
  newOwner: () => string;
  leaseMs: number;
  /** Real milliseconds in which the worker that stored an event publishes it itself. */
  graceMs: number;
  /** Maximum number of events per shard and run; the next run continues. */
  limit: number;
}

export interface SweepEventOutboxResult {
  published: number;
  /** Events that another worker has claimed. */
  held: number;
  /** One for each event that stays in the outbox, and for each shard that cannot be read. */
  failures: MessageFailure[];
}

/** The number of entries in one PutEvents call. */
const BATCH_SIZE = 10;

/** A batch starts only while this much time is left, so that its result is recorded too. */
const STOP_BEFORE_MS = 10_000;

/**
 * Publishes the stored events of the events table that their worker did not publish, because it
 * crashed or the bus was down. Requests and deliveries have outboxes of their own.
 */
export const makeSweepEventOutbox =
  (deps: SweepEventOutboxDeps) =>
  async (remainingMs: () => number): Promise<SweepEventOutboxResult> => {
    const total: SweepEventOutboxResult = { published: 0, held: 0, failures: [] };
    const beforeMs = deps.clock.realMs() - deps.graceMs;
    for (let shard = 0; shard < OUTBOX_SHARD_COUNT; shard++) {
      const ids = await findUnpublished(deps, shard, beforeMs, total);
      for (let start = 0; start < ids.length; start += BATCH_SIZE) {
        if (remainingMs() < STOP_BEFORE_MS) return total;
        await publishBatch(deps, ids.slice(start, start + BATCH_SIZE), total);
      }
    }
    return total;
  };

/** A shard that cannot be read is a failure and does not stop the sweep of the others. */
async function findUnpublished(
  deps: SweepEventOutboxDeps,
  shard: number,
  beforeMs: number,
  total: SweepEventOutboxResult,
): Promise<string[]> {
  try {
    return await deps.claims.unpublished(shard, beforeMs, deps.limit);
  } catch (error) {
    total.failures.push(toMessageFailure(error));
    return [];
  }
}

async function publishBatch(
  deps: SweepEventOutboxDeps,
  ids: readonly string[],
  total: SweepEventOutboxResult,
): Promise<void> {
  const owner = deps.newOwner();
  const lease = { owner, untilMs: deps.clock.realMs() + deps.leaseMs };
  const claims = await Promise.all(
    ids.map((id) => deps.claims.claimStored(id, lease).catch(toMessageFailure)),
  );
  const granted = claims.flatMap((claim) => (claim?.kind === "granted" ? [claim.event] : []));
  const outcomes = await publishClaimed(deps, owner, granted);
  for (const outcome of [...claims, ...outcomes]) {
    if (outcome?.kind === "published") total.published++;
    if (outcome?.kind === "held") total.held++;
    if (outcome?.kind === "failed") total.failures.push(outcome);
  }
}
