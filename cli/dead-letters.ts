import {
  GetQueueAttributesCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import type { StackTarget } from "../shared/composition/administration.ts";

/** A dead-letter queue by its name in the stack's outputs: `inbound` for `InboundDlqUrl`. */
export interface DeadLetters {
  queue: string;
  messages: number;
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

  return {
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
      const chosen = queues.filter(({ queue }) => only === undefined || queue === only);
      if (chosen.length === 0) {
        const names = queues.map(({ queue }) => queue).join(", ");
        throw new Error(`--queue must be one of ${names}`);
      }
      const found = (await Promise.all(chosen.map(read))).filter(({ messages }) => messages > 0);
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
