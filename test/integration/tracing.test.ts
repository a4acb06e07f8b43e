import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTraceparent, spanContextOf } from "../../shared/contracts/traceparent.ts";
import { startOtlpCollector } from "../support/fakes/otlp-collector.ts";
import { eventOf, startWebhookReceiver } from "../support/fakes/webhook-receiver.ts";
import { type RequestsRun, startRequestsRun } from "../support/runs/requests-run.ts";
import { traceTrees } from "../support/trace-trees.ts";
import { callWaitOptions, LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

/** `npm run trace:check` has a thousand. */
const REQUESTS = Number(process.env.REQUESTS ?? 50);

/** Words in params and in the answers of endpoints, and every secret: no span may contain them. */
const CANARY = `Canary-${randomUUID()}`;

let collector: Awaited<ReturnType<typeof startOtlpCollector>>;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
let requests: RequestsRun;
beforeAll(async () => {
  collector = await startOtlpCollector();
  receiver = await startWebhookReceiver();
  requests = await startRequestsRun({
    speed: 60,
    otlpUrl: collector.url,
    settings: {
      paceMinSeconds: "0",
      paceMaxSeconds: "0",
      rateLimitPauseSeconds: "60",
      deliveryDelaysSeconds: "0,0,0,0,0,0,60",
      deliveryBreakerFailures: "100",
    },
  });
});
afterAll(async () => {
  await requests.close();
  await receiver.close();
  await collector.close();
});

const newTraceparent = () =>
  `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-01`;

/** Sends a request until it is answered: a busy machine may answer 503. Returns its id. */
async function accepted(...call: Parameters<RequestsRun["request"]>): Promise<string> {
  let requestId = "";
  const send = async () => {
    const { status, body } = await requests.request(...call);
    requestId = body.requestId;
    return status;
  };
  await expect.poll(send, callWaitOptions).toBe(202);
  return requestId;
}

/** A request that is sent twice, as a client does that got no answer; every second names its trace. */
async function sendTwice(n: number) {
  const given = n % 2 === 0 ? newTraceparent() : undefined;
  const headers = {
    "idempotency-key": randomUUID(),
    ...(given === undefined ? {} : { traceparent: given }),
  };
  const of = {
    accountId: `traced-${n}`,
    action: "connect",
    params: { profile_id: `p${n}`, note: CANARY },
  };
  const first = await accepted(of, headers);
  const second = await accepted(of, headers);
  expect(second).toBe(first);
  return { requestId: first, given };
}

test(`${REQUESTS} requests with duplicates and retries are ${REQUESTS} connected trees, without a body or a secret`, {
  timeout: LONG_TEST_TIMEOUT_MS,
}, async () => {
  await requests.behave({ duplicateRate: 0.3, tooManyRequestsRate: 0.2 });
  // Every fourth POST fails and is repeated.
  const endpoint = receiver.endpoint((_, nth) =>
    nth % 4 === 0 ? { status: 500, body: CANARY } : 204,
  );
  const { body: webhook } = await requests.native<{ secret: string }>("PUT", "/v1/webhook", {
    url: endpoint.url,
  });
  const sent: Awaited<ReturnType<typeof sendTwice>>[] = [];
  for (let n = 0; n < REQUESTS; n += 10) {
    sent.push(...(await Promise.all(Array.from({ length: 10 }, (_, k) => sendTwice(n + k)))));
  }
  const completed = () =>
    new Set(
      endpoint.posts
        .map(eventOf)
        .filter(({ type }) => type === "workflow.completed")
        .map(({ data }) => data.requestId),
    ).size;
  await expect
    .poll(completed, { ...callWaitOptions, timeout: LONG_TEST_TIMEOUT_MS })
    .toBe(REQUESTS);

  // A span is sent after its work, so that the last ones come last.
  const callers = new Set(
    sent.flatMap(({ given }) => given && spanContextOf(given).spanId) as string[],
  );
  const count = (name: string) => collector.spans.filter((one) => one.name === name).length;
  // A message that the queue delivers again has the same span.
  const deliveryCount = () => {
    const created = collector.spans.filter(({ name }) => name === "create delivery");
    return new Set(created.map(({ spanId }) => spanId)).size;
  };
  const incomplete = () => {
    const trees = traceTrees(collector.spans, callers);
    const faulty = trees.filter(({ faults }) => faults.length > 0);
    const attempts = count("POST webhook");
    return {
      trees: trees.length,
      faulty: faulty.map(({ spans, faults }) => ({ faults, names: spans.map((one) => one.name) })),
      isEveryPostTraced: attempts >= endpoint.posts.length,
      // Every delivery has been attempted, and some more than once.
      hasRetries: attempts > deliveryCount(),
    };
  };
  await expect
    .poll(incomplete, { ...callWaitOptions, timeout: LONG_TEST_TIMEOUT_MS })
    .toEqual({ trees: REQUESTS, faulty: [], isEveryPostTraced: true, hasRetries: true });

  const byTrace = new Map(
    traceTrees(collector.spans, callers).map(({ traceId, spans }) => [traceId, spans]),
  );
  let reportedByWebhook = 0;
  for (const { requestId, given } of sent) {
    const event = endpoint.posts.map(eventOf).find(({ data }) => data.requestId === requestId);
    const traceparent = readTraceparent(event?.traceparent) ?? "";
    const { traceId } = spanContextOf(traceparent);
    if (given !== undefined) expect(traceId).toBe(spanContextOf(given).traceId);
    const spans = byTrace.get(traceId) ?? [];
    const names = spans.map(({ service, name }) => `${service}: ${name}`);
    // On a busy machine a poll may be faster than the webhook.
    const byWebhook = ["ingest: receive webhook", "consume: consume webhook"];
    expect(new Set(names.filter((name) => !byWebhook.includes(name)))).toEqual(
      new Set([
        "api: accept request",
        "submit: submit to we-link",
        "deliver: create delivery",
        "deliver: POST webhook",
      ]),
    );
    if (byWebhook.every((name) => names.includes(name))) reportedByWebhook++;
    const [root] = spans.filter(({ name }) => name === "accept request");
    expect(root?.attributes["ackwire.request_id"]).toBe(requestId);
  }

  expect(reportedByWebhook).toBeGreaterThan(REQUESTS / 2);

  // Each POST names the span of its own attempt, and there were duplicates and retries.
  const posted = endpoint.posts.map(({ headers }) => String(headers.traceparent));
  expect(new Set(posted).size).toBe(posted.length);
  const known = new Set(collector.spans.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`));
  expect(posted.filter((one) => !known.has(one))).toEqual([]);
  expect(count("submit to we-link")).toBeGreaterThan(REQUESTS);
  expect(count("receive webhook")).toBeGreaterThan(REQUESTS);
  const linked = collector.spans.filter(({ links }) => links.length > 0);
  expect(linked.length).toBeGreaterThan(0);

  // No provider was told the trace.
  const submissions = JSON.stringify(await requests.submissions());
  expect(submissions).toContain(CANARY);
  expect(submissions).not.toContain("traceparent");

  const all = collector.bodies.join("\n");
  const { apiKey, keySecret } = requests.run.seed;
  for (const secret of [CANARY, apiKey, keySecret, webhook.secret, endpoint.url]) {
    expect([secret, all.includes(secret)]).toEqual([secret, false]);
  }
});

test("A collector that refuses spans costs nothing but the spans", async () => {
  await requests.behave({});
  collector.answer(503);
  const of = { accountId: "uncollected", action: "connect", params: { profile_id: "p" } };
  const requestId = await accepted(of, { "idempotency-key": randomUUID() });
  await requests.reaches(requestId, "SUCCEEDED");
  const isReported = () => requests.run.logged().includes("The collector of spans answered 503");
  await expect.poll(isReported, callWaitOptions).toBe(true);
  collector.answer(200);
});
