import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { SubmitQueue } from "../../core/requests/state/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { makeSendBatches } from "./send-batches.ts";
import { delaySeconds } from "./sqs-delay.ts";

/**
 * Uses SQS fair queues: the client is the `MessageGroupId` on a standard queue. A message of no
 * client is not delayed by any.
 */
export function makeSqsSubmitQueue(options: { client: SQSClient; queueUrl: string }): SubmitQueue {
  const sendBatches = makeSendBatches(options.client);
  return {
    sendAll: (messages) =>
      sendBatches(
        options.queueUrl,
        messages.map(({ message, clientId }) => ({
          MessageBody: JSON.stringify(message),
          MessageGroupId: clientId,
        })),
      ),

    async send(message, { delayMs = 0, clientId } = {}) {
      const command = new SendMessageCommand({
        QueueUrl: options.queueUrl,
        MessageBody: JSON.stringify(message),
        DelaySeconds: delaySeconds(delayMs),
        ...(clientId === undefined ? {} : { MessageGroupId: clientId }),
      });
      await callDependency("SQS SendMessage", () => options.client.send(command));
    },
  };
}
