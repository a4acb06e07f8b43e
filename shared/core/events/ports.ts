import type { Lease } from "../clock.ts";
import type { FinalEvent } from "./envelope.ts";

export type EventClaimResult =
  /** This worker must publish the event, in the bytes of its first claim. */
  | { kind: "granted"; event: FinalEvent }
  /** Another worker has claimed it until `untilMs` (real), and may still fail to publish it. */
  | { kind: "held"; untilMs: number }
  /** It is on the bus. `envelope` is the published text. */
  | { kind: "done"; envelope: string };

/**
 * The known events. An event's item is its dedupe record, its outbox entry and
 * its entry in the event store. At most one claim per event is alive.
 */
export interface EventClaims {
  /**
   * Claims an event. Stores it when it is new.
   *
   * @param of.isRetriedByQueue a queue delivers the event's message again until it is published:
   *   the event is in the outbox only after `release`
   * @throws DEPENDENCY_DOWN; the claim may or may not have been written
   */
  claim(
    event: FinalEvent,
    lease: Lease,
    of?: { isRetriedByQueue?: boolean },
  ): Promise<EventClaimResult>;
  /** Claims a stored event. @returns `undefined` when there is none */
  claimStored(id: string, lease: Lease): Promise<EventClaimResult | undefined>;
  /** Records that the event is on the bus. @returns `lost` when another worker has the claim */
  complete(id: string, owner: string): Promise<"completed" | "lost">;
  /** Releases the claim, so that the next worker need not wait for its expiry. Puts the event at the end of the outbox. */
  release(id: string, owner: string): Promise<void>;
  /**
   * Removes an event that the bus can never accept from the outbox. It stays
   * stored, and is claimed again when its message is redriven.
   */
  removeFromOutbox(id: string, owner: string): Promise<void>;
  /**
   * Returns unpublished events of one shard, stored before `beforeMs` (real), oldest first, behind
   * `after`. Eventually consistent.
   */
  unpublished(of: {
    shard: number;
    beforeMs: number;
    limit: number;
    after?: UnpublishedEvent | undefined;
  }): Promise<UnpublishedEvent[]>;
}

/** An event in the index of the outbox. */
export interface UnpublishedEvent {
  id: string;
  /** The time in the index (real). */
  sinceMs: number;
}

export type PublishResult =
  | { ok: true }
  /** `isFinal`: the bus can never accept this entry. */
  | { ok: false; reason: string; isFinal: boolean };

export interface EventPublisher {
  /**
   * Publishes events in batches.
   *
   * @returns one result for each event, by its index. An entry that is `ok` is on
   *   the bus; one that failed may be published again
   */
  publish(events: readonly FinalEvent[]): Promise<PublishResult[]>;
}
