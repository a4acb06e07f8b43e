/**
 * The idempotency keys of accepted requests. An entry names the request id that its calls
 * use. Each call that may still store that request has a reservation of the entry. An entry
 * without a reservation counts as deleted, as does one past its time.
 */
export interface IdempotencyStore {
  /** The entry of a key. */
  find(clientId: string, key: string): Promise<KnownKey | undefined>;
  /** The entries of these keys, by key, in as few calls as possible. */
  findMany(clientId: string, keys: readonly string[]): Promise<Map<string, KnownKey>>;
  /**
   * Stores an entry with a reservation of this call, unless there is one, except that of the
   * request `insteadOf`. Returns the stored entry: this call's, if it has its request id. Idempotent.
   */
  reserve(
    of: KeyReservation & {
      bodySha256: string;
      reservedRealMs: number;
      /** Of a batch. */
      lanes?: readonly string[] | undefined;
      expiresMs: number;
      insteadOf?: string | undefined;
    },
  ): Promise<KnownKey>;
  /** Adds a reservation to the entry of another call. Returns `false` if the entry is gone. Idempotent. */
  joinReservation(of: KeyReservation): Promise<boolean>;
  /** Removes this call's reservation of the entry. The entry remains while other calls have one. Idempotent. */
  releaseReservation(of: KeyReservation): Promise<void>;
}

/** One call's reservation of the entry of its key. Reservations do not exclude each other. */
export interface KeyReservation {
  clientId: string;
  key: string;
  /** Of the entry's request; for the key of a batch, an id of the batch. */
  requestId: string;
  /** Identifies the call. */
  callId: string;
}

export interface KnownKey {
  bodySha256: string;
  requestId: string;
  /** When the entry was stored (real). */
  reservedRealMs: number;
  /** Of a batch: the lane of each of its requests; empty for one whose account was not found. */
  lanes?: readonly string[] | undefined;
}
