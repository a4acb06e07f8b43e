import type { SQSRecord } from "aws-lambda";
import { EARLY_RETRY_SECONDS } from "../../shared/contracts/fanout-retries.ts";
import { parseJsonOrUndefined } from "../../shared/contracts/json-text.ts";
import { deliveryMessage } from "../../shared/contracts/messages/delivery.ts";
import type {
  ParsedMessage,
  SourceQueueName,
} from "../../shared/core/deliveries/process-messages.ts";

/**
 * Returns the queue that an invocation's records come from: Lambda invokes a function
 * with the records of one queue.
 */
export function sourceQueue(
  records: readonly SQSRecord[],
  urls: { ATTEMPTS_QUEUE_URL: string; RETRIES_QUEUE_URL: string },
): SourceQueueName {
  const name = records[0]?.eventSourceARN.split(":").at(-1);
  if (name === urls.ATTEMPTS_QUEUE_URL.split("/").at(-1)) return "attempts";
  return name === urls.RETRIES_QUEUE_URL.split("/").at(-1) ? "retries" : "fanout";
}

/**
 * Parses a record by its queue. The events queue holds events as EventBridge sends
 * them, which `createDeliveries` parses; the other two hold our own messages.
 */
export function parseMessage({ body }: SQSRecord, queue: SourceQueueName): ParsedMessage {
  if (queue === "fanout") return { kind: "event", body };
  const message = deliveryMessage.safeParse(parseJsonOrUndefined(body)).data;
  if (message === undefined) {
    return {
      kind: "failed",
      code: "MESSAGE_MALFORMED",
      detail: "the message is neither an attempt nor a job",
    };
  }
  if (message.kind === "job") return { kind: "job", jobId: message.jobId };
  return { kind: "attempt", message };
}

/** The records that must stay in the queue. */
export function failedRecords(
  records: SQSRecord[],
  outcomes: readonly { kind: string }[],
): SQSRecord[] {
  // Another worker's claim: SQS delivers the message again after the lease.
  return records.filter((_, index) =>
    ["failed", "claimedByAnother"].includes(outcomes[index]?.kind ?? ""),
  );
}

/** Failed events with the time at which each is received again, where that is early. */
export function earlyRetries(events: readonly SQSRecord[], nowMs: number) {
  return events.flatMap((record) => {
    const receives = Number(record.attributes.ApproximateReceiveCount);
    const seconds = EARLY_RETRY_SECONDS[receives - 1];
    return seconds === undefined
      ? []
      : { record, outcome: { kind: "failed", retryAtMs: nowMs + seconds * 1_000 } };
  });
}
