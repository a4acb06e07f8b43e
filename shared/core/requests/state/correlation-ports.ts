import type { CorrelatedType } from "../../providers/correlation.ts";

/** An event that may release or stop dependent requests, as it is found again. */
export interface FoundEvent {
  /** Business time of receipt. */
  receivedMs: number;
  /** Absent where the event names no account. */
  accountId?: string | undefined;
}

/** An event with its correlation keys. */
export interface CorrelatedEvent extends FoundEvent {
  connectionId: string;
  type: CorrelatedType;
  /** Distinguishes two events that were received at one time. */
  eventId: string;
  keys: readonly string[];
}

/**
 * Events by what they are about, and the requests that watch for them. A caller that watches
 * first and then finds, and one that records first and then finds the watchers, cannot miss
 * each other. Every method throws DEPENDENCY_DOWN when it cannot answer.
 */
export interface CorrelationStore {
  /** Stores the event under each of its keys, in one call. Every later `findEvents` returns it. Idempotent. */
  recordEvent(event: CorrelatedEvent, signal?: AbortSignal): Promise<void>;
  /**
   * The events of this type that were received at or after `sinceMs`; strongly consistent. Not one
   * that was received within the day before, too: its provider has sent it again.
   */
  findEvents(of: {
    connectionId: string;
    keys: readonly string[];
    type: CorrelatedType;
    sinceMs: number;
  }): Promise<FoundEvent[]>;
  /** Has `findWatchers` return the request for each of these keys until that time (business). Idempotent. */
  watch(of: {
    connectionId: string;
    keys: readonly string[];
    requestId: string;
    untilMs: number;
  }): Promise<void>;
  /** The requests that watch any of these keys; strongly consistent. */
  findWatchers(of: { connectionId: string; keys: readonly string[] }): Promise<string[]>;
}
