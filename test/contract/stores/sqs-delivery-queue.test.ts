import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listen } from "../../../local/loopback.ts";
import { makeSqsDeliveryQueue } from "../../../shared/adapters/sqs/sqs-delivery-queue.ts";
import {
  type AttemptMessage,
  deliveryMessage,
} from "../../../shared/contracts/messages/delivery.ts";
import type {
  AttemptQueueName,
  DeliveryQueue,
} from "../../../shared/core/deliveries/state/ports.ts";
import { startAwsFaultProxy } from "../../support/fakes/aws-fault-proxy.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

const opened = new AsyncDisposableStack();
let proxy: Awaited<ReturnType<typeof startAwsFaultProxy>>;
let sqs: SQSClient;
let queueUrls: Record<AttemptQueueName, string>;
let queue: DeliveryQueue;
beforeAll(async () => {
  const aws = await openLocalTables();
  opened.defer(aws.close);
  proxy = await startAwsFaultProxy();
  opened.defer(proxy.close);
  proxy.forwardTo(aws.awsClientConfig.endpoint);
  sqs = new SQSClient({ ...aws.awsClientConfig, endpoint: proxy.url });
  opened.defer(() => sqs.destroy());
  const [attempts = "", retries = ""] = await Promise.all(
    ["attempts", "retries"].map(async (QueueName) => {
      const made = await sqs.send(new CreateQueueCommand({ QueueName }));
      return made.QueueUrl ?? "";
    }),
  );
  queueUrls = { attempts, retries };
  queue = makeSqsDeliveryQueue({ client: sqs, queueUrls });
});
afterAll(() => opened.disposeAsync());

/** Receives all visible messages of the queue, each with its message group. */
async function received(name: AttemptQueueName) {
  const all: { message: unknown; group: string | undefined }[] = [];
  for (;;) {
    const receive = new ReceiveMessageCommand({
      QueueUrl: queueUrls[name],
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ["MessageGroupId"],
    });
    const { Messages = [] } = await sqs.send(receive);
    if (Messages.length === 0) return all;
    for (const { Body = "", Attributes } of Messages) {
      const message = deliveryMessage.parse(JSON.parse(Body));
      all.push({ message, group: Attributes?.MessageGroupId });
    }
  }
}

function hint(n: number, of: Partial<AttemptMessage> = {}): AttemptMessage {
  const ids = { deliveryId: `dl_${n}`, clientId: "cl_1", webhookId: `wh_${n % 2}` };
  return { v: 1, kind: "attempt", ...ids, ...of };
}

/** Runs `work` and returns the entries of each SendMessageBatch call that it made. */
async function batchesOf(work: () => Promise<unknown>): Promise<Record<string, unknown>[][]> {
  const before = proxy.calls.length;
  await work();
  return proxy.calls
    .slice(before)
    .filter(({ operation }) => operation === "SendMessageBatch")
    .map(({ content }) => JSON.parse(content.slice(content.indexOf("{"))).Entries);
}

const sizes = (batches: unknown[][]) =>
  batches.map(({ length }) => length).sort((one, other) => one - other);

test("Messages are sent in batches of up to ten, each in the group of its webhook or of a job's client", async () => {
  const job = { v: 1, kind: "job", jobId: "job_1", clientId: "cl_1" } as const;
  const hints = Array.from({ length: 24 }, (_, n) => hint(n, n === 0 ? { heldMs: 5 } : {}));
  const messages = [...hints, job].map((message) => ({ message }));
  const batches = await batchesOf(() => queue.send("retries", messages));
  expect(sizes(batches)).toEqual([5, 10, 10]);
  const all = await received("retries");
  expect(all).toHaveLength(25);
  expect(all).toEqual(
    expect.arrayContaining([
      ...hints.map((message) => ({ message, group: message.webhookId })),
      { message: job, group: "cl_1" },
    ]),
  );
  expect(await received("attempts")).toEqual([]);
});

test("Attempts and retries are sent to separate queues, and an empty list makes no call", async () => {
  await queue.send("attempts", [{ message: hint(1) }]);
  expect(await received("attempts")).toEqual([{ message: hint(1), group: "wh_1" }]);
  expect(await batchesOf(() => queue.send("attempts", []))).toEqual([]);
});

test.each([
  ["no delay", undefined, 0],
  ["a negative delay", -5, 0],
  ["a delay of a part of a second", 1, 1],
  ["a delay of whole seconds", 300_000, 300],
  ["a delay above the maximum of SQS", 900_001, 900],
])("A message with %s is sent with its delay in whole seconds", async (_, delayMs, seconds) => {
  const sent = { message: hint(1), ...(delayMs === undefined ? {} : { delayMs }) };
  const batches = await batchesOf(() => queue.send("attempts", [sent]));
  expect(batches.flat()).toMatchObject([{ DelaySeconds: seconds }]);
});

test("A batch has at most the number of bytes that SQS accepts", async () => {
  const large = { message: hint(1, { requestId: "ü".repeat(200_000) }) };
  const batches = await batchesOf(() => queue.send("attempts", [large, large, large, large]));
  expect(sizes(batches)).toEqual([2, 2]);
});

test("A message that SQS always rejects does not delay the others", async () => {
  await received("retries");
  // Above the size limit of a message.
  const refused = { message: hint(0, { requestId: "x".repeat(1_048_577) }) };
  const messages = [refused, ...Array.from({ length: 11 }, (_, n) => ({ message: hint(n + 1) }))];
  const batches = await batchesOf(async () => {
    const sending = queue.send("retries", messages);
    await expect(sending).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  });
  expect(sizes(batches)).toEqual([1, 1, 10]);
  expect(await received("retries")).toHaveLength(11);
});

test("A failed entry of a batch is sent once more, alone", async () => {
  const calls: string[][] = [];
  const md5 = (body: string) => createHash("md5").update(body).digest("hex");
  const server = createServer(async (request, response) => {
    const { Entries } = JSON.parse(await text(request)) as {
      Entries: { Id: string; MessageBody: string }[];
    };
    calls.push(Entries.map(({ MessageBody }) => JSON.parse(MessageBody).deliveryId));
    const isTaken = (_: unknown, index: number) => calls.length > 1 || index !== 1;
    const Successful = Entries.filter(isTaken).map(({ Id, MessageBody }) => ({
      Id,
      MessageId: Id,
      MD5OfMessageBody: md5(MessageBody),
    }));
    const Failed = Entries.filter((entry, index) => !isTaken(entry, index)).map(({ Id }) => ({
      Id,
      Code: "InternalError",
      SenderFault: false,
    }));
    response.setHeader("content-type", "application/x-amz-json-1.0");
    response.end(JSON.stringify({ Successful, Failed }));
  });
  opened.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const url = `http://${await listen(server, 0)}`;
  const client = new SQSClient({
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  opened.defer(() => client.destroy());
  const flaky = makeSqsDeliveryQueue({
    client,
    queueUrls: { attempts: `${url}/1/attempts`, retries: `${url}/1/retries` },
  });
  await flaky.send(
    "attempts",
    [1, 2, 3].map((n) => ({ message: hint(n) })),
  );
  expect(calls).toEqual([["dl_1", "dl_2", "dl_3"], ["dl_2"]]);
});

test("Sending deliveries to a queue that does not exist throws DEPENDENCY_DOWN", async () => {
  const none = `${queueUrls.attempts}-none`;
  const lost = makeSqsDeliveryQueue({ client: sqs, queueUrls: { attempts: none, retries: none } });
  const sending = lost.send("attempts", [{ message: hint(1) }]);
  await expect(sending).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
});
