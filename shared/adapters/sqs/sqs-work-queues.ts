import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  SendMessageCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import { Failure } from "../../contracts/failures.ts";
import type { Letter, QueueCounts, WorkQueues } from "../../core/operator/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { lookThrough } from "./look-through.ts";

/** A work queue and its dead-letter queue, or one of them. */
export interface QueueUrls {
  name: string;
  url?: string | undefined;
  deadLettersUrl?: string | undefined;
  /** Where single dead letters go back to; absent: to the queue itself. */
  returnsTo?: string | undefined;
}

/** Dead letters that are looked through for one of them, or moved one by one by one call. */
const MAX_SEARCHED = 500;

/**
 * The work queues on SQS. Who looks at a dead letter receives it, and gives it back at once: for
 * that moment it is in flight.
 */
export function makeSqsWorkQueues(client: SQSClient, queues: readonly QueueUrls[]): WorkQueues {
  const byName = new Map(queues.map((one) => [one.name, one]));

  async function attributesOf(url: string): Promise<Record<string, string>> {
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] });
    const read = await callDependency("SQS GetQueueAttributes", () => client.send(command));
    return read.Attributes ?? {};
  }

  /** @throws NOT_FOUND */
  function requireQueue(queue: string): QueueUrls & { deadLettersUrl: string } {
    const { deadLettersUrl, ...others } = byName.get(queue) ?? { name: queue };
    if (deadLettersUrl !== undefined) return { ...others, deadLettersUrl };
    const names = queues.filter((one) => one.deadLettersUrl).map(({ name }) => name);
    throw new Failure("NOT_FOUND", `there is no such queue: ${names.join(", ")}`);
  }

  /** Does something with one dead letter while nobody else can receive it. @throws NOT_FOUND */
  async function withLetter<Result>(
    url: string,
    messageId: string,
    act: (message: Message) => Result | Promise<Result>,
  ): Promise<Result> {
    for await (const message of lookThrough(client, url, MAX_SEARCHED)) {
      if (message.MessageId === messageId) return await act(message);
    }
    const message = `it is not among the dead letters that were looked through, ${MAX_SEARCHED} at most`;
    throw new Failure("NOT_FOUND", message);
  }

  async function remove(QueueUrl: string, { ReceiptHandle }: Message): Promise<void> {
    const command = new DeleteMessageCommand({ QueueUrl, ReceiptHandle });
    await callDependency("SQS DeleteMessage", () => client.send(command));
  }

  /** Sent before it is deleted: a copy is harmless, a loss is not. @throws CONFLICT */
  async function moveBack(queue: QueueUrls & { deadLettersUrl: string }, message: Message) {
    const QueueUrl = targetOf(queue);
    if (QueueUrl === undefined) throw fromNoQueue(queue.name);
    const { Body: MessageBody, MessageAttributes } = message;
    const command = new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes });
    await callDependency("SQS SendMessage", () => client.send(command));
    await remove(queue.deadLettersUrl, message);
  }

  /**
   * Moves them one by one: SQS moves only those that come from a queue. Others may remain: a call
   * ends after about `MAX_SEARCHED`, or the time of a look.
   *
   * @throws CONFLICT
   */
  async function moveManyBack(queue: QueueUrls & { deadLettersUrl: string }): Promise<number> {
    let moved = 0;
    for await (const message of lookThrough(client, queue.deadLettersUrl, MAX_SEARCHED)) {
      await moveBack(queue, message);
      moved++;
    }
    return moved;
  }

  async function countsOf(of: QueueUrls): Promise<QueueCounts> {
    const [work, dead] = await Promise.all([
      of.url ? attributesOf(of.url) : {},
      of.deadLettersUrl ? attributesOf(of.deadLettersUrl) : {},
    ]);
    return {
      name: of.name,
      waiting: numberOf(work, "ApproximateNumberOfMessages"),
      inFlight: numberOf(work, "ApproximateNumberOfMessagesNotVisible"),
      delayed: numberOf(work, "ApproximateNumberOfMessagesDelayed"),
      deadLetters: numberOf(dead, "ApproximateNumberOfMessages"),
      deadLettersInFlight: numberOf(dead, "ApproximateNumberOfMessagesNotVisible"),
      hasQueue: of.url !== undefined,
      isRedrivable: targetOf(of) !== undefined,
      ...(of.url === undefined && of.returnsTo !== undefined ? { maxRedriven: MAX_SEARCHED } : {}),
      hasDeadLetters: of.deadLettersUrl !== undefined,
    };
  }

  return {
    counts: () => Promise.all(queues.map(countsOf)),

    async look(queue, limit) {
      const { deadLettersUrl } = requireQueue(queue);
      const letters: Letter[] = [];
      for await (const message of lookThrough(client, deadLettersUrl, limit)) {
        letters.push(letterOf(message));
      }
      return letters.slice(0, limit);
    },

    async find(queue, messageId) {
      return withLetter(requireQueue(queue).deadLettersUrl, messageId, letterOf);
    },

    async redriveAll(name) {
      const queue = requireQueue(name);
      const { QueueArn: SourceArn, ApproximateNumberOfMessages } = await attributesOf(
        queue.deadLettersUrl,
      );
      if (queue.url === undefined) return moveManyBack(queue);
      // Without a destination SQS ends the task at a message that was never in the queue:
      // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-dlq-redrive.html
      const { QueueArn: DestinationArn } = await attributesOf(queue.url);
      const command = new StartMessageMoveTaskCommand({ SourceArn, DestinationArn });
      try {
        await client.send(command);
      } catch (error) {
        const { name: code, message } = error as Error;
        if (/Unsupported|InvalidParameter|Conflict|already/i.test(`${code} ${message}`)) {
          throw new Failure("CONFLICT", message, { cause: error });
        }
        throw new Failure("DEPENDENCY_DOWN", "SQS StartMessageMoveTask failed", { cause: error });
      }
      return Number(ApproximateNumberOfMessages ?? 0);
    },

    async redrive(name, messageId) {
      const queue = requireQueue(name);
      await withLetter(queue.deadLettersUrl, messageId, (message) => moveBack(queue, message));
    },

    async drop(name, messageId) {
      const { deadLettersUrl } = requireQueue(name);
      await withLetter(deadLettersUrl, messageId, (message) => remove(deadLettersUrl, message));
    },
  };
}

/** Where single dead letters go back to; absent: nowhere. */
const targetOf = ({ url, returnsTo }: QueueUrls) => url ?? returnsTo;

const numberOf = (attributes: Record<string, string>, name: string) =>
  Number(attributes[name] ?? 0);

const fromNoQueue = (name: string) =>
  new Failure("CONFLICT", `the dead letters of ${name} come from no queue`);

function letterOf({ MessageId = "", Body = "", Attributes = {} }: Message): Letter {
  const { SentTimestamp, ApproximateReceiveCount } = Attributes;
  return {
    messageId: MessageId,
    body: Body,
    ...(SentTimestamp === undefined ? {} : { sentMs: Number(SentTimestamp) }),
    receives: Number(ApproximateReceiveCount ?? 0),
  };
}
