import { ChangeMessageVisibilityBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Clock } from "../../core/clock.ts";

interface Handled {
  record: { receiptHandle: string };
  outcome: { kind: string; retryAtMs?: number };
}

/**
 * Lets messages come again when another look is worth it, rather than when their
 * visibility timeout ends. Only a hint: if it fails they come at the timeout.
 */
export function makeSqsRedelivery(options: { client: SQSClient; queueUrl: string; clock: Clock }) {
  return async (handled: readonly Handled[]): Promise<void> => {
    const nowMs = options.clock.realMs();
    const entries = handled.flatMap(({ record, outcome }, index) => {
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
