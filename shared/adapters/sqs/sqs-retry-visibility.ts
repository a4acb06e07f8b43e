import { ChangeMessageVisibilityBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Clock } from "../../core/clock.ts";

interface ProcessedMessage {
  record: { receiptHandle: string };
  /** `retryAtMs`: real time at which it is received again; absent: at the end of its timeout. */
  outcome: { kind: string; retryAtMs?: number };
}

/**
 * Makes messages visible again when a retry can succeed, instead of when their
 * visibility timeout ends. Best effort: where it fails, the timeout applies.
 */
export function makeSqsRetryVisibility(options: {
  client: SQSClient;
  queueUrl: string;
  clock: Clock;
}) {
  return async (messages: readonly ProcessedMessage[]): Promise<void> => {
    const nowMs = options.clock.realMs();
    const entries = messages.flatMap(({ record, outcome }, index) => {
      if (outcome.retryAtMs === undefined) return [];
      const seconds = Math.max(0, Math.ceil((outcome.retryAtMs - nowMs) / 1000) + 1);
      return {
        Id: String(index),
        ReceiptHandle: record.receiptHandle,
        VisibilityTimeout: Math.min(seconds, MAX_VISIBILITY_SECONDS),
      };
    });
    if (entries.length === 0) return;
    const command = new ChangeMessageVisibilityBatchCommand({
      QueueUrl: options.queueUrl,
      Entries: entries,
    });
    await options.client.send(command).catch(() => undefined);
  };
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html */
const MAX_VISIBILITY_SECONDS = 43_200;
