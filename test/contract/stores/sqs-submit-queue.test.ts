import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { makeSqsSubmitQueue } from "../../../shared/adapters/sqs/sqs-submit-queue.ts";
import { type SubmitMessage, submitMessage } from "../../../shared/contracts/messages/submit.ts";
import type { SubmitQueue } from "../../../shared/core/requests/state/ports.ts";
import { patience } from "../../support/patience.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

const opened = new AsyncDisposableStack();
let sqs: SQSClient;
let QueueUrl: string;
let queue: SubmitQueue;
beforeAll(async () => {
  const aws = await openLocalTables();
  opened.defer(aws.close);
  sqs = new SQSClient(aws.sdk);
  opened.defer(() => sqs.destroy());
  QueueUrl = aws.variable("SUBMIT_QUEUE_URL");
  queue = makeSqsSubmitQueue({ client: sqs, queueUrl: QueueUrl });
});
afterAll(() => opened.disposeAsync());

async function next(): Promise<SubmitMessage> {
  const [first] = await vi.waitUntil(
    async () => (await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages,
    patience,
  );
  return submitMessage.parse(JSON.parse(first?.Body ?? ""));
}

test("a message comes at once, and one with a delay after it", async () => {
  const wakeUp = (lane: string): SubmitMessage => ({ v: 1, kind: "wakeUp", lane });
  const sentMs = Date.now();
  await queue.send(wakeUp("later"), 3);
  await queue.send(wakeUp("now"));
  expect(await next()).toEqual(wakeUp("now"));
  expect(await next()).toEqual(wakeUp("later"));
  // A part of a second is a whole one to SQS.
  expect(Date.now() - sentMs).toBeGreaterThanOrEqual(3_000);
});

test("a delay beyond what SQS takes is cut to it, one below nothing is none", async () => {
  const message: SubmitMessage = { v: 1, kind: "due", requestId: "rq_1" };
  await queue.send(message, 10_000_000);
  await queue.send(message, -5);
  expect(await next()).toEqual(message);
});

test("a queue that is not there is DEPENDENCY_DOWN", async () => {
  const none = makeSqsSubmitQueue({ client: sqs, queueUrl: `${QueueUrl}-none` });
  const sending = none.send({ v: 1, kind: "due", requestId: "rq_1" });
  await expect(sending).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
});
