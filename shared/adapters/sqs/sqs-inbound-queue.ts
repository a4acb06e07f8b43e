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
 * Puts a message that cannot be settled yet back into its queue, as a new one:
 * a receive that failed would count towards the dead-letter queue.
 */
export function makeSqsSendBack(options: {
  client: SQSClient;
  queueUrl: string;
  /** SQS delays in business time, which passes faster in a sped-up local run. */
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
