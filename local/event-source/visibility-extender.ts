import {
  ChangeMessageVisibilityBatchCommand,
  GetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { localAws } from "../aws/local-aws.ts";
import { MAX_MESSAGES_PER_CALL, pause } from "./queue-poller.ts";

/** The visibility timeout is set again after this part of it. */
const RENEWAL_SHARE = 1 / 3;

/** Keeps the messages of a batch invisible while a debugger pauses their function. */
export interface VisibilityExtender {
  /** Renews the queue's own visibility timeout until the returned function is called. */
  extend(receiptHandles: readonly string[]): () => void;
  close(): void;
}

export function makeVisibilityExtender(options: {
  queueUrl: string;
  awsUrl: string;
  /** Reports a renewal that failed. */
  log: (error: unknown) => void;
}): VisibilityExtender {
  const { queueUrl: QueueUrl, awsUrl, log } = options;
  // The caller is the local run itself, because the function's role may lack the permission.
  const client = new SQSClient(localAws(awsUrl));

  async function readTimeoutSeconds(): Promise<number> {
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["VisibilityTimeout"] }),
    );
    return Number(Attributes?.VisibilityTimeout);
  }

  async function renew(receiptHandles: readonly string[], VisibilityTimeout: number) {
    for (let start = 0; start < receiptHandles.length; start += MAX_MESSAGES_PER_CALL) {
      const Entries = receiptHandles
        .slice(start, start + MAX_MESSAGES_PER_CALL)
        .map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout }));
      await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
    }
  }

  let timeoutSeconds: Promise<number> | undefined;

  async function renewUntilAborted(receiptHandles: readonly string[], signal: AbortSignal) {
    timeoutSeconds ??= readTimeoutSeconds();
    const seconds = await timeoutSeconds;
    for (;;) {
      await pause(seconds * 1_000 * RENEWAL_SHARE, signal);
      if (signal.aborted) return;
      // The next renewal comes before the timeout, so that one may fail.
      await renew(receiptHandles, seconds).catch(log);
    }
  }

  return {
    extend(receiptHandles) {
      const stop = new AbortController();
      // Without it the messages are received again after the timeout, as without a debugger.
      renewUntilAborted(receiptHandles, stop.signal).catch((error: unknown) => {
        timeoutSeconds = undefined;
        log(error);
      });
      return () => stop.abort();
    },
    close: () => client.destroy(),
  };
}
