import type { SQSRecord } from "aws-lambda";
import type { ConsumeOutcome } from "../../shared/core/inbound/consume-outcomes.ts";

/** Pairs each record with its outcome. */
export function pairWithOutcomes(records: SQSRecord[], outcomes: ConsumeOutcome[]) {
  return records.map((record, index) => {
    const outcome = outcomes[index];
    if (outcome === undefined) throw new Error(`No outcome for message ${record.messageId}`);
    return { record, outcome };
  });
}

/** The records that must stay in the queue. */
export function failedRecords(paired: ReturnType<typeof pairWithOutcomes>): SQSRecord[] {
  return paired.filter(({ outcome }) => outcome.kind === "failed").map(({ record }) => record);
}
