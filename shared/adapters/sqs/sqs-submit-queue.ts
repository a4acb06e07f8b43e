import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { SubmitQueue } from "../../core/requests/state/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { delaySeconds } from "./sqs-delay.ts";

export function makeSqsSubmitQueue(options: { client: SQSClient; queueUrl: string }): SubmitQueue {
  return {
    async send(message, delayMs = 0) {
      const command = new SendMessageCommand({
        QueueUrl: options.queueUrl,
        MessageBody: JSON.stringify(message),
        DelaySeconds: delaySeconds(delayMs),
      });
      await callDependency("SQS SendMessage", () => options.client.send(command));
    },
  };
}
