import { Failure, type FailureCode } from "../contracts/failures.ts";

/** Why processing a message failed. The message stays in its queue and is received again. */
export interface MessageFailure {
  kind: "failed";
  code: FailureCode;
  /** Without content. */
  detail: string;
  /** The error of an INTERNAL_ERROR, for the log. */
  error?: Error;
}

/**
 * Converts an error into a failure of the one message that was being processed.
 * This is the only such conversion: a `Failure` keeps its code, and any other
 * error is an INTERNAL_ERROR that carries the error itself.
 */
export function toMessageFailure(error: unknown): MessageFailure {
  if (error instanceof Failure) return { kind: "failed", code: error.code, detail: error.message };
  const internal = error instanceof Error ? error : new Error(`a ${typeof error} was thrown`);
  return { kind: "failed", code: "INTERNAL_ERROR", detail: internal.name, error: internal };
}

/** The error of a failure, for a caller that reports errors: keeps code and detail, and the error as its cause. */
export function toError({ code, detail, error }: MessageFailure): Failure {
  return new Failure(code, detail, { cause: error });
}
