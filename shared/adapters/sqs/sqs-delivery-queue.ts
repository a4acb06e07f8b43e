import {
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { Failure } from "../../contracts/failures.ts";
import type { DeliveryMessage } from "../../contracts/messages/delivery.ts";
import type { AttemptQueueName, DeliveryQueue } from "../../core/deliveries/state/ports.ts";
import { busSafeJson } from "../../core/events/envelope.ts";
import { batches } from "../batches.ts";
import { callDependency } from "../dependency-down.ts";
import { delaySeconds } from "./sqs-delay.ts";

/** Limits of one SendMessageBatch call. */
const MAX_ENTRIES = 10;
const MAX_BATCH_BYTES = 1_048_576;

/**
 * Sends attempts and jobs to SQS. Uses SQS fair queues: the webhook is the `MessageGroupId` on a
 * standard queue, so that a webhook with many messages in flight does not delay the others.
 */
export function makeSqsDeliveryQueue(options: {
  client: SQSClient;
  queueUrls: Readonly<Record<AttemptQueueName, string>>;
}): DeliveryQueue {
  const { client, queueUrls } = options;

  /** Returns the entries that SQS did not accept. */
  async function sendBatch(QueueUrl: string, Entries: SendMessageBatchRequestEntry[]) {
    const command = new SendMessageBatchCommand({ QueueUrl, Entries });
    const { Successful = [] } = await callDependency("SQS SendMessageBatch", () =>
      client.send(command),
    );
    const accepted = new Set(Successful.map(({ Id }) => Id));
    return Entries.filter(({ Id }) => !accepted.has(Id));
  }

  async function sendAll(queueUrl: string, entries: SendMessageBatchRequestEntry[]) {
    const refused = await sendBatch(queueUrl, entries);
    const lost = refused.length > 0 ? await sendBatch(queueUrl, refused) : [];
    if (lost.length === 0) return;
    throw new Failure(
      "DEPENDENCY_DOWN",
      `SQS did not accept ${lost.length} of ${entries.length} messages`,
    );
  }

  return {
    async send(name, messages) {
      const entries = messages.map(({ message, delayMs = 0 }, index) => ({
        Id: String(index),
        MessageBody: busSafeJson(message),
        MessageGroupId: groupOf(message),
        DelaySeconds: delaySeconds(delayMs),
      }));
      // Batches are sent one after another: many at once would delay the other calls of this worker.
      const failures: unknown[] = [];
      for (const batch of batches(entries, batchLimits)) {
        await sendAll(queueUrls[name], batch).catch((error) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

const batchLimits = {
  maxEntries: MAX_ENTRIES,
  maxBytes: MAX_BATCH_BYTES,
  bytesOf: ({ MessageBody }: { MessageBody: string }) => Buffer.byteLength(MessageBody),
};

function groupOf(message: DeliveryMessage): string {
  return message.kind === "attempt" ? message.webhookId : message.clientId;
}
