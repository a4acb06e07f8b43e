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
    return name === undefined ? [] : [{ queue: lowerFirst(name), url }];
  });

  async function read({ queue, url }: { queue: string; url: string }) {
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ["All"] }),
    );
    const { ApproximateNumberOfMessages: count, QueueArn: arn = "" } = Attributes;
    return { queue, arn, messages: Number(count ?? 0) };
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
        found.map(async ({ queue, arn, messages }) => {
          const outcome = await client
            .send(new StartMessageMoveTaskCommand({ SourceArn: arn }))
            .then(() => "moving")
            .catch((error: Error) => `not moved: ${error.message}`);
          return { queue, messages, outcome };
        }),
      );
    },
  };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
