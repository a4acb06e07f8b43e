import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MINUTE_MS, type SimulatorFixture, startSimulatorFixture } from "./simulator-fixture.ts";

let simulator: SimulatorFixture;
let dataDir: string;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "ackwire-simulator-"));
  simulator = await startSimulatorFixture(dataDir);
});
afterEach(async () => {
  await simulator.close();
  rmSync(dataDir, { recursive: true });
});

const message = { actionType: "st.sendMessage", personUrl: "p", text: "t" };
const connect = (n = 1) => simulator.weLink("connect", { accountId: `acc-${n}`, profile_id: "p" });

describe("The list of submissions", () => {
  test("The list has the body, time and response of each submission, without status and cancel calls", async () => {
    const before = simulator.clock.now();
    const { body } = await connect();
    const workflow = await simulator.linkedApi("POST", "/workflows", message);
    const { workflowId } = workflow.body.result as { workflowId: string };
    await simulator.weLink("get_response", { request_id: body.requestId });
    await simulator.linkedApi("GET", `/workflows/${workflowId}`);
    await simulator.linkedApi("DELETE", `/workflows/${workflowId}`);
    const submissions = await simulator.submissions();
    expect(submissions).toEqual([
      {
        seq: 1,
        at: expect.any(String),
        provider: "we-link",
        accountId: "acc-1",
        path: "/api/v1/connect",
        body: { accountId: "acc-1", profile_id: "p" },
        status: 200,
        providerRequestId: body.requestId,
      },
      {
        seq: 2,
        at: expect.any(String),
        provider: "linked-api",
        accountId: "acc-1",
        path: "/workflows",
        body: message,
        status: 200,
        providerRequestId: workflowId,
      },
    ]);
    const times = submissions.map(({ at }) => Date.parse(at));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(Math.floor(before));
    expect(Math.max(...times)).toBeLessThanOrEqual(simulator.clock.now());
  });

  test("The list includes rejected submissions and masks secrets", async () => {
    await simulator.weLink("login_v2", { email: "pin@b.c", password: "hidden-1" });
    await expect.poll(() => simulator.arrivals).toHaveLength(1);
    const requestId = simulator.arrivals[0]?.request_id;
    await simulator.weLink("login_code", { accountId: "a", code: "hidden-2", requestId });
    await simulator.weLink("login_v2", { nested: [{ password: "hidden-3" }] }, { headers: {} });
    await simulator.weLink("connect", '{"password": "hidden-4"');
    await simulator.behave({ tooManyRequestsRate: 1 });
    await simulator.weLink("login_v2", { password: "hidden-5" });
    expect(await simulator.submissions()).toMatchObject([
      { status: 200, body: { email: "pin@b.c", password: "***" } },
      {
        status: 200,
        body: { code: "***" },
        path: "/api/v1/login_code",
        providerRequestId: requestId,
      },
      { status: 401, body: { nested: [{ password: "***" }] } },
      { status: 400, body: null },
      { status: 429, body: { password: "***" } },
    ]);
    for (const file of ["local.db", "local.db-wal"]) {
      expect(readFileSync(join(dataDir, file)).toString("latin1")).not.toContain("hidden-");
    }
  });
});

describe("Faults of calls", () => {
  test("tooManyRequestsRate answers 429 with Retry-After, and the call has no effect", async () => {
    await simulator.behave({ tooManyRequestsRate: 1 });
    const answers = [
      await connect(),
      await simulator.weLink("get_response", { request_id: "r" }),
      await simulator.linkedApi("POST", "/workflows", message),
      await simulator.linkedApi("GET", "/workflows/w"),
    ];
    for (const { status, headers } of answers) {
      expect([status, headers.get("retry-after")]).toEqual([429, "60"]);
    }
    expect(answers[0]?.body).toMatchObject({ status: "STATUS_429" });
    expect(answers[2]?.body).toMatchObject({ error: { type: "tooManyRequests" } });
    expect((await simulator.submissions()).map(({ status }) => status)).toEqual([429, 429]);
    expect(simulator.store().collection("simulator-jobs").entries()).toEqual([]);
  });

  test("errorRate answers 500, and the call has no effect", async () => {
    await simulator.behave({ errorRate: 1 });
    const statuses = [
      (await connect()).status,
      (await simulator.weLink("get_response", { request_id: "r" })).status,
      (await simulator.linkedApi("POST", "/workflows", message)).status,
      (await simulator.linkedApi("DELETE", "/workflows/w")).status,
    ];
    expect(statuses).toEqual([500, 500, 500, 500]);
    expect((await simulator.submissions()).map(({ status }) => status)).toEqual([500, 500]);
    expect(simulator.store().collection("simulator-jobs").entries()).toEqual([]);
  });

  test("lostAnswerRate lets the call take effect and cuts the connection or sends no response", async () => {
    await simulator.behave({ lostAnswerRate: 1 });
    const outcomes = await Promise.all(
      Array.from({ length: 24 }, (_, n) =>
        simulator
          .weLink("connect", { accountId: `acc-${n}` }, { signal: AbortSignal.timeout(3_000) })
          .then(
            () => "answered",
            (error: Error) => (error.name === "TimeoutError" ? "nothing" : "cut"),
          ),
      ),
    );
    // Both cases have probability 1/2: one of them is missing once in 8 million runs.
    expect(new Set(outcomes)).toEqual(new Set(["nothing", "cut"]));
    const submissions = await simulator.submissions();
    expect(submissions).toHaveLength(24);
    expect(
      submissions.every(({ status, providerRequestId }) => status === 0 && providerRequestId),
    ).toBe(true);
    await expect.poll(() => simulator.arrivals).toHaveLength(24);
    await expect(simulator.weLink("get_response", { request_id: "r" })).resolves.toMatchObject({
      status: 404,
    });
    const request_id = submissions[0]?.providerRequestId;
    await expect(
      simulator.weLink("get_response", { request_id }, { signal: AbortSignal.timeout(200) }),
    ).rejects.toThrow();
  });

  test("Rates between 0 and 1 are met on average", async () => {
    await simulator.behave({ errorRate: 0.3, tooManyRequestsRate: 0.3 });
    for (let n = 0; n < 300; n++) await connect();
    const counts = Map.groupBy(await simulator.submissions(), ({ status }) => status);
    // Six standard deviations around 90 and 120.
    for (const [status, expected] of [
      [429, 90],
      [500, 90],
      [200, 120],
    ] as const) {
      expect(Math.abs((counts.get(status)?.length ?? 0) - expected)).toBeLessThan(51);
    }
  });
});

describe("Restarts", () => {
  test("Jobs, status calls and the list continue after a restart", async () => {
    await simulator.behave({ delayMs: [40 * MINUTE_MS, 40 * MINUTE_MS] });
    const request_id = (await connect()).body.requestId;
    await simulator.linkedApi("POST", "/workflows", message);
    await simulator.restart();
    const { body } = await simulator.weLink("get_response", { request_id });
    expect(["QUEUED", "PROCESSING"]).toContain(body.status);
    await connect(2);
    expect((await simulator.submissions()).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    await expect.poll(() => simulator.arrivals).toHaveLength(5);
  });

  test("A change that a killed process had begun is completed", async () => {
    await simulator.behave({ delayMs: [30 * MINUTE_MS, 30 * MINUTE_MS] });
    const { body } = await connect();
    const accepted = simulator
      .store()
      .collection<object>("simulator-jobs")
      .get(String(body.requestId));
    const [submission] = await simulator.submissions();
    const [webhookId, webhook] =
      simulator.store().collection<object>("simulator-webhooks").entries()[0] ?? [];
    // The state when the process dies between the first write and the others.
    for (const name of ["jobs", "webhooks", "submissions"]) {
      const collection = simulator.store().collection(`simulator-${name}`);
      for (const [key] of collection.entries()) collection.delete(key);
    }
    const {
      nextAtMs: atMs,
      attempt: _,
      ...planned
    } = webhook as { nextAtMs: number; attempt: number };
    const change = { job: accepted, webhooks: [{ ...planned, webhookId, atMs }], submission };
    simulator.store().collection("simulator-accepting").put("now", change);
    await simulator.restart();
    expect(await simulator.submissions()).toEqual([submission]);
    await expect.poll(() => simulator.arrivals).toMatchObject([{ request_id: body.requestId }]);
    expect(simulator.store().collection("simulator-accepting").entries()).toEqual([]);
  });
});

test("Concurrent submissions are all listed in the order of their responses", async () => {
  await simulator.behave({ delayMs: [1e9, 1e9] });
  const workers = Array.from({ length: 8 }, async (_, worker) => {
    for (let n = 0; n < 50; n++) {
      if (n % 2 === 0) await connect(worker);
      else await simulator.linkedApi("POST", "/workflows", message);
    }
  });
  await Promise.all(workers);
  const numbers = (await simulator.submissions()).map(({ seq }) => seq);
  expect(numbers).toEqual(Array.from({ length: 400 }, (_, n) => n + 1));
});
