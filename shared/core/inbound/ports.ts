import type { InboundMessage } from "../../contracts/messages/inbound.ts";

/** Stores bodies that are too large for a message. Keys contain digests: a second `put` changes nothing. */
export interface BlobStore {
  /** Resolves when the body is stored. @throws DEPENDENCY_DOWN */
  put(key: string, body: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** @throws BODY_GONE when the key has no body; DEPENDENCY_DOWN */
  get(key: string): Promise<Uint8Array>;
}

/** What is needed to verify a webhook again. */
export interface QuarantinedWebhook {
  body: Uint8Array;
  /** Those of its signature, names in lower case; an earlier version stored none. */
  headers: Readonly<Record<string, string>>;
}

/** Stores webhooks whose signature failed on a connection that quarantines. */
export interface QuarantineStore {
  /** Resolves when the webhook is stored. @throws DEPENDENCY_DOWN */
  put(
    webhook: QuarantinedWebhook & { connectionId: string; receivedAtMs: number },
    signal: AbortSignal,
  ): Promise<void>;
}

export interface InboundQueue {
  /**
   * Resolves when the queue has the message. Not idempotent: a call that failed
   * may have been applied, and calling again queues the message twice.
   *
   * @throws DEPENDENCY_DOWN
   */
  send(message: InboundMessage, signal: AbortSignal): Promise<void>;
}
