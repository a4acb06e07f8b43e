import {
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { Failure } from "../../contracts/failures.ts";
import { batches } from "../batches.ts";
import { callDependency } from "../dependency-down.ts";

/** Limits of one SendMessageBatch call. */
const MAX_ENTRIES = 10;
const MAX_BATCH_BYTES = 1_048_576;

const batchLimits = {
  maxEntries: MAX_ENTRIES,
  maxBytes: MAX_BATCH_BYTES,
  bytesOf: ({ MessageBody = "" }: { MessageBody?: string | undefined }) =>
    Buffer.byteLength(MessageBody),
};

/**
 * Returns a function that sends messages in batches, one after another: many at once would delay
 * the other calls of this worker. What SQS does not accept is sent a second time.
 *
 * @throws DEPENDENCY_DOWN after all batches were tried, when SQS did not accept a message
 */
export function makeSendBatches(client: SQSClient) {
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

  return async (
    queueUrl: string,
    messages: readonly Omit<SendMessageBatchRequestEntry, "Id">[],
  ): Promise<void> => {
    const entries = messages.map((message, index) => ({ ...message, Id: String(index) }));
    const failures: unknown[] = [];
    for (const batch of batches(entries, batchLimits)) {
      await sendAll(queueUrl, batch).catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };
}
