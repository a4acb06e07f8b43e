import { createHmac } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";
import { awsClientDefaults } from "../../shared/runtime/aws-clients.ts";
import type { Fault } from "../support/fakes/aws-faults.ts";
import { attempt, deliver, linkedApiWebhook } from "../support/fakes/sender.ts";
import { type FaultyRun, startFaultyRun } from "../support/runs/faulty-run.ts";

/** The time within which a provider must be answered. */
const ANSWER_LIMIT_MS = 2_500;

/** As in a deployed stack: less than the limit, and longer than the timeout of one call to AWS. */
const { inboundDeadlineMs } = settingsSchema.parse({});
const CALLS_WITHIN_DEADLINE = Math.ceil(
  inboundDeadlineMs / awsClientDefaults.requestHandler.requestTimeout,
);

let run: FaultyRun;
let url: string;
beforeAll(async () => {
  run = await startFaultyRun({ ingestDeadlineMs: inboundDeadlineMs });
  url = run.inboundUrl("linked-api");
});
afterAll(() => run.close());

const post = (id: string, bytes?: number) => attempt(url, linkedApiWebhook(id, bytes));

const unavailable = { status: 503, retryAfter: "5" };

/** Sends a webhook until it is acked, as a provider does. Each answer before the ack asks to retry. */
async function ack(id: string): Promise<void> {
  const attempts = await deliver(url, linkedApiWebhook(id));
  expect(attempts.at(-1)).toMatchObject({ status: 200 });
  for (const attempt of attempts.slice(0, -1)) expect(attempt).toEqual(unavailable);
}

const queuedOf = (id: string) =>
  run.proxy.calls.filter((call) => call.operation === "SendMessage" && call.content.includes(id));

/** Every copy of the events whose workflow ids begin with this text. */
async function published(prefix: string): Promise<string[]> {
  await run.quiet();
  return run.eventsOf(prefix);
}

// This test is the first, because only a cold start reads the secret.
test("A20 while Secrets Manager is down at a cold start a webhook is answered 503 and never accepted unverified; afterwards it is answered 200", async () => {
  const { secret = "" } = run.seed.connections.find(({ provider }) => provider === "we-link") ?? {};
  const text = '{"status":"SUCCESS","request_id":"A20","result":{}}';
  const hash = createHmac("sha256", secret).update(text).digest("hex");
  const body = `${text.slice(0, -1)},"hash":"${hash}"}`;
  for (const fault of ["throttle", "internal", "unavailable"] as const) {
    const down = run.proxy.plan({ operation: "GetSecretValue", fault, times: 1_000 });
    expect(await attempt(run.inboundUrl("we-link"), body)).toMatchObject({
      status: 503,
      retryAfter: "5",
    });
    expect(down.struck()).toBeGreaterThan(0);
    down.end();
  }
  expect(queuedOf("A20")).toEqual([]);
  expect((await deliver(run.inboundUrl("we-link"), body)).at(-1)).toMatchObject({ status: 200 });
  expect(await published("A20")).toHaveLength(1);
});

test("A23 150 webhooks at once on cold functions while SQS throttles: each is answered 2xx after SQS stored it or 503, and all arrive when retried", async () => {
  run.proxy.plan({ operation: "SendMessage", fault: "throttle", matching: "A23-", times: 60 });
  const ids = Array.from({ length: 150 }, (_, n) => `A23-${n}-`);
  const answers = await Promise.all(ids.map(async (id) => ({ id, ...(await post(id)) })));
  const acked = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.filter(({ status }) => status !== 503)).toEqual([]);
  const notQueued = acked.filter(({ id }) => !queuedOf(id).some(({ applied }) => applied));
  expect(notQueued).toEqual([]);
  await Promise.all(refused.map(({ id }) => deliver(url, linkedApiWebhook(id))));
  // `consume` may be ended at its timeout while the functions start: it then publishes the same bytes again.
  expect(new Set(await published("A23-")).size).toBe(150);
});

describe("a webhook is acked only after SQS has stored it (G1)", () => {
  const rows: [row: string, fault: Fault, status: number, messages: number][] = [
    [
      "A1 ingest crashes before SendMessage: no 2xx, and the retry gives one event",
      "crash-before",
      500,
      1,
    ],
    [
      "A2 SendMessage is applied and its answer is lost: 503, and the retry is a second message of the same event",
      "timeout-applied",
      503,
      2,
    ],
    [
      "A3 ingest crashes between SendMessage and the ack: no 2xx, and the retry is a second message of the same event",
      "crash-after",
      500,
      2,
    ],
  ];
  test.each(rows)("%s", async (row, fault, status, messages) => {
    const id = `${row.slice(0, 2)}-`;
    run.proxy.plan({ operation: "SendMessage", fault, matching: id });
    if (fault === "timeout-applied") {
      // The SDK's second attempt belongs to the same webhook attempt.
      run.proxy.plan({ operation: "SendMessage", fault: "timeout-not-applied", matching: id });
    }
    const [first, ...retries] = await deliver(url, linkedApiWebhook(id));
    expect([first?.status, retries.at(-1)?.status]).toEqual([status, 200]);
    for (const retry of retries.slice(0, -1)) expect(retry).toEqual(unavailable);
    const applied = queuedOf(id).filter((call) => call.applied).length;
    // A retry that a busy machine does not answer in time may be applied too.
    expect(applied).toBeGreaterThanOrEqual(messages);
    expect(applied).toBeLessThan(messages + retries.length);
    expect(await published(id)).toHaveLength(1);
  });

  test("A5 a slow SQS with all its retries is answered 503 at the deadline, and ingest does no work after the answer", async () => {
    expect(inboundDeadlineMs).toBeLessThan(ANSWER_LIMIT_MS);
    // Longer than all attempts of the SDK together.
    const slow = { slowMs: 20_000 };
    run.proxy.plan({ operation: "SendMessage", fault: slow, matching: "A5-", times: 1_000 });
    expect(await post("A5-")).toMatchObject({ status: 503, retryAfter: "5" });
    const calls = queuedOf("A5-").length;
    expect(calls).toBeLessThanOrEqual(CALLS_WITHIN_DEADLINE);
    await expect.poll(() => queuedOf("A5-").every(({ abandoned }) => abandoned)).toBe(true);
    // The same function answers another webhook, so that it has continued.
    await ack("A5after-");
    expect(queuedOf("A5-")).toHaveLength(calls);
    expect(queuedOf("A5-").filter(({ applied }) => applied)).toEqual([]);
    expect(await published("A5-")).toEqual([]);
  });
});

test("A4 while SQS throttles, fails, is unavailable or does not answer, a webhook is answered 503 with Retry-After, and every retried webhook arrives once", async () => {
  const outages = ["throttle", "internal", "unavailable", "reset-before", "timeout-not-applied"];
  const ends = (outages as Fault[]).map((fault) =>
    run.proxy.plan({ operation: "SendMessage", fault, matching: `A4-${fault}-`, times: 100_000 }),
  );
  const ids = outages.flatMap((fault) => [1, 2, 3].map((n) => `A4-${fault}-${n}-`));
  const answers = await Promise.all(ids.map(async (id) => ({ id, ...(await post(id)) })));
  for (const plan of ends) expect(plan.struck()).toBeGreaterThan(0);
  for (const plan of ends) plan.end();
  expect(answers.filter(({ status, retryAfter }) => status !== 503 || retryAfter !== "5")).toEqual(
    [],
  );
  for (const id of ids) await ack(id);
  const received = await published("A4-");
  expect(received).toHaveLength(ids.length);
  expect(new Set(received).size).toBe(received.length);
});

test("A6 the same webhook sent twenty times at once is acked each time and published once", async () => {
  await Promise.all(Array.from({ length: 20 }, () => ack("A6-")));
  expect(await published("A6-")).toHaveLength(1);
});

test("A17 a replayed valid webhook is answered 200 again and published once", async () => {
  await ack("A17-");
  await published("A17-");
  for (let n = 0; n < 3; n++) await ack("A17-");
  expect(await published("A17-")).toHaveLength(1);
});

test("A9 the same webhook with any content type, as text or Base64, and with doubled headers is one event", async () => {
  const types = [
    "application/json",
    "application/octet-stream",
    "text/plain; charset=latin1",
    "APPLICATION/JSON",
  ];
  for (const type of types) {
    const headers = { "Content-TYPE": type, hash: "a, b", "X-Signature": "sha256=0,sha256=1" };
    expect(await attempt(url, linkedApiWebhook("A9-ü"), headers)).toMatchObject({ status: 200 });
  }
  expect(await published("A9-")).toHaveLength(1);
});

test.each([
  ["one byte below the limit", 239_999, 200],
  ["the limit", 240_000, 200],
  ["one byte above the limit", 240_001, 413],
])(
  "A10 a body of %s (%i bytes) is answered %i, and an accepted one reaches the bus",
  async (name, bytes, status) => {
    const id = `A10-${bytes}-`;
    expect((await post(id, bytes)).status).toBe(status);
    const events = await published(id);
    expect(events).toHaveLength(status === 200 ? 1 : 0);
    for (const event of events) {
      const { text } = JSON.parse(linkedApiWebhook(id, bytes)).data.result;
      expect(JSON.parse(event).data.result).toEqual({ text });
    }
    expect(name).toContain("limit");
  },
);

test("A14 10,000 headers are answered 431, 6 MB and 60,000 keys 413, and another webhook is acked meanwhile", async () => {
  const { port, pathname } = new URL(url);
  const headers = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`h${n}`, "v"]));
  const manyHeaders = new Promise<number | undefined>((resolve) => {
    const sent = request({ host: "127.0.0.1", port, path: pathname, method: "POST", headers });
    sent
      .on("response", (response) => resolve(response.resume().statusCode))
      .on("error", () => resolve(431));
    sent.end("{}");
  });
  const keys = Array.from({ length: 60_000 }, (_, n) => `"k${n}":1`).join(",");
  const hostile = [attempt(url, `{${keys}}`), attempt(url, Buffer.alloc(6_000_000, 0x20))];
  await ack("A14-");
  expect((await Promise.all(hostile)).map(({ status }) => status)).toEqual([413, 413]);
  expect(await manyHeaders).toBe(431);
  expect(await published("A14-")).toHaveLength(1);
});

test("A19 after a rotation a warm function accepts old and new secrets and tokens at once, and forgeries do not cause many reads", async () => {
  const administration = await composeAdministration({
    outputs: run.outputs,
    aws: localAws(run.addresses.awsUrl),
  });
  const { clientId } = run.seed;
  const made = await administration.createConnection({
    clientId,
    provider: "we-link",
    webhookSecret: "old",
  });
  const { connectionId } = made;
  const body = (id: string, secret: string) => {
    const text = `{"status":"SUCCESS","request_id":"${id}","result":{}}`;
    return `${text.slice(0, -1)},"hash":"${createHmac("sha256", secret).update(text).digest("hex")}"}`;
  };
  const send = (path: string, id: string, secret: string) =>
    attempt(`${run.addresses.apiUrl}${path}`, body(id, secret)).then(({ status }) => status);
  // The environments that answer have the connection in their cache.
  for (let n = 0; n < 4; n++) expect(await send(made.inboundPath, `A19-${n}-`, "old")).toBe(200);
  await administration.rotateSecret(clientId, connectionId, "new");
  const rotated = await administration.rotateToken(clientId, connectionId);
  // The connection was just read, and is read again only after a second.
  await expect.poll(() => send(made.inboundPath, "A19-new-", "new"), { interval: 200 }).toBe(200);
  expect(await send(rotated.inboundPath, "A19-both-", "new")).toBe(200);
  expect(await send(made.inboundPath, "A19-old-", "old")).toBe(200);

  // The SDK repeats a call that it has abandoned.
  const reads = () =>
    run.proxy.calls.filter(
      ({ operation, content, abandoned }) =>
        // What is noted of refused webhooks is written at most once in five seconds.
        operation !== "UpdateItem" && content.includes(`connection#${connectionId}`) && !abandoned,
    ).length;
  const before = reads();
  const startedMs = performance.now();
  const forged = await Promise.all(
    Array.from({ length: 60 }, (_, n) => send(made.inboundPath, `A19-forged-${n}-`, "forged")),
  );
  const seconds = Math.floor((performance.now() - startedMs) / 1_000);
  // A busy machine may not answer each in time, with 503; none is accepted.
  expect(forged.filter((status) => status !== 401 && status !== 503)).toEqual([]);
  expect(forged).toContain(401);
  const environments = new Set(
    run.proxy.calls.filter(({ from }) => from === "ingest").map(({ pid }) => pid),
  ).size;
  // An environment reads a connection that it has not, and again at most once a second.
  expect(reads() - before).toBeLessThanOrEqual(environments * (2 + seconds));
  expect(await published("A19-forged-")).toEqual([]);
});

test("A22 unknown addresses and manipulated paths are answered 404 or 400 with at most one read by key, and do not appear in a log", async () => {
  const token = url.slice(url.lastIndexOf("/") + 1);
  const connectionId = url.split("/").at(-2) ?? "";
  const paths = [
    `/v1/in/linked-api/cn_unknown/${token}`,
    `/v1/in/nobody/${connectionId}/${token}`,
    `/v1/in/__proto__/${connectionId}/${token}`,
    `/v1/in/we-link/${connectionId}/${token}`,
    `/v1/in/linked-api/..%2f${connectionId}/${token}`,
    `/v1/in/linked-api/${connectionId}%00/${token}`,
    `/v1/in/linked-api/${connectionId}%0aA22-injected/${token}`,
    `/v1/in/linked-api/${connectionId}/${token}%00`,
    `/v1/in/linked-api/${connectionId}/${"x".repeat(64)}`,
    `/v1/in/linked-api/%2e%2e/${token}`,
    "/v1/in/linked-api/%ff/x",
    "/v1/in//",
  ];
  const from = run.proxy.calls.length;
  for (const path of paths) {
    const { status } = await attempt(`${run.addresses.apiUrl}${path}`, linkedApiWebhook("A22-"));
    expect([path, [400, 404].includes(status)]).toEqual([path, true]);
  }
  const made = run.proxy.calls.slice(from).filter(({ abandoned }) => !abandoned);
  const known = new Set(run.proxy.calls.slice(0, from).map(({ pid }) => pid));
  // An environment that starts meanwhile reads the master key once.
  const starts = made.filter(({ operation }) => operation === "GetSecretValue");
  expect(starts.filter(({ pid }) => known.has(pid))).toEqual([]);
  expect(new Set(starts.map(({ pid }) => pid)).size).toBe(starts.length);
  const reads = made.filter((call) => !starts.includes(call));
  expect(reads.filter(({ operation }) => operation !== "GetItem")).toEqual([]);
  expect(reads.length).toBeLessThanOrEqual(paths.length);
  expect(run.printed.join("\n")).not.toContain("A22-injected");
  expect(run.printed.join("\n")).not.toContain(token);
});
