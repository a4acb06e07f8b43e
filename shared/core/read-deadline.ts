/** Real time that a read of what is stored may take, where no caller sets a limit. */
const READ_LIMIT_MS = 3_000;

/** For one read that begins now. */
export function readDeadline(): AbortSignal {
  return AbortSignal.timeout(READ_LIMIT_MS);
}
