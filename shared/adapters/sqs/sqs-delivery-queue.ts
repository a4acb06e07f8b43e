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

/** What one SendMessageBatch takes. */
const MAX_ENTRIES = 10;
const MAX_BATCH_BYTES = 1_048_576;

/**
 * Attempts and jobs on SQS. Messages of one webhook are a group: where one
 * group has many under way, a standard queue lets the others go first.
 */
export function makeSqsDeliveryQueue(options: {
  client: SQSClient;
  queueUrls: Readonly<Record<AttemptQueueName, string>>;
}): DeliveryQueue {
  const { client, queueUrls } = options;

  /** Gives the entries that were not taken. */
  async function sendBatch(QueueUrl: string, Entries: SendMessageBatchRequestEntry[]) {
    const command = new SendMessageBatchCommand({ QueueUrl, Entries });
    const { Successful = [] } = await callDependency("SQS SendMessageBatch", () =>
      client.send(command),
    );
    const taken = new Set(Successful.map(({ Id }) => Id));
    return Entries.filter(({ Id }) => !taken.has(Id));
  }

  async function sendAll(queueUrl: string, entries: SendMessageBatchRequestEntry[]) {
    const refused = await sendBatch(queueUrl, entries);
    const lost = refused.length > 0 ? await sendBatch(queueUrl, refused) : [];
    if (lost.length === 0) return;
    throw new Failure("DEPENDENCY_DOWN", `SQS did not take ${lost.length} of ${entries.length}`);
  }

  return {
    async send(name, messages) {
      const entries = messages.map(({ message, delayMs = 0 }, index) => ({
        Id: String(index),
        MessageBody: busSafeJson(message),
        MessageGroupId: groupOf(message),
        DelaySeconds: delaySeconds(delayMs),
      }));
      // One after the other: a hundred that are put back at once would keep others' calls waiting.
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
