import type { IncomingMessage } from "node:http";
import type { BusinessTimers } from "../../clock/business-timers.ts";
import type { BusinessClock } from "../../clock/clock.ts";
import type { DurableStore } from "../../durable-store.ts";
import { arnOf, physicalName } from "../../physical-name.ts";
import type { Resource } from "../../template/resource.ts";
import type { Operation, Operations } from "../protocol.ts";
import type { CallSqs, Input } from "./calls.ts";
import { type Fauxqs, openFauxqs, type SqsQueue } from "./fauxqs.ts";
import { makeHeldMessages } from "./held-messages.ts";
import { assertMessageAttributes } from "./message-attributes.ts";
import { batchOperations } from "./sqs-batch.ts";
import { sqsError, translated } from "./sqs-errors.ts";
import { makeReceive } from "./sqs-receive.ts";
import { redriveOperations } from "./sqs-redrive.ts";

interface OutgoingMessage {
  body: string;
  groupId?: string | undefined;
  attributes?: Record<string, string>;
}

export interface Sqs {
  operations: Operations;
  fauxqs: Fauxqs;
  createQueue(resource: Resource): void;
  /**
   * Sends a message as an AWS service does. The message is durable when this
   * returns.
   *
   * @throws AwsError when the queue does not exist or rejects the message
   */
  send(queueArn: string, message: OutgoingMessage): void;
  /** What the service does with messages that Lambda's pollers received. */
  pollers: QueuePollers;
  /** Ends every long poll. */
  stopReceiving(): void;
  close(): Promise<void>;
}

/** What SQS does for Lambda beyond the calls that a client can make. */
export interface QueuePollers {
  /**
   * Makes messages visible again that no handler has seen. Their receive does not
   * count, so they do not go to the dead-letter queue for it.
   */
  giveBack(queueArn: string, receiptHandles: readonly string[]): void;
  /**
   * Moves messages to the dead-letter queue.
   *
   * @returns false if the queue has none; the messages are then deleted
   */
  park(queueArn: string, receiptHandles: readonly string[]): boolean;
}

const MAX_DELAY_SECONDS = 900;

/** SQS on fauxqs, with delays in business time, and with what fauxqs lacks. */
export async function openSqs(options: {
  dataDir: string | undefined;
  awsUrl: string;
  store: DurableStore;
  clock: BusinessClock;
  timers: BusinessTimers;
  /** A message is received only once this has resolved. Default: at once. */
  mayReceive?: (() => Promise<void>) | undefined;
}): Promise<Sqs> {
  const enqueue = new Map<string, SqsQueue["enqueue"]>();
  /**
   * MessageGroupId of the message that is being sent. On a standard queue, where
   * it makes a fair queue, fauxqs drops it.
   */
  let groupId: string | undefined;
  /** X-Ray header of the call that is being processed; fauxqs does not know it. */
  let traceHeader: string | undefined;
  /** ARN of the queue that is being received from, whose dead letters are being moved. */
  let receivingArn: string | undefined;
  const held = makeHeldMessages({
    ...options,
    release: (queueName, message) => enqueue.get(queueName)?.(message),
  });

  function adaptQueue(queue: SqsQueue): void {
    const original = {
      enqueue: queue.enqueue.bind(queue),
      dequeue: queue.dequeue.bind(queue),
      getAttribute: queue.getAttribute.bind(queue),
      purge: queue.purge.bind(queue),
      processTimers: queue.processTimers.bind(queue),
    };
    enqueue.set(queue.name, original.enqueue);
    queue.enqueue = (message) => {
      if (groupId !== undefined) message.messageGroupId = groupId;
      if (traceHeader !== undefined) message.traceHeader = traceHeader;
      if (message.delayUntil === undefined) {
        if (receivingArn !== undefined) message.deadLetterSourceArn = receivingArn;
        original.enqueue(message);
        const { messageId, deadLetterSourceArn } = message;
        if (deadLetterSourceArn !== undefined) {
          queue.persistence?.updateDeadLetterSource(messageId, deadLetterSourceArn);
        }
        return;
      }
      const { delayUntil, ...rest } = message;
      held.hold(queue.name, rest, delayUntil - message.sentTimestamp);
    };
    queue.dequeue = (...parameters) => {
      receivingArn = queue.arn;
      try {
        return original.dequeue(...parameters);
      } finally {
        receivingArn = undefined;
      }
    };
    queue.getAttribute = (name) => {
      if (name === "ApproximateNumberOfMessagesDelayed") return String(held.count(queue.name));
      // fauxqs makes messages visible again only when somebody receives.
      if (name.startsWith("ApproximateNumberOfMessages")) queue.processTimers();
      return original.getAttribute(name);
    };
    queue.processTimers = () => {
      const nowMs = Date.now();
      for (const { message, visibilityDeadline } of queue.inflightMessages.values()) {
        // fauxqs does not store this, and a message that is in flight would get its receive back.
        if (visibilityDeadline <= nowMs) queue.persistence?.updateMessageReady(message.messageId);
      }
      original.processTimers();
    };
    queue.purge = () => {
      held.drop(queue.name);
      original.purge();
    };
  }

  // A test that stops time also starts often, and seldom stores a large body.
  const isS3Lazy = options.mayReceive !== undefined;
  const fauxqs = await openFauxqs({ ...options, isS3Lazy, adaptQueue });
  held.restore();

  const call: CallSqs = (name, input) => {
    const action = fauxqs.actions[name];
    if (!action) throw new Error(`fauxqs has no ${name}`);
    // Without headers every queue is in the default region.
    return translated(() => action(input, fauxqs.sqs, { headers: {} }));
  };
  const plain = Object.keys(fauxqs.actions).map((name): [string, Operation] => [
    name,
    (input: Input) => call(name, input),
  ]);
  const receive = makeReceive(fauxqs, call, options.mayReceive);
  const sendMessage = (input: Input, request?: IncomingMessage) => {
    assertDelay(input.DelaySeconds ?? 0);
    assertMessageAttributes(input.MessageAttributes);
    groupId = input.MessageGroupId as string | undefined;
    traceHeader = request?.headers["x-amzn-trace-id"]?.toString();
    try {
      return call("SendMessage", input);
    } finally {
      groupId = undefined;
      traceHeader = undefined;
    }
  };
  const single = {
    SendMessage: sendMessage,
    DeleteMessage: (input: Input) => withHandle(call, "DeleteMessage", input),
    ChangeMessageVisibility: (input: Input) => withHandle(call, "ChangeMessageVisibility", input),
  };
  const own: Operations = {
    ReceiveMessage: receive.operation,
    DeleteQueue: (input: Input) => {
      const queue = fauxqs.sqs.getQueue(String(input.QueueUrl));
      if (queue) held.drop(queue.name);
      return call("DeleteQueue", input);
    },
  };

  return {
    operations: {
      ...Object.fromEntries(plain),
      ...own,
      ...single,
      ...batchOperations(fauxqs, single),
      ...redriveOperations(fauxqs),
    },
    fauxqs,
    createQueue: (resource) => createQueue(fauxqs, call, resource),
    send(queueArn, { body, groupId, attributes }) {
      const queue = fauxqs.sqs.getQueueByArn(queueArn);
      if (!queue) throw sqsError("QueueDoesNotExist", `There is no queue ${queueArn}.`);
      const values = Object.entries(attributes ?? {}).map(([name, value]) => [
        name,
        { DataType: "String", StringValue: value },
      ]);
      sendMessage({
        QueueUrl: queue.url,
        MessageBody: body,
        MessageAttributes: Object.fromEntries(values),
        ...(groupId === undefined ? {} : { MessageGroupId: groupId }),
      });
    },
    pollers: makePollers(fauxqs),
    stopReceiving: receive.close,
    close: fauxqs.close,
  };
}

function makePollers(fauxqs: Fauxqs): QueuePollers {
  const { sqs, atomically } = fauxqs;
  return {
    giveBack: (queueArn, receiptHandles) =>
      atomically(() => {
        const queue = sqs.getQueueByArn(queueArn);
        for (const handle of receiptHandles) {
          const message = queue?.inflightMessages.get(handle)?.message;
          if (!queue || !message) continue;
          message.approximateReceiveCount = Math.max(message.approximateReceiveCount - 1, 0);
          // Stores the count; the second call makes the message visible.
          queue.changeVisibility(handle, 1);
          queue.changeVisibility(handle, 0);
        }
      }),
    park: (queueArn, receiptHandles) =>
      atomically(() => {
        const queue = sqs.getQueueByArn(queueArn);
        const policy = JSON.parse(queue?.attributes.RedrivePolicy ?? "{}") as RedrivePolicy;
        const deadLetters = sqs.getQueueByArn(policy.deadLetterTargetArn ?? "");
        for (const handle of receiptHandles) {
          const message = queue?.inflightMessages.get(handle)?.message;
          queue?.deleteMessage(handle);
          if (message) deadLetters?.enqueue({ ...message, deadLetterSourceArn: queueArn });
        }
        return deadLetters !== undefined;
      }),
  };
}

interface RedrivePolicy {
  deadLetterTargetArn?: string;
}

function assertDelay(delay: unknown): void {
  if (typeof delay !== "number" || !(delay >= 0 && delay <= MAX_DELAY_SECONDS)) {
    throw sqsError(
      "InvalidParameterValue",
      `Value ${delay} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= ${MAX_DELAY_SECONDS}.`,
    );
  }
}

function withHandle(call: CallSqs, name: string, input: Input): unknown {
  const handle = input.ReceiptHandle;
  if (typeof handle === "string" && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(handle)) {
    throw sqsError(
      "ReceiptHandleIsInvalid",
      `The input receipt handle "${handle}" is not a valid receipt handle.`,
    );
  }
  return call(name, input);
}

const queueAttributes = [
  "ContentBasedDeduplication",
  "DelaySeconds",
  "FifoQueue",
  "KmsDataKeyReusePeriodSeconds",
  "KmsMasterKeyId",
  "MaximumMessageSize",
  "MessageRetentionPeriod",
  "ReceiveMessageWaitTimeSeconds",
  "RedriveAllowPolicy",
  "RedrivePolicy",
  "SqsManagedSseEnabled",
  "VisibilityTimeout",
];

/** Converts the properties of a queue of the template to the attributes of CreateQueue. */
export function queueAttributesOf(properties: Resource["properties"]): Record<string, string> {
  const given = queueAttributes.flatMap((attribute) => {
    const value = properties[attribute];
    if (value === undefined) return [];
    return [[attribute, typeof value === "object" ? JSON.stringify(value) : String(value)]];
  });
  return Object.fromEntries(given);
}

function createQueue(fauxqs: Fauxqs, call: CallSqs, resource: Resource): void {
  const { type, logicalId, properties } = resource;
  const name = physicalName(type, logicalId, properties);
  const attributes = queueAttributesOf(properties);
  const existing = fauxqs.sqs.getQueueByArn(arnOf(type, name));
  if (existing) call("SetQueueAttributes", { QueueUrl: existing.url, Attributes: attributes });
  else call("CreateQueue", { QueueName: name, Attributes: attributes });
}
