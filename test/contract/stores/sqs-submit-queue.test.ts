import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { makeSqsSubmitQueue } from "../../../shared/adapters/sqs/sqs-submit-queue.ts";
import { type SubmitMessage, submitMessage } from "../../../shared/contracts/messages/submit.ts";
import type { SubmitQueue } from "../../../shared/core/requests/state/ports.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";
import { waitOptions } from "../../support/wait-timeout.ts";

const opened = new AsyncDisposableStack();
let sqs: SQSClient;
let QueueUrl: string;
let queue: SubmitQueue;
beforeAll(async () => {
  const aws = await openLocalTables();
  opened.defer(aws.close);
  sqs = new SQSClient(aws.awsClientConfig);
  opened.defer(() => sqs.destroy());
  QueueUrl = aws.variable("SUBMIT_QUEUE_URL");
  queue = makeSqsSubmitQueue({ client: sqs, queueUrl: QueueUrl });
});
afterAll(() => opened.disposeAsync());

async function next(): Promise<SubmitMessage> {
  const first = await vi.waitUntil(
    async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages?.[0],
    waitOptions,
  );
  return submitMessage.parse(JSON.parse(first.Body ?? ""));
}

test("A message without a delay is received at once, and a delayed message after its delay, rounded up to seconds", async () => {
  const wakeUp = (lane: string): SubmitMessage => ({ v: 1, kind: "wakeUp", lane });
  const sentMs = Date.now();
  await queue.send(wakeUp("later"), { delayMs: 2_001 });
  await queue.send(wakeUp("now"));
  expect(await next()).toEqual(wakeUp("now"));
  expect(await next()).toEqual(wakeUp("later"));
  // SQS accepts whole seconds only, so the adapter rounds up.
  expect(Date.now() - sentMs).toBeGreaterThanOrEqual(3_000);
});

test("A delay above the maximum of SQS is sent as the maximum, and a negative delay as zero", async () => {
  const message: SubmitMessage = { v: 1, kind: "due", requestId: "rq_1" };
  await queue.send(message, { delayMs: 10_000_000 });
  await queue.send(message, { delayMs: -5 });
  expect(await next()).toEqual(message);
});

test("Several messages are sent together, each with its client as its group, and all are received", async () => {
  const messages = Array.from({ length: 23 }, (_, n) => ({
    message: { v: 1, kind: "wakeUp", lane: `lane ${n}` } as const,
    clientId: `cl_${n % 2}`,
  }));
  await queue.sendAll(messages);
  await queue.sendAll([]);
  const received = [];
  for (let n = 0; n < messages.length; n++) received.push(await next());
  const byLane = (one: SubmitMessage, other: SubmitMessage) =>
    JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
  expect(received.sort(byLane)).toEqual(messages.map(({ message }) => message).sort(byLane));
});

test("Sending a submission to a queue that does not exist throws DEPENDENCY_DOWN", async () => {
  const none = makeSqsSubmitQueue({ client: sqs, queueUrl: `${QueueUrl}-none` });
  const sending = none.send({ v: 1, kind: "due", requestId: "rq_1" });
  await expect(sending).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  const sendingAll = none.sendAll([
    { message: { v: 1, kind: "due", requestId: "rq_1" }, clientId: "cl_1" },
  ]);
  await expect(sendingAll).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
});

test("The client is the message's group, so that SQS delays no other client for it", async () => {
  const message: SubmitMessage = { v: 1, kind: "wakeUp", lane: "lane" };
  const groups: (string | undefined)[] = [];
  for (const clientId of ["cl_1", undefined]) {
    await queue.send(message, { clientId });
    const received = await vi.waitUntil(async () => {
      const receive = { QueueUrl, MessageSystemAttributeNames: ["MessageGroupId" as const] };
      return (await sqs.send(new ReceiveMessageCommand(receive))).Messages?.[0];
    }, waitOptions);
    groups.push(received.Attributes?.MessageGroupId);
  }
  expect(groups).toEqual(["cl_1", undefined]);
});
