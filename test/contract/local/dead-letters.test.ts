import { ReceiveMessageCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { openDeadLetters } from "../../../cli/dead-letters.ts";
import { localAws } from "../../../local/aws/local-aws.ts";
import { bodies, clientsOf, queueArn, queueUrl, running, templateOf } from "./local-aws-fixture.ts";

const queue = (deadLetterQueue?: string) => ({
  Type: "AWS::SQS::Queue",
  Properties: deadLetterQueue
    ? {
        VisibilityTimeout: 0,
        RedrivePolicy: { deadLetterTargetArn: queueArn(deadLetterQueue), maxReceiveCount: 1 },
      }
    : {},
});

const template = templateOf({
  Inbound: queue("InboundDlq"),
  InboundDlq: queue(),
  Submit: queue("SubmitDlq"),
  SubmitDlq: queue(),
  ScheduleDlq: queue(),
});

async function start() {
  const { aws } = await running(template);
  const { sqs } = clientsOf(aws.url);
  const names = ["Inbound", "Submit", "Schedule"];
  const outputs = Object.fromEntries([
    ...names.map((name) => [`${name}DlqUrl`, queueUrl(aws, `${name}Dlq`)]),
    ...["Inbound", "Submit"].map((name) => [`${name}QueueUrl`, queueUrl(aws, name)]),
  ]);
  const send = (name: string) =>
    sqs.send(new SendMessageCommand({ QueueUrl: queueUrl(aws, name), MessageBody: name }));
  /** Receives a message twice, so that it is parked. */
  const fail = async (name: string) => {
    await send(name);
    for (let receives = 0; receives < 2; receives++) {
      await sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl(aws, name) }));
    }
  };
  const place = { outputs: { ...outputs, ApiUrl: "x" }, aws: localAws(aws.url) };
  return { aws, send, fail, admin: openDeadLetters(place) };
}

test("One command moves the dead letters of all queues back to where they come from", async () => {
  const { aws, send, fail, admin } = await start();
  await fail("Inbound");
  await fail("Submit");
  await send("ScheduleDlq");
  expect(await admin.list()).toEqual([
    { queue: "inbound", messages: 1 },
    { queue: "submit", messages: 1 },
    { queue: "schedule", messages: 1 },
  ]);
  expect(await admin.redrive()).toEqual([
    { queue: "inbound", messages: 1, outcome: "moving" },
    { queue: "submit", messages: 1, outcome: "moving" },
    {
      queue: "schedule",
      messages: 1,
      outcome: "not moved: Source queue must be configured as a Dead Letter Queue.",
    },
  ]);
  expect(await bodies(aws, "Inbound")).toEqual(["Inbound"]);
  expect(await bodies(aws, "Submit")).toEqual(["Submit"]);
});

test("A message that another service put into the dead-letter queue is moved to the queue as well", async () => {
  const { aws, send, fail, admin } = await start();
  await fail("Inbound");
  await send("InboundDlq");
  expect(await admin.redrive()).toEqual([{ queue: "inbound", messages: 2, outcome: "moving" }]);
  expect((await bodies(aws, "Inbound")).sort()).toEqual(["Inbound", "InboundDlq"]);
});

test("The dead letters of one queue are moved, and an unknown queue is refused by name", async () => {
  const { fail, admin } = await start();
  await fail("Inbound");
  await fail("Submit");
  expect(await admin.redrive("submit")).toMatchObject([{ queue: "submit", outcome: "moving" }]);
  expect((await admin.list()).map(({ messages }) => messages)).toEqual([1, 0, 0]);
  await expect(admin.redrive("other")).rejects.toThrow(
    "--queue must be one of inbound, submit, schedule",
  );
});
