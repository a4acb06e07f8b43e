import type { InboundMessage } from "../../contracts/messages/inbound.ts";

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
