import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import { expect, test, vi } from "vitest";
import type { LocalAws } from "../../../local/aws/aws.ts";
import { waitOptions } from "../../support/wait-timeout.ts";
import {
  bodies,
  clientsOf,
  LONGEST_POLL_SECONDS,
  queueArn,
  queueUrl,
  running,
  templateOf,
  temporaryDirectory,
} from "./local-aws-fixture.ts";

const template = templateOf({
  Work: {
    Type: "AWS::SQS::Queue",
    Properties: {
      VisibilityTimeout: 60,
      RedrivePolicy: { deadLetterTargetArn: queueArn("Dead"), maxReceiveCount: 1 },
    },
  },
  Dead: { Type: "AWS::SQS::Queue" },
  Slow: { Type: "AWS::SQS::Queue", Properties: { DelaySeconds: 10 } },
});

const send = (aws: LocalAws, body: string, more = {}) =>
  clientsOf(aws.url).sqs.send(
    new SendMessageCommand({ QueueUrl: queueUrl(aws, "Work"), MessageBody: body, ...more }),
  );

async function receive(aws: LocalAws, name: string, more = {}): Promise<Message | undefined> {
  const command = new ReceiveMessageCommand({ QueueUrl: queueUrl(aws, name), ...more });
  return (await clientsOf(aws.url).sqs.send(command)).Messages?.[0];
}

async function attribute(aws: LocalAws, name: string, which: string) {
  const { Attributes } = await clientsOf(aws.url).sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl(aws, name), AttributeNames: ["All"] }),
  );
  return (Attributes as Record<string, string> | undefined)?.[which];
}

test("The URL of a queue begins with the address of the endpoint", async () => {
  const { aws } = await running(template);
  const { QueueUrl } = await clientsOf(aws.url).sqs.send(
    new GetQueueUrlCommand({ QueueName: "Work" }),
  );
  expect(QueueUrl).toBe(queueUrl(aws, "Work"));
});

test("A message arrives with its bytes and the requested attributes", async () => {
  const { aws } = await running(template);
  const body = `{"big":12345678901234567890,"text":"é 😀 \\u0000"}`;
  const MessageAttributes = { kind: { DataType: "String", StringValue: "x" } };
  await send(aws, body, { MessageAttributes, MessageGroupId: "tenant-1" });
  const message = await receive(aws, "Work", {
    MessageAttributeNames: ["All"],
    MessageSystemAttributeNames: ["All"],
  });
  expect(message?.Body).toBe(body);
  expect(message?.MessageAttributes?.kind?.StringValue).toBe("x");
  expect(message?.Attributes?.ApproximateReceiveCount).toBe("1");
  expect(message?.Attributes?.MessageGroupId).toBe("tenant-1");
});

test("Message attributes that were not requested are not returned", async () => {
  const { aws } = await running(template);
  await send(aws, "x", { MessageAttributes: { kind: { DataType: "String", StringValue: "x" } } });
  expect((await receive(aws, "Work"))?.MessageAttributes).toBeUndefined();
});

test.for([
  { DelaySeconds: 901, name: "InvalidParameterValue" },
  { DelaySeconds: -1, name: "InvalidParameterValue" },
  { MessageBody: "\u0001", name: "InvalidMessageContents" },
  {
    MessageAttributes: { a: { DataType: "Other", StringValue: "x" } },
    name: "InvalidParameterValue",
  },
  {
    MessageAttributes: { a: { DataType: "String", StringValue: "" } },
    name: "InvalidParameterValue",
  },
  { MessageBody: "x".repeat(1_048_577), name: "InvalidParameterValue" },
  { QueueUrl: "http://127.0.0.1/000000000000/none", name: "QueueDoesNotExist" },
])("An invalid message is rejected with $name", async ({ name, ...more }) => {
  const { aws } = await running(template);
  await expect(send(aws, "x", more)).rejects.toMatchObject({ name });
});

test("A failed entry of a batch does not affect the others", async () => {
  const { aws } = await running(template);
  const entry = (Id: string, more = {}) => ({ Id, MessageBody: Id, ...more });
  const result = await clientsOf(aws.url).sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl(aws, "Work"),
      Entries: [entry("a"), entry("b", { DelaySeconds: 901 }), entry("c")],
    }),
  );
  expect(result.Successful?.map((each) => each.Id)).toEqual(["a", "c"]);
  expect(result.Failed).toMatchObject([{ Id: "b", SenderFault: true }]);
  expect(await bodies(aws, "Work")).toEqual(["a", "c"]);
});

test("Receipt handles that SQS did not issue are rejected", async () => {
  const { aws } = await running(template);
  const { sqs } = clientsOf(aws.url);
  const QueueUrl = queueUrl(aws, "Work");
  const junk = new DeleteMessageCommand({ QueueUrl, ReceiptHandle: "junk" });
  await expect(sqs.send(junk)).rejects.toMatchObject({ name: "ReceiptHandleIsInvalid" });
  const batch = new DeleteMessageBatchCommand({
    QueueUrl,
    Entries: [{ Id: "a", ReceiptHandle: "junk" }],
  });
  expect((await sqs.send(batch)).Failed).toMatchObject([{ Code: "ReceiptHandleIsInvalid" }]);
});

test("A message sent during a long poll is received by exactly one poller", async () => {
  const { aws } = await running(template);
  const polls = [1, 2, 3].map(() => receive(aws, "Work", { WaitTimeSeconds: 5 }));
  await send(aws, "one");
  const got = await Promise.all(polls);
  expect(got.filter((message) => message?.Body === "one")).toHaveLength(1);
});

test("Closing the endpoint ends a long poll", async () => {
  const { aws, close } = await running(template);
  const poll = receive(aws, "Work", { WaitTimeSeconds: 20 });
  await vi.waitFor(
    async () => expect(await attribute(aws, "Work", "QueueArn")).toBeDefined(),
    waitOptions,
  );
  await close();
  await expect(poll.catch(() => undefined)).resolves.toBeUndefined();
});

test("A delayed message is counted and becomes visible at its business time, to the millisecond", async () => {
  const { aws } = await running(template, { speed: 100 });
  const before = Date.now();
  await send(aws, "later", { DelaySeconds: 60 });
  expect(await attribute(aws, "Work", "ApproximateNumberOfMessagesDelayed")).toBe("1");
  expect(await receive(aws, "Work")).toBeUndefined();
  const message = await receive(aws, "Work", { WaitTimeSeconds: LONGEST_POLL_SECONDS });
  expect(message?.Body).toBe("later");
  expect(Date.now() - before).toBeGreaterThanOrEqual(600);
  expect(await attribute(aws, "Work", "ApproximateNumberOfMessagesDelayed")).toBe("0");
});

test("A queue's default delay applies to its messages, and a purge deletes them", async () => {
  const { aws } = await running(template);
  const { sqs } = clientsOf(aws.url);
  const QueueUrl = queueUrl(aws, "Slow");
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "held" }));
  expect(await attribute(aws, "Slow", "ApproximateNumberOfMessagesDelayed")).toBe("1");
  await sqs.send(new PurgeQueueCommand({ QueueUrl }));
  expect(await attribute(aws, "Slow", "ApproximateNumberOfMessagesDelayed")).toBe("0");
});

test.for([undefined, "with a data directory"])(
  "A message received too often moves to the dead-letter queue and returns by a redrive (%s)",
  async (kind) => {
    const dataDir = kind && temporaryDirectory();
    const { aws } = await running(template, dataDir ? { dataDir } : {});
    const { sqs } = clientsOf(aws.url);
    await send(aws, "poison");
    const first = await receive(aws, "Work");
    await sqs.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl(aws, "Work"),
        ReceiptHandle: first?.ReceiptHandle,
        VisibilityTimeout: 0,
      }),
    );
    expect(await receive(aws, "Work")).toBeUndefined();
    expect(await attribute(aws, "Dead", "ApproximateNumberOfMessages")).toBe("1");
    const sources = new ListDeadLetterSourceQueuesCommand({ QueueUrl: queueUrl(aws, "Dead") });
    expect((await sqs.send(sources)).queueUrls).toEqual([queueUrl(aws, "Work")]);
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: queueArn("Dead") }));
    const again = await receive(aws, "Work", { MessageSystemAttributeNames: ["All"] });
    expect(again?.Body).toBe("poison");
    expect(again?.Attributes?.ApproximateReceiveCount).toBe("1");
  },
);

test("A redrive without a destination fails at a message that was sent to the dead-letter queue itself", async () => {
  const dataDir = temporaryDirectory();
  const first = await running(template, { dataDir });
  const { sqs } = clientsOf(first.aws.url);
  await send(first.aws, "poison");
  await receive(first.aws, "Work", { VisibilityTimeout: 0 });
  expect(await receive(first.aws, "Work")).toBeUndefined();
  await sqs.send(
    new SendMessageCommand({ QueueUrl: queueUrl(first.aws, "Dead"), MessageBody: "foreign" }),
  );
  await first.close();
  // SQS keeps where a message comes from, and so does the data directory.
  const { aws } = await running(template, { dataDir });
  const after = clientsOf(aws.url).sqs;
  const SourceArn = queueArn("Dead");
  await after.send(new StartMessageMoveTaskCommand({ SourceArn }));
  const list = new ListMessageMoveTasksCommand({ SourceArn });
  expect((await after.send(list)).Results).toMatchObject([
    {
      Status: "FAILED",
      FailureReason: "CouldNotDetermineMessageSource",
      ApproximateNumberOfMessagesMoved: 1,
      ApproximateNumberOfMessagesToMove: 2,
    },
  ]);
  expect((await receive(aws, "Work"))?.Body).toBe("poison");
  await after.send(
    new StartMessageMoveTaskCommand({ SourceArn, DestinationArn: queueArn("Work") }),
  );
  expect((await after.send(list)).Results).toMatchObject([{ Status: "COMPLETED" }]);
  expect((await receive(aws, "Work"))?.Body).toBe("foreign");
});

test("A message whose visibility timeout has ended is counted as visible, and is moved", async () => {
  const { aws } = await running(template);
  await send(aws, "looked at");
  expect(await receive(aws, "Work", { VisibilityTimeout: 0 })).toBeDefined();
  expect(await receive(aws, "Work")).toBeUndefined();
  // A person looks at the dead letter.
  expect((await receive(aws, "Dead", { VisibilityTimeout: 1 }))?.Body).toBe("looked at");
  await expect.poll(() => attribute(aws, "Dead", "ApproximateNumberOfMessages")).toBe("1");
  expect(await attribute(aws, "Dead", "ApproximateNumberOfMessagesNotVisible")).toBe("0");
  const move = new StartMessageMoveTaskCommand({ SourceArn: queueArn("Dead") });
  await clientsOf(aws.url).sqs.send(move);
  expect(await attribute(aws, "Dead", "ApproximateNumberOfMessages")).toBe("0");
  expect((await receive(aws, "Work"))?.Body).toBe("looked at");
});

test("The trace header of the call that sent a message is an attribute of the message", async () => {
  const { aws } = await running(template);
  const { sqs } = clientsOf(aws.url);
  const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a87bd80c:1";
  sqs.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers["x-amzn-trace-id"] = header;
      return next(args);
    },
    { step: "build" },
  );
  const QueueUrl = queueUrl(aws, "Work");
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "traced" }));
  const MessageSystemAttributeNames = ["AWSTraceHeader"];
  const message = await receive(aws, "Work", { MessageSystemAttributeNames });
  expect(message?.Attributes).toEqual({ AWSTraceHeader: header });
});

test("A restart gives back the receive of a message that was in flight, and only of that", async () => {
  const dataDir = temporaryDirectory();
  for (let restart = 0; restart < 3; restart++) {
    const { aws, close } = await running(template, { dataDir });
    if (restart === 0) {
      await send(aws, "in flight");
      const QueueUrl = queueUrl(aws, "Dead");
      await clientsOf(aws.url).sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: "failed" }),
      );
    }
    const attributes = { MessageSystemAttributeNames: ["All"] };
    const work = await receive(aws, "Work", attributes);
    // The queue's limit of one receive would have parked it at the second.
    expect(work?.Attributes?.ApproximateReceiveCount).toBe("1");
    const failed = await receive(aws, "Dead", { ...attributes, VisibilityTimeout: 0 });
    expect(failed?.Attributes?.ApproximateReceiveCount).toBe(String(restart + 1));
    await attribute(aws, "Dead", "ApproximateNumberOfMessages");
    await close();
  }
});
