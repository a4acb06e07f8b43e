import type { Lease } from "../clock.ts";
import type { FinalEvent } from "./envelope.ts";

export type ClaimResult =
  /** The event is ours to publish. The bytes are those of the first claim. */
  | { kind: "granted"; event: FinalEvent }
  /** Another worker has it: report the message as failed, never as done. */
  | { kind: "held"; untilMs: number }
  /** It is on the bus. `envelope` is what was published. */
  | { kind: "done"; envelope: string };

/**
 * The events that this system has seen: at once the dedupe record, the outbox
 * and the event store. At most one live claim per event, whichever workers race.
 */
export interface EventClaims {
  /**
   * Claims an event, storing it when it is new.
   *
   * @throws DEPENDENCY_DOWN; the claim may or may not have been written
   */
  claim(event: FinalEvent, lease: Lease): Promise<ClaimResult>;
  /** Claims an event that is stored already; `undefined` when there is none. */
  takeOver(id: string, lease: Lease): Promise<ClaimResult | undefined>;
  /** Records that the event is on the bus; `lost` when the claim had passed to another. */
  complete(id: string, owner: string): Promise<"completed" | "lost">;
  /** Gives the claim back, to the end of the outbox: the next worker need not wait for its end. */
  release(id: string, owner: string): Promise<void>;
  /**
   * Takes out of the outbox what the bus will never take as it is. The event
   * stays stored, and can be claimed when its message is redriven.
   */
  park(id: string, owner: string): Promise<void>;
  /** Ids of unpublished events of one shard that were stored before `beforeMs` (real), oldest first. */
  unpublished(shard: number, beforeMs: number, limit: number): Promise<string[]>;
}

export type PublishResult =
  | { ok: true }
  /** `isFinal`: the bus will never take this entry as it is. */
  | { ok: false; reason: string; isFinal: boolean };

export interface EventPublisher {
  /**
   * Puts events on the bus, in batches, and answers for each, in order. An
   * entry that failed may be published again; one that is `ok` is on the bus.
   */
  publish(events: readonly FinalEvent[]): Promise<PublishResult[]>;
}
