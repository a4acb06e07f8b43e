/** Real time that a read of stored configuration may take when the caller sets no limit. */
const READ_LIMIT_MS = 3_000;

/** Returns the signal that ends one read which starts now. */
export function readDeadline(): AbortSignal {
  return AbortSignal.timeout(READ_LIMIT_MS);
}
