/**
 * The idempotency keys of accepted requests. An entry names the request id that its calls
 * use, and is held by each call that may still store that request. An entry that no call
 * holds is gone, as is one past its time.
 */
export interface IdempotencyStore {
  /** The entry of a key. */
  find(clientId: string, key: string): Promise<KnownKey | undefined>;
  /** The entries of these keys, by key, in as few calls as possible. */
  findMany(clientId: string, keys: readonly string[]): Promise<Map<string, KnownKey>>;
  /**
   * Stores an entry that this call holds, unless there is one, except that of the request
   * `insteadOf`. Returns the stored entry: this call's, if it has its request id. Idempotent.
   */
  reserve(
    of: KeyHold & {
      bodySha256: string;
      reservedRealMs: number;
      /** Of a batch. */
      lanes?: readonly string[] | undefined;
      expiresMs: number;
      insteadOf?: string | undefined;
    },
  ): Promise<KnownKey>;
  /** Holds the entry of another call. Returns `false` where it is not there any more. Idempotent. */
  share(of: KeyHold): Promise<boolean>;
  /** Ends this call's hold of the entry. Idempotent. */
  release(of: KeyHold): Promise<void>;
}

/** The hold of one call on the entry of its key. */
export interface KeyHold {
  clientId: string;
  key: string;
  /** Of the entry's request; for the key of a batch, an id of the batch. */
  requestId: string;
  /** Identifies the call. */
  holder: string;
}

export interface KnownKey {
  bodySha256: string;
  requestId: string;
  /** When the entry was stored (real). */
  reservedRealMs: number;
  /** Of a batch: the lane of each of its requests; empty for one whose account was not found. */
  lanes?: readonly string[] | undefined;
}
