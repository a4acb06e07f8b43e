import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { openErasure } from "../../../cli/erasure.ts";
import { lookThrough } from "../../../shared/adapters/sqs/look-through.ts";
import { composeAdministration } from "../../../shared/composition/administration.ts";
import { startAwsFaultProxy } from "../../support/fakes/aws-fault-proxy.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

const opened = new AsyncDisposableStack();
let aws: Awaited<ReturnType<typeof openLocalTables>>;
let proxy: Awaited<ReturnType<typeof startAwsFaultProxy>>;
let sqs: SQSClient;
beforeAll(async () => {
  aws = await openLocalTables();
  opened.defer(aws.close);
  proxy = await startAwsFaultProxy();
  opened.defer(proxy.close);
  proxy.forwardTo(aws.awsClientConfig.endpoint);
  sqs = new SQSClient({ ...aws.awsClientConfig, endpoint: proxy.url });
  opened.defer(() => sqs.destroy());
});
afterAll(() => opened.disposeAsync());

/**
 * A short poll asks some of SQS's servers, and these have no message:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
 */
function letShortPollsFindNothing(): void {
  const plan = proxy.plan({
    operation: "ReceiveMessage",
    matching: (content) => !/"WaitTimeSeconds":[1-9]/.test(content),
    fault: { answers: {} },
    times: Number.POSITIVE_INFINITY,
  });
  onTestFinished(plan.end);
}

async function makeQueue(QueueName: string): Promise<string> {
  return (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? "";
}

const send = (QueueUrl: string, MessageBody: string) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));

test("A look finds every message, although short polls find none, and gives them back", async () => {
  letShortPollsFindNothing();
  const QueueUrl = await makeQueue("looked-through");
  const bodies = Array.from({ length: 23 }, (_, n) => `message ${n + 10}`);
  for (const body of bodies) await send(QueueUrl, body);
  for (const look of ["first", "second"]) {
    const found = await Array.fromAsync(lookThrough(sqs, QueueUrl, 500));
    expect([look, found.map(({ Body }) => Body).sort()]).toEqual([look, bodies]);
  }
});

test("A look ends at the first empty answer, which SQS gives to a long poll only when it has no message", async () => {
  const QueueUrl = await makeQueue("empty");
  const receives = () =>
    proxy.calls.filter(({ operation }) => operation === "ReceiveMessage").length;
  const before = receives();
  expect(await Array.fromAsync(lookThrough(sqs, QueueUrl, 500))).toEqual([]);
  expect(receives() - before).toBe(1);
});

test("A look ends after 15 s, although new messages keep coming in", async () => {
  const QueueUrl = await makeQueue("busy");
  let nowMs = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  onTestFinished(() => void clock.mockRestore());
  let seen = 0;
  await send(QueueUrl, "first");
  for await (const _ of lookThrough(sqs, QueueUrl, 50)) {
    seen++;
    nowMs += 3_000;
    await send(QueueUrl, "another");
  }
  expect(seen).toBe(5);
});

test("An erasure finds the dead letters of a client, although short polls find none", async () => {
  letShortPollsFindNothing();
  const place = {
    outputs: aws.outputs as Record<string, string>,
    aws: { ...aws.awsClientConfig, endpoint: proxy.url },
  };
  const administration = await composeAdministration(place);
  const { clientId } = await administration.createClient("erased");
  await send(place.outputs.InboundDlqUrl ?? "", JSON.stringify({ v: 1, clientId }));
  const { erased } = await openErasure(place).erase({ clientId }, { isErased: true });
  expect(erased).toMatchObject({ "inbound dead letters": 1 });
});
