import type { ConnectionItem, ConnectionSecrets } from "../contracts/config-items.ts";
import type { PaceRange } from "../contracts/http/requests.ts";
import type { InboundMessage } from "../contracts/messages/inbound.ts";
import type { FinalEvent } from "./events/envelope.ts";

/** Two clocks: the local run may speed business time up, leases and timeouts stay real. */
export interface Clock {
  /** Real time, epoch milliseconds. */
  realMs(): number;
  /** Business time, epoch milliseconds: due times, retention, what events are stamped with. */
  businessMs(): number;
}

/** A connection as `ingest` needs it: the stored item and its secrets, opened. */
export interface Connection extends Omit<ConnectionItem, "pk" | "sealedSecrets" | "version"> {
  secrets: ConnectionSecrets;
}

export interface ConnectionReader {
  /** @throws DEPENDENCY_DOWN when the store or the master secret cannot be read */
  read(connectionId: string, signal: AbortSignal): Promise<Connection | undefined>;
  /**
   * As it is stored, past what is remembered; what is remembered where it was
   * read a moment ago, so that a flood of forgeries is not one of reads.
   *
   * @throws DEPENDENCY_DOWN
   */
  refresh(connectionId: string, signal: AbortSignal): Promise<Connection | undefined>;
}

/** One that can look past all that it remembers. */
export interface FreshConnectionReader extends ConnectionReader {
  /** As it is stored now. @throws DEPENDENCY_DOWN */
  reread(connectionId: string, signal: AbortSignal): Promise<Connection | undefined>;
}

/** Bodies that are too large to travel inline. Keys hold digests: a second put changes nothing. */
export interface BlobStore {
  /** Returns when it is stored. @throws DEPENDENCY_DOWN */
  put(key: string, body: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** @throws BODY_GONE when there is none; DEPENDENCY_DOWN */
  get(key: string): Promise<Uint8Array>;
}

/** Where webhooks go whose signature failed on a connection that is being calibrated. */
export interface QuarantineStore {
  /** Returns when it is stored. @throws DEPENDENCY_DOWN */
  put(
    webhook: { connectionId: string; body: Uint8Array; receivedAtMs: number },
    signal: AbortSignal,
  ): Promise<void>;
}

export interface InboundQueue {
  /**
   * Returns when the queue has the message. Not idempotent: a call that failed
   * may have been applied, and calling again queues it twice.
   *
   * @throws DEPENDENCY_DOWN
   */
  send(message: InboundMessage, signal: AbortSignal): Promise<void>;
}

/** An account that this client registered with a connection. */
export interface KnownAccount {
  /** Linked API's token of this account. */
  identificationToken?: string;
  /** Its own gap between submissions. */
  pace?: PaceRange;
}

export interface AccountReader {
  /** @throws DEPENDENCY_DOWN */
  find(connectionId: string, accountId: string): Promise<KnownAccount | undefined>;
}

/** One that can look past what it remembers. */
export interface FreshAccountReader extends AccountReader {
  /** As it is stored. @throws DEPENDENCY_DOWN */
  refresh(connectionId: string, accountId: string): Promise<KnownAccount | undefined>;
}

/** A call to a provider's API, as its pack wants it made. */
export interface ProviderHttpCall {
  method: "GET" | "POST" | "DELETE";
  /** Below the provider's base URL, with its leading slash. */
  path: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
}

/** Who claims, and until when: `owner` is unique to the attempt. */
export interface Lease {
  owner: string;
  /** Real milliseconds, epoch. */
  untilMs: number;
}

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
