import type { IncomingMessage } from "node:http";
import type { Message, ReceiveMessageRequest, ReceiveMessageResult } from "@aws-sdk/client-sqs";
import type { Operation } from "../protocol.ts";
import type { CallSqs } from "./calls.ts";
import type { Fauxqs, SqsQueue } from "./fauxqs.ts";

/**
 * Implements ReceiveMessage with long polling. fauxqs wakes every waiting receive
 * for each message and lets those without a message respond early; here these
 * continue to wait, as in SQS. A client that has disconnected receives no
 * message.
 *
 * @param mayReceive a message is taken only once this has resolved
 */
export function makeReceive(
  fauxqs: Fauxqs,
  call: CallSqs,
  mayReceive: () => Promise<void> = async () => {},
): { operation: Operation; close(): void } {
  let isClosing = false;

  async function operation(
    input: ReceiveMessageRequest,
    request: IncomingMessage,
  ): Promise<ReceiveMessageResult> {
    const queue = fauxqs.sqs.getQueue(String(input.QueueUrl));
    // The action rejects a missing queue or a wait time out of range.
    const waitSeconds =
      input.WaitTimeSeconds ?? Number(queue?.attributes.ReceiveMessageWaitTimeSeconds ?? 0);
    const isInRange = waitSeconds > 0 && waitSeconds <= 20;
    const once = { ...input, WaitTimeSeconds: isInRange ? 0 : waitSeconds };
    const deadline = Date.now() + waitSeconds * 1_000;
    for (;;) {
      await mayReceive();
      if (request.socket.destroyed) return {};
      const { Messages } = (await fauxqs.atomically(() =>
        call("ReceiveMessage", once as Record<string, unknown>),
      )) as ReceiveMessageResult;
      if (Messages && queue) {
        return {
          Messages: Messages.map((message) => traced(visible(message, input), queue, input)),
        };
      }
      const leftMs = deadline - Date.now();
      if (!queue || !isInRange || leftMs <= 0 || isClosing) return {};
      await queue.waitForMessages(leftMs / 1_000);
      if (request.socket.destroyed) return {};
    }
  }

  return {
    operation,
    close() {
      isClosing = true;
      fauxqs.sqs.shutdown();
    },
  };
}

/** fauxqs returns all message attributes to a caller that requests none. */
function visible(message: Message, input: ReceiveMessageRequest): Message {
  if (input.MessageAttributeNames?.length) return message;
  const { MessageAttributes, MD5OfMessageAttributes, ...rest } = message;
  return rest;
}

/** Adds `AWSTraceHeader`, which fauxqs does not have. */
function traced(message: Message, queue: SqsQueue, input: ReceiveMessageRequest): Message {
  const names: string[] = [
    ...(input.MessageSystemAttributeNames ?? []),
    ...(input.AttributeNames ?? []),
  ];
  const header = queue.inflightMessages.get(message.ReceiptHandle ?? "")?.message.traceHeader;
  if (header === undefined || !names.some((name) => ["All", "AWSTraceHeader"].includes(name))) {
    return message;
  }
  return { ...message, Attributes: { ...message.Attributes, AWSTraceHeader: header } };
}
