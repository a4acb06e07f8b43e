import { setTimeout } from "node:timers/promises";
import {
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import type { FunctionCredentials } from "../lambda/function-credentials.ts";
import { REGION } from "../physical-name.ts";

/** Maximum number of messages that one SQS call receives or deletes. */
export const MAX_MESSAGES_PER_CALL = 10;
const LONG_POLL_SECONDS = 20;

/**
 * The queue of one event source mapping. Every call is signed with the
 * credentials of the function.
 */
export interface QueuePoller {
  /**
   * @throws Error when the function's role may not read the queue's attributes,
   *   or delete from it
   */
  check(): Promise<void>;
  /** Receives up to 10 messages without waiting. */
  receiveNow(): Promise<Message[]>;
  /**
   * Waits for messages, then up to `windowMs` until the batch is full. Returns an
   * empty batch when no message arrived, or on abort.
   */
  receiveBatch(limits: { size: number; windowMs: number; signal: AbortSignal }): Promise<Message[]>;
  /** @returns the number of messages that could not be deleted */
  delete(receiptHandles: string[]): Promise<number>;
  close(): void;
}

export function makeQueuePoller(options: {
  queueUrl: string;
  awsUrl: string;
  credentials: FunctionCredentials;
}): QueuePoller {
  const { queueUrl: QueueUrl, awsUrl, credentials } = options;
  const client = new SQSClient({ endpoint: awsUrl, region: REGION, credentials });

  async function receive(limits: { count: number; waitSeconds: number; signal?: AbortSignal }) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: Math.min(limits.count, MAX_MESSAGES_PER_CALL),
        WaitTimeSeconds: limits.waitSeconds,
        MessageSystemAttributeNames: ["All"],
        MessageAttributeNames: ["All"],
      }),
      limits.signal ? { abortSignal: limits.signal } : {},
    );
    return Messages;
  }

  return {
    check: async () => {
      await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
      // This call only tests the permission: no message has this handle, so another error is
      // expected.
      await client
        .send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "check" }))
        .catch((error: Error) => {
          if (isAccessDenied(error)) throw error;
        });
    },
    receiveNow: () => receive({ count: MAX_MESSAGES_PER_CALL, waitSeconds: 0 }),
    receiveBatch: async ({ size, windowMs, signal }) => {
      const batch = await receive({ count: size, waitSeconds: LONG_POLL_SECONDS, signal });
      const deadline = Date.now() + windowMs;
      /**
       * A full receive means that more messages are available, so the next
       * receive does not wait.
       */
      let hasMore = batch.length === MAX_MESSAGES_PER_CALL;
      while (windowMs > 0 && batch.length > 0 && batch.length < size && !signal.aborted) {
        if (hasMore) {
          const more = await receive({ count: size - batch.length, waitSeconds: 0 });
          hasMore = more.length === MAX_MESSAGES_PER_CALL;
          batch.push(...more);
          continue;
        }
        const leftSeconds = Math.max(0, (deadline - Date.now()) / 1_000);
        // SQS waits whole seconds; the rest of the window is waited here.
        if (leftSeconds > 0 && leftSeconds < 1) await pause(leftSeconds * 1_000, signal);
        const waitSeconds = Math.min(Math.floor(leftSeconds), LONG_POLL_SECONDS);
        // Not aborted: messages received so far are processed even while the run closes.
        const more = await receive({ count: size - batch.length, waitSeconds });
        batch.push(...more);
        if (leftSeconds < 1 && more.length === 0) break;
      }
      return batch;
    },
    delete: async (receiptHandles) => {
      let failedCount = 0;
      for (let start = 0; start < receiptHandles.length; start += MAX_MESSAGES_PER_CALL) {
        const Entries = receiptHandles
          .slice(start, start + MAX_MESSAGES_PER_CALL)
          .map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
        const { Failed = [] } = await client.send(
          new DeleteMessageBatchCommand({ QueueUrl, Entries }),
        );
        failedCount += Failed.length;
      }
      return failedCount;
    },
    close: () => client.destroy(),
  };
}

function isAccessDenied(error: Error): boolean {
  return error.name.startsWith("AccessDenied");
}

/** Waits for `ms`, or until the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
