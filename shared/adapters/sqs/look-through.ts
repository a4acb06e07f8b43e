import {
  ChangeMessageVisibilityCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { callDependency } from "../dependency-down.ts";

/** Real seconds for which a message that is looked at is hidden, unless it is given back before. */
const LOOK_SECONDS = 30;

/** SQS gives up to ten messages at once, and fewer than it has: so many answers without a new one end a look. */
const EMPTY_ANSWERS = 2;

/**
 * Receives the messages of a queue, each once, until SQS gives out no others or `maxMessages` were
 * seen. When the caller stops, those that it has not deleted are visible to others again.
 *
 * @throws DEPENDENCY_DOWN
 */
export async function* lookThrough(
  client: SQSClient,
  QueueUrl: string,
  maxMessages: number,
): AsyncGenerator<Message> {
  const handles = new Map<string, string | undefined>();
  let empty = 0;
  try {
    while (handles.size < maxMessages && empty < EMPTY_ANSWERS) {
      const command = new ReceiveMessageCommand({
        ...{ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: LOOK_SECONDS },
        MessageSystemAttributeNames: ["SentTimestamp", "ApproximateReceiveCount"],
        MessageAttributeNames: ["All"],
      });
      const { Messages = [] } = await callDependency("SQS ReceiveMessage", () =>
        client.send(command),
      );
      const others = Messages.filter(({ MessageId = "" }) => !handles.has(MessageId));
      if (others.length === 0) empty++;
      // Before the first of them is given out: the caller may stop at it.
      for (const one of others) handles.set(one.MessageId ?? "", one.ReceiptHandle);
      yield* others;
    }
  } finally {
    await Promise.all(
      [...handles.values()].map((ReceiptHandle) => {
        const show = { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 };
        // One that was deleted meanwhile is refused; another one is visible when its time is over.
        return client.send(new ChangeMessageVisibilityCommand(show)).catch(() => undefined);
      }),
    );
  }
}
