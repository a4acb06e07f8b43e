import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import {
  type FaultyRequestsRun,
  startFaultyRequestsRun,
} from "../support/runs/faulty-requests-run.ts";
import type { NewRequest } from "../support/runs/requests-run.ts";
import {
  answered,
  finished,
  makeWorkersSimulation,
} from "../support/simulations/workers-simulation.ts";
import { waitOptions } from "../support/wait-timeout.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Real time that a worker needs for one submission on a busy machine. */
const LEASE_MS = 16_000;

/** Texts that identify two writes of a submission. */
const TAKES = '"status":"SUBMITTING"';
const BINDS = "requestId = :mine";

let run: FaultyRequestsRun;
let sqs: SQSClient;
let s3: S3Client;
let crashes: ReturnType<typeof crashAll>;
beforeAll(async () => {
  run = await startFaultyRequestsRun({
    batchSize: 1,
    // A poison message is received three times while this file runs.
    visibilitySeconds: 5,
    maxReceives: 3,
    settings: {
      laneLeaseSeconds: LEASE_MS / 1_000,
      outboxGraceSeconds: 5,
      submitTimeoutSeconds: 1,
      clientRequestsPerSecond: 10_000,
    },
  });
  sqs = new SQSClient(localAws(run.run.addresses.awsUrl));
  s3 = new S3Client({ ...localAws(run.run.addresses.awsUrl), forcePathStyle: true });
  for (const MessageBody of poison) {
    await sqs.send(
      new SendMessageCommand({ QueueUrl: run.run.outputs.SubmitQueueUrl, MessageBody }),
    );
  }
  // They wait for a dead worker's lease while the other rows run.
  crashes = crashAll();
  await crashes;
});
afterAll(async () => {
  sqs.destroy();
  s3.destroy();
  await run.close();
});

const poison = ["C13 no message", '{"v":1,"kind":"C13"}'];

async function accept(of: NewRequest): Promise<string> {
  const { status, body } = await run.request(of);
  expect(status).toBe(202);
  return body.requestId;
}

const linkedApi = (accountId: string): NewRequest => ({
  provider: "linked-api",
  accountId,
  action: "st.openPersonPage",
});

const resolve = async (requestId: string, as: object) => {
  const { status } = await run.native("POST", `/v1/requests/${requestId}/resolve`, as);
  expect(status).toBe(200);
};

/** The provider's id of the submission that it accepted for an account. */
async function takenId(accountId: string): Promise<string> {
  const [submission] = await run.submissions(accountId);
  if (!submission?.providerRequestId)
    throw new Error("the provider has no submission of this account");
  return submission.providerRequestId;
}

/** A request whose worker is killed at one of its calls. */
async function crashed(of: NewRequest, which: string, fault: "crash-before" | "crash-after") {
  const strike = run.proxy.plan({
    from: "submit",
    operation: which === TAKES ? "PutItem" : "UpdateItem",
    which,
    fault,
    matching: run.lane(of.accountId, of.provider),
  });
  const requestId = await accept(of);
  await vi.waitUntil(() => strike.struck() > 0, waitOptions);
  return requestId;
}

async function crashAll() {
  const connect = (accountId: string) => ({ accountId, action: "connect" });
  const [beforeCall, afterCall, labelled] = await Promise.all([
    crashed(connect("C9-before-call"), TAKES, "crash-after"),
    crashed(connect("C9-after-call"), BINDS, "crash-before"),
    crashed(linkedApi("linked-api-account-1"), BINDS, "crash-before"),
  ]);
  return { beforeCall, afterCall, labelled };
}

/** The event on the bus of a request's end: all copies are equal. */
async function endOnBus(requestId: string): Promise<number> {
  await run.event(requestId, "workflow.completed");
  const copies = run.copies(requestId, "workflow.completed");
  expect(new Set(copies).size).toBe(1);
  return copies.length;
}

describe("a submission whose answer is lost is not repeated (G3)", () => {
  test("C8 a request that the provider accepted without an answer is UNKNOWN and never sent again, and is resolved by a webhook's label at Linked API and by a person at We-Link", async () => {
    const accounts = ["C8", "linked-api-account-2"];
    // Long enough for the status UNKNOWN to be observed.
    await run.behave({ lostAnswerRate: 1, delayMs: [100 * MINUTE_MS, 100 * MINUTE_MS] });
    const [weLinks = "", linkedApis = ""] = await Promise.all([
      accept({ accountId: "C8", action: "connect" }),
      accept(linkedApi("linked-api-account-2")),
    ]);
    await Promise.all([weLinks, linkedApis].map((id) => run.reaches(id, "UNKNOWN")));
    await run.behave({});
    await resolve(weLinks, { as: "submitted", providerRequestId: await takenId("C8") });
    for (const requestId of [weLinks, linkedApis]) {
      await run.reaches(requestId, "SUCCEEDED");
      expect(await endOnBus(requestId)).toBe(1);
    }
    for (const accountId of accounts) {
      const seen = await run.submissions(accountId);
      expect(seen.map(({ status }) => status)).toEqual([0]);
    }
    expect(run.run.logged()).toContain('"RequestUnknown"');
  });
});

describe("no webhook arrives", () => {
  test("C17 if no webhook arrives, a poll brings the result, which is once on the bus and the same there and in the API", async () => {
    await run.behave({ dropRate: 1 });
    const ids = await Promise.all([
      accept({ accountId: "C17", action: "connect" }),
      accept(linkedApi("linked-api-account-2")),
    ]);
    for (const requestId of ids) {
      const { result } = await run.reaches(requestId, "SUCCEEDED");
      const { data } = await run.event(requestId, "workflow.completed");
      expect(data).toMatchObject({ status: "completed", result });
    }
    await run.behave({});
    for (const requestId of ids) expect(await endOnBus(requestId)).toBe(1);
  });
});

describe("the provider answers 429", () => {
  test("C15 after a 429 the lane pauses for its Retry-After, keeps its order, and counts no failure", async () => {
    const accountId = "C15";
    await run.native("PUT", `/v1/accounts/${accountId}`, {
      provider: "we-link",
      pace: { minSeconds: 0, maxSeconds: 0 },
    });
    await run.behave({ tooManyRequestsRate: 1 });
    const ids = [];
    for (const n of [1, 2, 3])
      ids.push(await accept({ accountId, action: "connect", params: { n } }));
    const refused = async () => (await run.submissions(accountId)).length;
    await expect.poll(refused).toBeGreaterThanOrEqual(3);
    await run.behave({});
    for (const requestId of ids) await run.reaches(requestId, "SUCCEEDED");

    const calls = await run.submissions(accountId);
    const order = calls.map(({ body }) => (body as { n: number }).n);
    expect(order).toEqual(order.toSorted());
    const tooMany = calls.filter(({ status }) => status === 429);
    expect(tooMany.every((one) => (one.body as { n: number }).n === 1)).toBe(true);
    expect(calls.filter(({ status }) => status === 200)).toHaveLength(3);
    for (const [index, { at, status }] of calls.entries()) {
      const next = calls[index + 1];
      if (status !== 429 || !next) continue;
      // The simulator asks for 60 s.
      expect(Date.parse(next.at) - Date.parse(at)).toBeGreaterThanOrEqual(MINUTE_MS);
    }
    expect((await run.get(ids[0] ?? "")).attempts).toBe(tooMany.length + 1);
  });

  test("C15 each pause after a 429 is as long as its Retry-After and is shown at the account, and another account's lane continues", async () => {
    const retryAfterMs = 20 * MINUTE_MS;
    const headers = { "retry-after": String(retryAfterMs / 1_000) };
    const simulation = makeWorkersSimulation({
      exchange: ({ n, nth }) => (n === 1 && nth <= 3 ? answered(429, {}, headers) : finished()),
    });
    const startMs = simulation.clock.businessMs();
    const [first] = [
      await simulation.accept({ accountId: "C15", n: 1 }),
      await simulation.accept({ accountId: "C15", n: 2 }),
      await simulation.accept({ accountId: "another", n: 3 }),
    ];
    await simulation.drain();
    const { lane } = await simulation.find(first.requestId);
    const pause = { reason: "RATE_LIMITED", untilMs: startMs + retryAfterMs };
    expect((await simulation.lanes.find(lane))?.pause).toEqual(pause);
    expect(simulation.calls.map(({ n }) => n)).toEqual([1, 3]);
    await simulation.runUntil(startMs + 2 * HOUR_MS);
    const calls = simulation.calls.filter((call) => call.accountId === "C15");
    expect(calls.map(({ n }) => n)).toEqual([1, 1, 1, 1, 2]);
    for (const [index, { fromMs }] of calls.slice(0, 4).entries()) {
      expect(fromMs).toBeGreaterThanOrEqual(startMs + index * retryAfterMs);
    }
    expect(await simulation.find(first.requestId)).toMatchObject({
      status: "SUCCEEDED",
      attempts: 4,
    });
  });
});

describe("a poisonous request at the head of its lane", () => {
  const resume = (accountId: string, what: "pause" | "resume") =>
    run.native("POST", `/v1/accounts/${accountId}/${what}`);

  test("C13 a request that the provider rejects is FAILED and counted, and the lane continues", async () => {
    const accountId = "C13-refused";
    const [first, second] = [
      await accept({ accountId, action: "login_code" }),
      await accept({ accountId, action: "connect" }),
    ];
    await run.reaches(second, "SUCCEEDED");
    expect(await run.get(first)).toMatchObject({ status: "FAILED", attempts: 1 });
    expect(run.run.logged()).toContain('"SubmitFailed"');
  });

  test("C13 a request whose params are missing in the bucket is FAILED without a submission, and the lane continues", async () => {
    const accountId = "C13-gone";
    await run.native("PUT", `/v1/accounts/${accountId}`, { provider: "we-link" });
    await resume(accountId, "pause");
    const first = await accept({
      accountId,
      action: "connect",
      params: { text: "x".repeat(61_500) },
    });
    const second = await accept({ accountId, action: "connect" });
    const Bucket = run.run.outputs.BodiesBucketName;
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket, Prefix: `requests/${first}` }),
    );
    expect(Contents).toHaveLength(1);
    for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await resume(accountId, "resume");
    await run.reaches(second, "SUCCEEDED");
    expect(await run.get(first)).toMatchObject({
      status: "FAILED",
      error: { code: "CANNOT_BE_SENT" },
    });
    expect(await run.submissions(accountId)).toHaveLength(1);
  });

  test("C13 a request whose call never reaches the provider ends with its queue timeout (G8), and the lane continues", async () => {
    const simulation = makeWorkersSimulation({
      exchange: ({ n }) => (n === 1 ? { kind: "notSent", reason: "ENOTFOUND" } : finished()),
    });
    const first = await simulation.accept({ accountId: "C13", n: 1 });
    await simulation.runUntil(simulation.clock.businessMs() + DAY_MS - HOUR_MS);
    await simulation.accept({ accountId: "C13", n: 2 });
    await simulation.runUntil(simulation.clock.businessMs() + 2 * HOUR_MS);
    expect(simulation.calls.filter(({ n }) => n === 1).length).toBeLessThanOrEqual(
      DAY_MS / MINUTE_MS + 1,
    );
    expect(simulation.calls.at(-1)).toMatchObject({ n: 2, status: 200 });
    expect(await simulation.find(first.requestId)).toMatchObject({
      status: "FAILED",
      error: { code: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED" },
    });
  });

  test("C13 messages of the submit queue in another format move to the dead-letter queue", async () => {
    const dead: string[] = [];
    const receive = async () => {
      const QueueUrl = run.run.outputs.SubmitDlqUrl;
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 60 }),
      );
      dead.push(...Messages.map(({ Body = "" }) => Body));
      return dead.filter((body) => poison.includes(body)).sort();
    };
    await expect.poll(receive, { interval: 200 }).toEqual(poison.toSorted());
  });
});

describe("a worker dies between claiming a request and storing the answer", () => {
  test("C9 a worker dies before its call: the request is UNKNOWN and not sent again until a person resolves it as not submitted, and is then sent once", async () => {
    const { beforeCall } = await crashes;
    await run.reaches(beforeCall, "UNKNOWN");
    expect(await run.submissions("C9-before-call")).toEqual([]);
    await resolve(beforeCall, { as: "not-submitted" });
    await run.reaches(beforeCall, "SUCCEEDED");
    expect(await run.submissions("C9-before-call")).toHaveLength(1);
    expect(await endOnBus(beforeCall)).toBe(1);
  });

  test("C9 a worker dies after its call to We-Link: the request is UNKNOWN until a person enters the provider's id, and a poll brings the result", async () => {
    const { afterCall } = await crashes;
    await run.reaches(afterCall, "UNKNOWN");
    const providerRequestId = await takenId("C9-after-call");
    await resolve(afterCall, { as: "submitted", providerRequestId });
    await run.reaches(afterCall, "SUCCEEDED");
    expect(await run.submissions("C9-after-call")).toHaveLength(1);
    expect(await endOnBus(afterCall)).toBe(1);
  });

  test("C9 a worker dies after its call to Linked API: the webhook resolves the request by its label", async () => {
    const { labelled } = await crashes;
    await run.reaches(labelled, "SUCCEEDED");
    expect(await run.submissions("linked-api-account-1")).toHaveLength(1);
    expect(await endOnBus(labelled)).toBe(1);
  });
});
