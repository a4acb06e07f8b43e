import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { SubmitQueue } from "../core/requests/ports.ts";
import { dependency } from "./dependency-down.ts";

/** What SQS delays a message by at most, in seconds. */
const MAX_DELAY_SECONDS = 900;

export function makeSqsSubmitQueue(options: { client: SQSClient; queueUrl: string }): SubmitQueue {
  return {
    async send(message, delayMs = 0) {
      const command = new SendMessageCommand({
        QueueUrl: options.queueUrl,
        MessageBody: JSON.stringify(message),
        DelaySeconds: Math.min(Math.max(0, Math.ceil(delayMs / 1000)), MAX_DELAY_SECONDS),
      });
      await dependency("SQS SendMessage", () => options.client.send(command));
    },
  };
}
