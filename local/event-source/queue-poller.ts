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

/** What SQS gives, or takes back, in one call. */
export const MAX_MESSAGES_PER_CALL = 10;
const LONG_POLL_SECONDS = 20;

/** A queue as the poller of one event source mapping sees it: every call is signed by the function. */
export interface QueuePoller {
  /** @throws when the function's role may not read the queue's attributes, or delete from it */
  check(): Promise<void>;
  /** What is there now, at most 10. */
  receiveNow(): Promise<Message[]>;
  /** Waits for messages, then up to `windowMs` for the batch to fill. Empty when none came, or at the abort. */
  receiveBatch(limits: { size: number; windowMs: number; signal: AbortSignal }): Promise<Message[]>;
  /** @returns how many could not be deleted */
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
      // Only the role check matters: no message has this handle, whether SQS says so or not.
      await client
        .send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "check" }))
        .catch((error: Error) => {
          if (isRefusal(error)) throw error;
        });
    },
    receiveNow: () => receive({ count: MAX_MESSAGES_PER_CALL, waitSeconds: 0 }),
    receiveBatch: async ({ size, windowMs, signal }) => {
      const batch = await receive({ count: size, waitSeconds: LONG_POLL_SECONDS, signal });
      const deadline = Date.now() + windowMs;
      /** A receive that was full says that more wait: no reason to wait for them. */
      let isMore = batch.length === MAX_MESSAGES_PER_CALL;
      while (windowMs > 0 && batch.length > 0 && batch.length < size && !signal.aborted) {
        if (isMore) {
          const more = await receive({ count: size - batch.length, waitSeconds: 0 });
          isMore = more.length === MAX_MESSAGES_PER_CALL;
          batch.push(...more);
          continue;
        }
        const leftSeconds = Math.max(0, (deadline - Date.now()) / 1_000);
        // SQS waits whole seconds; what is left of the last one is waited here.
        if (leftSeconds > 0 && leftSeconds < 1) await pause(leftSeconds * 1_000, signal);
        const waitSeconds = Math.min(Math.floor(leftSeconds), LONG_POLL_SECONDS);
        // Not aborted: a batch that has begun is worked off, whatever else was already handed out.
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

function isRefusal(error: Error): boolean {
  return error.name.startsWith("AccessDenied");
}

/** Waits, or ends at the abort. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
