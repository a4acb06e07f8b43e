import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { InboundMessage } from "../../contracts/messages/inbound.ts";
import type { InboundQueue } from "../../core/inbound/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { delaySeconds } from "./sqs-delay.ts";

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
      await callDependency("SQS SendMessage", () => options.client.send(command, { abortSignal }));
    },
  };
}

/**
 * Requeues a message that cannot be processed yet as a new message, because a
 * failed receive would count towards `maxReceiveCount` and the dead-letter queue.
 */
export function makeSqsRequeueLater(options: {
  client: SQSClient;
  queueUrl: string;
  /** 1 on AWS. The local SQS applies delays in business time, which may pass faster. */
  businessPerRealSecond: number;
}) {
  return async (message: InboundMessage, delayRealMs: number): Promise<void> => {
    const command = new SendMessageCommand({
      QueueUrl: options.queueUrl,
      MessageBody: JSON.stringify(message),
      DelaySeconds: delaySeconds(delayRealMs * options.businessPerRealSecond),
    });
    await callDependency("SQS SendMessage", () => options.client.send(command));
  };
}
