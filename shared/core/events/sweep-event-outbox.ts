import { OUTBOX_SHARD_COUNT } from "../../contracts/tables.ts";
import type { Clock } from "../clock.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import { sweepPages } from "../sweep-pages.ts";
import type { EventClaims, EventPublisher, UnpublishedEvent } from "./ports.ts";
import { publishClaimed } from "./publish-claimed.ts";

export interface SweepEventOutboxDeps {
  claims: EventClaims;
  publisher: EventPublisher;
  clock: Clock;
  newOwner: () => string;
  leaseMs: number;
  /** Real milliseconds in which the worker that stored an event publishes it itself. */
  graceMs: number;
  /** Most events of one shard that one query returns. A run makes as many queries as it has time for. */
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

/** Batches in a row without a published event after which a run takes the bus for down. */
const MAX_FAILED_BATCHES = 4;

/**
 * Publishes the stored events of the events table that their worker did not publish, because it
 * crashed or the bus was down: as many as the run has time for. Requests and deliveries have
 * outboxes of their own.
 */
export const makeSweepEventOutbox =
  (deps: SweepEventOutboxDeps) =>
  async (remainingMs: () => number): Promise<SweepEventOutboxResult> => {
    const total: SweepEventOutboxResult = { published: 0, held: 0, failures: [] };
    const { claims, limit } = deps;
    const beforeMs = deps.clock.realMs() - deps.graceMs;
    let failedBatches = 0;
    const shards = Array.from({ length: OUTBOX_SHARD_COUNT }, (_, shard) => shard);
    const sweeps = shards.map((shard) =>
      sweepPages({
        pageSize: limit,
        chunkSize: BATCH_SIZE,
        hasTime: () => remainingMs() >= STOP_BEFORE_MS && failedBatches < MAX_FAILED_BATCHES,
        readPage: (after: UnpublishedEvent | undefined) =>
          claims.unpublished({ shard, beforeMs, limit, after }),
        async process(events) {
          const isDown = await publishBatch(deps, events, total);
          failedBatches = isDown ? failedBatches + 1 : 0;
        },
      }),
    );
    // A shard that cannot be read does not stop the sweep of the others.
    for (const result of await Promise.allSettled(sweeps)) {
      if (result.status === "rejected") total.failures.push(toMessageFailure(result.reason));
    }
    return total;
  };

/** Returns whether the bus accepted none of the events. */
async function publishBatch(
  deps: SweepEventOutboxDeps,
  events: readonly UnpublishedEvent[],
  total: SweepEventOutboxResult,
): Promise<boolean> {
  const owner = deps.newOwner();
  const lease = { owner, untilMs: deps.clock.realMs() + deps.leaseMs };
  const claims = await Promise.all(
    events.map(({ id }) => deps.claims.claimStored(id, lease).catch(toMessageFailure)),
  );
  const granted = claims.flatMap((claim) => (claim?.kind === "granted" ? [claim.event] : []));
  const outcomes = await publishClaimed(deps, owner, granted);
  for (const outcome of [...claims, ...outcomes]) {
    if (outcome?.kind === "published") total.published++;
    if (outcome?.kind === "held") total.held++;
    if (outcome?.kind === "failed") total.failures.push(outcome);
  }
  return (
    outcomes.length > 0 &&
    outcomes.every((outcome) => outcome.kind === "failed" && outcome.code === "PUBLISH_FAILED")
  );
}
