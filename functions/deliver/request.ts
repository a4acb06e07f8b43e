import type { SQSRecord } from "aws-lambda";
import { deliveryMessage } from "../../shared/contracts/messages/delivery.ts";
import type { DeliveryWork } from "../../shared/core/deliveries/handle-delivery-work.ts";

/** What is not one of our own messages can only be the bus's, which is looked at closer later. */
export function workOf({ body }: SQSRecord): DeliveryWork {
  const message = deliveryMessage.safeParse(parsed(body)).data;
  if (message === undefined) return { kind: "event", body };
  return message.kind === "job"
    ? { kind: "job", jobId: message.jobId }
    : { kind: "attempt", hint: message };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Whether records come from this queue; an invocation's are all of one. */
export function cameFromQueue(queueUrl: string, records: readonly SQSRecord[]): boolean {
  const name = queueUrl.split("/").at(-1);
  return records[0]?.eventSourceARN.split(":").at(-1) === name;
}
