import type { SQSRecord } from "aws-lambda";
import type { MessageOutcome } from "../../shared/core/requests/submission/handle-submit-messages.ts";

/** The records that must stay in the queue. */
export function failedRecords(records: SQSRecord[], outcomes: MessageOutcome[]): SQSRecord[] {
  return records.filter((_, index) => outcomes[index]?.kind !== "done");
}
