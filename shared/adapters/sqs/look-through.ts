import {
  ChangeMessageVisibilityCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { callDependency } from "../dependency-down.ts";

/** Real seconds for which a message that is looked at is hidden, unless it is given back before. */
const LOOK_SECONDS = 30;

/**
 * A long poll asks all servers of SQS and waits only when they have no message. A short one asks
 * some of them, which often have none of a few messages. Less than the timeout of the client's
 * calls.
 */
const WAIT_SECONDS = 1;

/** Answers without a new message that end a look: SQS may give out a message twice. */
const REPEATED_ANSWERS = 2;

/**
 * Real time after which a look ends although there may be more messages: while new ones come in,
 * each may make a poll wait.
 */
const MAX_LOOK_MS = 15_000;

/**
 * Receives the messages of a queue, each once, until SQS has no others, `maxMessages` were seen or
 * 15 s have passed. When the caller stops, those that it has not deleted are visible to others
 * again.
 *
 * @throws DEPENDENCY_DOWN
 */
export async function* lookThrough(
  client: SQSClient,
  QueueUrl: string,
  maxMessages: number,
): AsyncGenerator<Message> {
  const handles = new Map<string, string | undefined>();
  const endMs = performance.now() + MAX_LOOK_MS;
  let repeated = 0;
  try {
    while (handles.size < maxMessages && repeated < REPEATED_ANSWERS && performance.now() < endMs) {
      const command = new ReceiveMessageCommand({
        ...{ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: WAIT_SECONDS },
        VisibilityTimeout: LOOK_SECONDS,
        MessageSystemAttributeNames: ["SentTimestamp", "ApproximateReceiveCount"],
        MessageAttributeNames: ["All"],
      });
      const { Messages = [] } = await callDependency("SQS ReceiveMessage", () =>
        client.send(command),
      );
      if (Messages.length === 0) return;
      const others = Messages.filter(({ MessageId = "" }) => !handles.has(MessageId));
      if (others.length === 0) repeated++;
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
