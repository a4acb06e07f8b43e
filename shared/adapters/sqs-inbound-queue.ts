import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { InboundQueue } from "../core/ports.ts";
import { dependency } from "./dependency-down.ts";

export function makeSqsInboundQueue(options: {
  client: SQSClient;
  queueUrl: string;
}): InboundQueue {
  return {
    async send(message, abortSignal) {
      const command = new SendMessageCommand({
        QueueUrl: options.queueUrl,
        MessageBody: JSON.stringify(message),
      });
      await dependency("SQS SendMessage", () => options.client.send(command, { abortSignal }));
    },
  };
}
