import type { SQSClient } from "@aws-sdk/client-sqs";
import type { DeliveryMessage } from "../../contracts/messages/delivery.ts";
import type { AttemptQueueName, DeliveryQueue } from "../../core/deliveries/state/ports.ts";
import { busSafeJson } from "../../core/events/envelope.ts";
import { makeSendBatches } from "./send-batches.ts";
import { delaySeconds } from "./sqs-delay.ts";

/**
 * Sends attempts and jobs to SQS. Uses SQS fair queues: the webhook is the `MessageGroupId` on a
 * standard queue, so that a webhook with many messages in flight does not delay the others.
 */
export function makeSqsDeliveryQueue(options: {
  client: SQSClient;
  queueUrls: Readonly<Record<AttemptQueueName, string>>;
}): DeliveryQueue {
  const sendBatches = makeSendBatches(options.client);
  return {
    send: (name, messages) =>
      sendBatches(
        options.queueUrls[name],
        messages.map(({ message, delayMs = 0 }) => ({
          MessageBody: busSafeJson(message),
          MessageGroupId: groupOf(message),
          DelaySeconds: delaySeconds(delayMs),
        })),
      ),
  };
}

function groupOf(message: DeliveryMessage): string {
  return message.kind === "attempt" ? message.webhookId : message.clientId;
}
