import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { InboundMessage } from "../contracts/inbound-message.ts";
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

/** What SQS delays a message by at most, in seconds. */
const MAX_DELAY_SECONDS = 900;

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
    const seconds = Math.ceil((delayRealMs / 1000) * options.businessPerRealSecond);
    const command = new SendMessageCommand({
      QueueUrl: options.queueUrl,
      MessageBody: JSON.stringify(message),
      DelaySeconds: Math.min(seconds, MAX_DELAY_SECONDS),
    });
    await dependency("SQS SendMessage", () => options.client.send(command));
  };
}
