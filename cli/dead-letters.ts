import { writeFileSync } from "node:fs";
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import { lookThrough } from "../shared/adapters/sqs/look-through.ts";
import type { StackTarget } from "../shared/composition/administration.ts";

/** A dead-letter queue by its name in the stack's outputs: `inbound` for `InboundDlqUrl`. */
export interface DeadLetters {
  queue: string;
  messages: number;
}

/** Messages of a queue that are looked through. */
const MAX_LETTERS = 1_000;

/** A dead letter without its content, which is a provider's or a client's data. */
interface ShownLetter {
  messageId: string;
  sentAt: string;
  receives: number;
  bytes: number;
}

/** Counts dead letters, and moves them back to the queues that they come from. */
export function openDeadLetters(place: StackTarget) {
  const client = new SQSClient(place.aws);
  const queues = Object.entries(place.outputs).flatMap(([output, url]) => {
    const name = /^(\w+)DlqUrl$/.exec(output)?.[1];
    if (name === undefined) return [];
    return [{ queue: lowerFirst(name), url, destinationUrl: place.outputs[`${name}QueueUrl`] }];
  });

  async function attributes(QueueUrl: string) {
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }),
    );
    return Attributes;
  }

  async function read(one: (typeof queues)[number]) {
    const { ApproximateNumberOfMessages: count, QueueArn } = await attributes(one.url);
    return { ...one, arn: QueueArn, messages: Number(count ?? 0) };
  }

  /**
   * Names the destination: a message that EventBridge put into the dead-letter queue was never in
   * the queue, and SQS ends a task without a destination at it, as FAILED.
   *
   * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/troubleshooting-dlq-redrive.html
   */
  async function move({ arn, destinationUrl }: Awaited<ReturnType<typeof read>>) {
    const destination = destinationUrl && (await attributes(destinationUrl)).QueueArn;
    await client.send(
      new StartMessageMoveTaskCommand({
        SourceArn: arn,
        ...(destination ? { DestinationArn: destination } : {}),
      }),
    );
  }

  function chosen(only: string | undefined) {
    const found = queues.filter(({ queue }) => only === undefined || queue === only);
    if (found.length > 0) return found;
    throw new Error(`--queue must be one of ${queues.map(({ queue }) => queue).join(", ")}`);
  }

  return {
    /** The messages of one dead-letter queue, without their content. */
    async show(queue: string): Promise<ShownLetter[]> {
      const shown: ShownLetter[] = [];
      for (const { url } of chosen(queue)) {
        for await (const { MessageId, Attributes, Body } of lookThrough(client, url, MAX_LETTERS)) {
          shown.push({
            messageId: MessageId ?? "",
            sentAt: new Date(Number(Attributes?.SentTimestamp)).toISOString(),
            receives: Number(Attributes?.ApproximateReceiveCount),
            bytes: Buffer.byteLength(Body ?? ""),
          });
        }
      }
      return shown;
    },

    /**
     * Writes a message to a file that only its owner can read, and then deletes it from its queue.
     *
     * @throws Error when the file exists, or when the queue has no such message
     */
    async drop(queue: string, messageId: string, file: string): Promise<{ dropped: string }> {
      for (const { url } of chosen(queue)) {
        for await (const { MessageId, Body = "", ReceiptHandle } of lookThrough(
          client,
          url,
          MAX_LETTERS,
        )) {
          if (MessageId !== messageId) continue;
          writeFileSync(file, Body, { mode: 0o600, flag: "wx" });
          await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
          return { dropped: messageId };
        }
      }
      throw new Error(`${queue} has no message ${messageId} that is visible`);
    },

    list: async (): Promise<DeadLetters[]> =>
      (await Promise.all(queues.map(read))).map(({ queue, messages }) => ({ queue, messages })),

    /**
     * Starts to move the dead letters of one queue, or of all that have some. A queue
     * whose dead letters come from no queue (of a schedule or a rule) is left alone
     * and says so.
     *
     * @throws Error that names the queues when there is none of this name
     */
    async redrive(only?: string): Promise<(DeadLetters & { outcome: string })[]> {
      const found = (await Promise.all(chosen(only).map(read))).filter(
        ({ messages }) => messages > 0,
      );
      return Promise.all(
        found.map(async (one) => {
          const outcome = await move(one)
            .then(() => "moving")
            .catch((error: Error) => `not moved: ${error.message}`);
          return { queue: one.queue, messages: one.messages, outcome };
        }),
      );
    },
  };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
