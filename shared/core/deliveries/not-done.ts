import { Failure, type FailureCode } from "../../contracts/failures.ts";

/** The message must stay in the queue. */
export interface NotDone {
  kind: "failed";
  code: FailureCode;
  detail: string;
}

/** What a fault of ours makes of a message; whatever else is thrown is thrown on. */
export function failedBy(error: unknown): NotDone {
  if (error instanceof Failure) return { kind: "failed", code: error.code, detail: error.message };
  throw error;
}
