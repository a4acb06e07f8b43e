import { Failure, type FailureCode } from "../contracts/failures.ts";

/** The message must stay in the queue. */
export interface MessageFailure {
  kind: "failed";
  code: FailureCode;
  /** Without content. */
  detail: string;
  /** What nobody foresaw. */
  error?: Error;
}

/** What a fault makes of the one message that it befell: its neighbours have nothing to do with it. */
export function toMessageFailure(error: unknown): MessageFailure {
  if (error instanceof Failure) return { kind: "failed", code: error.code, detail: error.message };
  const unforeseen = error instanceof Error ? error : new Error("something that is no error");
  return { kind: "failed", code: "UNFORESEEN", detail: unforeseen.name, error: unforeseen };
}
