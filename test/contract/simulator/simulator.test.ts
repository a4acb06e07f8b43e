import { createServer } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { makeBusinessTimers } from "../../../local/clock/business-timers.ts";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { type DurableStore, openDurableStore } from "../../../local/durable-store.ts";
import { closeServer, listen } from "../../../local/loopback.ts";
import { behaviour } from "../../../local/simulator/behaviour.ts";
import { type Simulator, startSimulator } from "../../../local/simulator/simulator.ts";
import { makeWebhookSender } from "../../../local/simulator/webhook-sender.ts";
import { isProven } from "../../support/payloads/webhooks.ts";

const HOUR_MS = 3_600_000;
/** An hour of business time is 360 ms. */
const SPEED = 10_000;
const secret = "secret code";

interface Arrival {
  path: string;
  body: string;
  atMs: number;
}

let arrivals: Arrival[];
let statuses: number[];
let store: DurableStore;
let simulator: Simulator;
const clock = makeBusinessClock({ realMs: Date.now(), businessMs: Date.now(), speed: SPEED });

/** Responds with the statuses of the list in order, then with 200. */
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  arrivals.push({ path: request.url ?? "", body, atMs: clock.now() });
  response.writeHead(statuses.shift() ?? 200).end();
});

async function start() {
  const url = `http://${receiver.listening ? receiverAddress : await listen(receiver, 0)}`;
  receiverAddress = url.slice("http://".length);
  return startSimulator({
    port: 0,
    store,
    clock,
    targets: [
      {
        provider: "we-link",
        connectionId: "cn_1",
        inboundUrl: `${url}/v1/in/we-link/cn_1/${"f".repeat(16)}`,
        secret,
      },
      {
        provider: "linked-api",
        connectionId: "cn_2",
        inboundUrl: `${url}/v1/in/linked-api/cn_2/${"f".repeat(16)}`,
      },
    ],
  });
}
let receiverAddress = "";

beforeEach(async () => {
  arrivals = [];
  statuses = [];
  store = openDurableStore();
  simulator = await start();
});
afterEach(async () => {
  await simulator.close();
  store.close();
  await closeServer(receiver);
});

const behave = (of: object) =>
  fetch(`${simulator.url}/_control/behaviour`, { method: "PUT", body: JSON.stringify(of) });

test("A webhook that is not acked is retried on the provider's schedule with the same bytes", async () => {
  statuses = [500, 401, 503, 302];
  simulator.send("we-link", { status: "SUCCESS", request_id: "r" });
  await expect.poll(() => arrivals.length).toBe(5);
  expect(new Set(arrivals.map(({ body }) => body)).size).toBe(1);
  expect(isProven(arrivals[0]?.body ?? "", [secret])).toBe(true);
  const gaps = arrivals.slice(1).map(({ atMs }, n) => atMs - (arrivals[n]?.atMs ?? 0));
  const expected = [1 / 60, 5 / 60, 0.5, 2].map((hours) => hours * HOUR_MS);
  gaps.forEach((gap, n) => {
    expect(gap).toBeGreaterThanOrEqual((expected[n] ?? 0) - 1);
  });
});

test("A We-Link webhook is not retried after six attempts", async () => {
  statuses = Array.from({ length: 20 }, () => 500);
  simulator.send("we-link", { status: "SUCCESS", request_id: "r" });
  const pending = () => store.collection("simulator-webhooks").entries();
  await expect.poll(pending).toEqual([]);
  expect(arrivals).toHaveLength(6);
});

test("Pending webhooks are sent after a restart", async () => {
  await behave({ delayMs: [HOUR_MS, HOUR_MS] });
  simulator.send("linked-api", { id: "i" });
  await simulator.close();
  simulator = await start();
  await expect.poll(() => arrivals.length).toBe(1);
  await expect.poll(() => store.collection("simulator-webhooks").entries()).toEqual([]);
});

test("A webhook cancelled during a POST is not retried", async () => {
  statuses = Array.from({ length: 20 }, () => 500);
  const attempts: number[] = [];
  const inboundUrl = `http://${receiverAddress}`;
  const target = { provider: "we-link", connectionId: "cn_1", inboundUrl, secret } as const;
  const sender = makeWebhookSender({
    store,
    clock,
    timers: makeBusinessTimers(clock),
    behaviour: () => behaviour.parse({}),
    scripts: { take: () => undefined },
    target: () => target,
    onAttempt: ({ attempt }) => {
      attempts.push(attempt);
      // The response has arrived, but its effect is not stored yet.
      if (attempt === 2) sender.cancel(["w"]);
    },
  });
  sender.plan({ webhookId: "w", ...target, body: { request_id: "r" }, atMs: clock.now() });
  await expect.poll(() => attempts).toEqual([1, 2]);
  expect(store.collection("simulator-webhooks").entries()).toEqual([]);
  const untilMs = clock.now() + HOUR_MS;
  await expect.poll(() => clock.now() > untilMs).toBe(true);
  expect(attempts).toEqual([1, 2]);
});

describe("Behaviour", () => {
  test("duplicateRate sends each attempt twice, and forgeRate sends a forged copy", async () => {
    await behave({ duplicateRate: 1, forgeRate: 1 });
    simulator.send("we-link", { status: "SUCCESS", request_id: "r" });
    await expect.poll(() => arrivals.length).toBe(3);
    const valid = arrivals.map(({ body }) => isProven(body, [secret]));
    expect(valid.filter(Boolean)).toHaveLength(2);
  });

  test("A forged Linked API webhook has another token in its URL, because Linked API does not sign", async () => {
    await behave({ forgeRate: 1 });
    simulator.send("linked-api", { id: "i" });
    await expect.poll(() => arrivals.length).toBe(2);
    expect(arrivals.map(({ path }) => path.endsWith("00000000"))).toEqual([true, false]);
  });

  test("dropRate drops a webhook without a retry", async () => {
    await behave({ dropRate: 1 });
    simulator.send("we-link", { status: "SUCCESS", request_id: "r" });
    await expect.poll(() => store.collection("simulator-webhooks").entries()).toEqual([]);
    expect(arrivals).toEqual([]);
  });

  test("delayMs passes in business time", async () => {
    await behave({ delayMs: [HOUR_MS, 2 * HOUR_MS] });
    const before = clock.now();
    simulator.send("we-link", { status: "SUCCESS", request_id: "r" });
    await expect.poll(() => arrivals.length).toBe(1);
    expect((arrivals[0]?.atMs ?? 0) - before).toBeGreaterThanOrEqual(HOUR_MS);
  });
});

test.each([
  ["POST", "/_control/send", "{", 400],
  ["POST", "/_control/send", '{"provider":"other","body":{}}', 400],
  ["POST", "/_control/send", '{"provider":"we-link","body":{},"connectionId":"cn_9"}', 400],
  ["PUT", "/_control/behaviour", '{"delayMs":[2,1]}', 400],
  ["GET", "/nothing", undefined, 404],
])(
  "The simulator rejects %s %s with the body %s by the status %d and a reason",
  async (method, path, body, status) => {
    const headers = { "content-type": "application/json" };
    const init = { method, headers, ...(body === undefined ? {} : { body }) };
    const response = await fetch(`${simulator.url}${path}`, init);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.any(String) });
  },
);
