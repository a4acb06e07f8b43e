import {
  type BatchResultErrorEntry,
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import fc from "fast-check";

/** One emulator in one run. */
export interface Side {
  client: SQSClient;
  queueUrl: string;
  deadLetterUrl: string;
  /** The receipt handles of the messages that are in flight, by their bodies. */
  handles: Map<string, string>;
}

/** A command as data; `of` is the place of a message among those that both have received. */
export type Command =
  | { name: "send"; input: object }
  | { name: "sendBatch"; entries: object[] }
  | { name: "receive"; input: object }
  | { name: "delete"; of: number }
  | { name: "deleteBatch"; of: number[] }
  | { name: "change"; of: number; seconds: number }
  | { name: "count" };

/** What a command answers, without what differs in each call: ids, times, the order of a standard queue. */
export async function answer(side: Side, command: Command): Promise<unknown> {
  try {
    return await run(side, command);
  } catch (error) {
    return { error: (error as Error).name };
  }
}

async function run(side: Side, command: Command): Promise<unknown> {
  const { client, queueUrl: QueueUrl } = side;
  switch (command.name) {
    case "send": {
      const input = { MessageBody: "", QueueUrl, ...command.input };
      const { MD5OfMessageBody, MD5OfMessageAttributes } = await client.send(
        new SendMessageCommand(input),
      );
      return { MD5OfMessageBody, MD5OfMessageAttributes };
    }
    case "sendBatch": {
      const Entries = command.entries as { Id: string; MessageBody: string }[];
      const sent = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      return batchAnswer(sent);
    }
    case "receive":
      return receive(side, command.input);
    case "delete": {
      const ReceiptHandle = takeHandle(side, command.of);
      await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      return "deleted";
    }
    case "deleteBatch": {
      const Entries = command.of.map((of, n) => ({
        Id: String(n),
        ReceiptHandle: takeHandle(side, of),
      }));
      return batchAnswer(await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries })));
    }
    case "change": {
      const VisibilityTimeout = command.seconds;
      const ReceiptHandle = (command.seconds === 0 ? takeHandle : handleOf)(side, command.of);
      const input = { QueueUrl, ReceiptHandle, VisibilityTimeout };
      await client.send(new ChangeMessageVisibilityCommand(input));
      return "changed";
    }
    case "count":
      return Promise.all([counts(client, QueueUrl), counts(client, side.deadLetterUrl)]);
  }
}

async function receive(side: Side, input: object): Promise<unknown> {
  const { Messages = [] } = await side.client.send(
    new ReceiveMessageCommand({
      ...{ QueueUrl: side.queueUrl, MaxNumberOfMessages: 10 },
      ...{ MessageSystemAttributeNames: ["All"], MessageAttributeNames: ["All"] },
      ...input,
    }),
  );
  for (const { Body = "", ReceiptHandle = "" } of Messages) {
    // Without a visibility timeout, the message is visible again.
    if ("VisibilityTimeout" in input && input.VisibilityTimeout === 0) side.handles.delete(Body);
    else side.handles.set(Body, ReceiptHandle);
  }
  return Messages.map(({ Body = "", MD5OfBody, Attributes, MessageAttributes }) => ({
    body: Body,
    MD5OfBody,
    count: Attributes?.ApproximateReceiveCount,
    group: Attributes?.MessageGroupId,
    attributes: Object.entries(MessageAttributes ?? {}).map(([name, value]) => [
      name,
      value.StringValue ?? Buffer.from(value.BinaryValue ?? []).toString("hex"),
    ]),
  })).sort((one, other) => (one.body < other.body ? -1 : 1));
}

interface BatchOutput {
  Successful?: { Id?: string | undefined; MD5OfMessageBody?: string | undefined }[] | undefined;
  Failed?: BatchResultErrorEntry[] | undefined;
}

const batchAnswer = ({ Successful = [], Failed = [] }: BatchOutput) => ({
  successful: Successful.map(({ Id, MD5OfMessageBody }) => [Id, MD5OfMessageBody]),
  failed: Failed.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
});

/** A handle that the emulator issued, or one that none did. */
function handleOf({ handles }: Side, of: number): string {
  return handles.get(bodyOf(handles, of)) ?? "none";
}

/** A handle that is used for the last time: the uses of one that is not in flight are not compared. */
function takeHandle(side: Side, of: number): string {
  const handle = handleOf(side, of);
  side.handles.delete(bodyOf(side.handles, of));
  return handle;
}

function bodyOf(handles: Side["handles"], of: number): string {
  const bodies = [...handles.keys()].sort();
  return bodies[of % Math.max(bodies.length, 1)] ?? "";
}

async function counts(client: SQSClient, QueueUrl: string) {
  const AttributeNames = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
  ] as const;
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] });
  const { Attributes } = await client.send(command);
  return AttributeNames.map((name) => Attributes?.[name]);
}

const attributes = fc.constantFrom(
  {},
  { MessageAttributes: { kind: { DataType: "String", StringValue: "é" } } },
  { MessageAttributes: { bytes: { DataType: "Binary", BinaryValue: Buffer.from([0, 255]) } } },
  { MessageAttributes: { n: { DataType: "Number", StringValue: "1" } } },
);
const body = fc.uuid().map((MessageBody) => ({ MessageBody }));

/** A message, and what SQS rejects of one. */
const message = fc.oneof(
  { arbitrary: fc.tuple(body, attributes).map(([one, more]) => ({ ...one, ...more })), weight: 8 },
  {
    arbitrary: fc.constantFrom<object[]>(
      { MessageBody: "" },
      { MessageBody: "\u0001" },
      { MessageBody: "x", DelaySeconds: 901 },
      { MessageBody: "x", DelaySeconds: -1 },
      { MessageBody: "x", MessageAttributes: { a: { DataType: "Other", StringValue: "x" } } },
      { MessageBody: "x", MessageAttributes: { a: { DataType: "String", StringValue: "" } } },
    ),
    weight: 2,
  },
);
const later = body.map((one) => ({ ...one, DelaySeconds: 900 }));

const entries = fc
  .array(fc.tuple(fc.constantFrom("a", "b", "c", "d", "no id!"), fc.oneof(message, later)), {
    maxLength: 3,
  })
  .map((all) => all.map(([Id, one]) => ({ Id, ...one })));

const input = fc.constantFrom<object[]>(
  { VisibilityTimeout: 0 },
  { VisibilityTimeout: 600 },
  {},
  { MaxNumberOfMessages: 11 },
  { MaxNumberOfMessages: 0 },
  { WaitTimeSeconds: 21 },
  { VisibilityTimeout: 43_201 },
);
const of = fc.nat(5);

export const commands: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: message.map((given) => ({ name: "send" as const, input: given })), weight: 4 },
  { arbitrary: later.map((given) => ({ name: "send" as const, input: given })), weight: 1 },
  { arbitrary: entries.map((all) => ({ name: "sendBatch" as const, entries: all })), weight: 2 },
  { arbitrary: input.map((given) => ({ name: "receive" as const, input: given })), weight: 6 },
  { arbitrary: of.map((place) => ({ name: "delete" as const, of: place })), weight: 2 },
  {
    arbitrary: fc
      .array(of, { maxLength: 3 })
      .map((places) => ({ name: "deleteBatch" as const, of: places })),
    weight: 1,
  },
  {
    arbitrary: fc
      .tuple(of, fc.constantFrom(0, 600, 43_201, -1))
      .map(([place, seconds]) => ({ name: "change" as const, of: place, seconds })),
    weight: 2,
  },
  { arbitrary: fc.constant({ name: "count" as const }), weight: 2 },
);
