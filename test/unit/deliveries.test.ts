import { describe, expect, test } from "vitest";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import { hook, makeWebhookApi } from "../support/fakes/webhook-api.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const MINUTE_MS = 60_000;

async function withHook(given: Parameters<typeof makeWebhookApi>[0] = {}) {
  const api = makeWebhookApi(given);
  const { body } = await api.call("PUT /v1/webhook", { body: hook });
  return { ...api, webhookId: body.id as string };
}

const attempt = (n: number, of: object = {}) => ({
  cycle: 1,
  attemptNumber: n,
  atMs: Date.parse(NOON) + n,
  durationMs: 12,
  ...of,
});

describe("a delivery's id", () => {
  test("a delivery's id is the same for the same webhook and event, and for no other pair", () => {
    const ids = [
      deliveryIdOf("wh_1", "e:1"),
      deliveryIdOf("wh_1e", ":1"),
      deliveryIdOf("wh_2", "e:1"),
      deliveryIdOf('wh_1","e', "1"),
      deliveryIdOf("wh_1", 'e","1'),
    ];
    for (const id of ids) expect(id).toMatch(/^dl_[0-9a-f]{32}$/);
    expect(new Set(ids).size).toBe(ids.length);
    expect(deliveryIdOf("wh_1", "e:1")).toBe(ids[0]);
  });
});

describe("GET /v1/deliveries/{id}", () => {
  test("GET /v1/deliveries/{id} shows when the next attempt of a waiting delivery is due", async () => {
    const { call, haveDelivery, webhookId } = await withHook();
    const attemptHistory = [
      attempt(1, { httpStatus: 500, bodyStart: "oops" }),
      attempt(2, { error: "TIMEOUT" }),
    ];
    const nextMs = Date.parse(NOON) + MINUTE_MS;
    const { deliveryId } = await haveDelivery({
      eventId: "e:1",
      attemptHistory,
      attemptsInCycle: 2,
      nextMs,
    });
    const answer = await call("GET /v1/deliveries/{id}", { params: { id: deliveryId } });
    expect(answer).toEqual({
      status: 200,
      body: {
        id: deliveryId,
        webhookId,
        eventId: "e:1",
        eventType: "workflow.started",
        status: "waiting",
        cycle: 1,
        attempts: [
          {
            cycle: 1,
            n: 1,
            at: "2026-06-25T12:00:00.001Z",
            httpStatus: 500,
            durationMs: 12,
            bodyStart: "oops",
          },
          { cycle: 1, n: 2, at: "2026-06-25T12:00:00.002Z", error: "TIMEOUT", durationMs: 12 },
        ],
        nextAttemptAt: "2026-06-25T12:01:00.000Z",
        createdAt: NOON,
      },
    });
  });

  test("GET /v1/deliveries/{id} shows the reason of a failed delivery, and no next attempt", async () => {
    const { call, haveDelivery } = await withHook();
    const failed = { status: "failed", reason: "gone" } as const;
    const { deliveryId: id } = await haveDelivery({ eventId: "e:1", ...failed });
    const { body } = await call("GET /v1/deliveries/{id}", { params: { id } });
    expect(body).toMatchObject(failed);
    expect(body).not.toHaveProperty("nextAttemptAt");
  });

  test("GET /v1/deliveries/{id} answers 404 for a delivery of another client and for an unknown id", async () => {
    const { call, haveDelivery } = await withHook();
    const { deliveryId } = await haveDelivery({ eventId: "e:1" });
    for (const params of [{ id: deliveryId }, { id: "dl_0" }]) {
      const as = "cl_2";
      expect((await call("GET /v1/deliveries/{id}", { params, as })).status).toBe(404);
      const resend = await call("POST /v1/deliveries/{id}/resend", { params, as });
      expect(resend.status).toBe(404);
    }
  });
});

describe("GET /v1/deliveries", () => {
  const idsOf = (body: { items: { eventId: string }[] }) => body.items.map((one) => one.eventId);

  test("GET /v1/deliveries lists the client's own deliveries, newest first, page by page", async () => {
    const { call, clock, haveDelivery } = await withHook();
    await call("PUT /v1/webhook", { body: hook, as: "cl_2" });
    for (const eventId of ["e:1", "e:2", "e:3"]) {
      await haveDelivery({ eventId });
      await haveDelivery({ eventId: `other ${eventId}`, clientId: "cl_2" });
      clock.passBusiness(1);
    }
    const first = await call("GET /v1/deliveries", { query: { limit: "2" } });
    expect(idsOf(first.body)).toEqual(["e:3", "e:2"]);
    const query = { limit: "2", cursor: first.body.nextCursor };
    const second = await call("GET /v1/deliveries", { query });
    expect(idsOf(second.body)).toEqual(["e:1"]);
    expect(second.body).not.toHaveProperty("nextCursor");
    const foreign = await call("GET /v1/deliveries", { query, as: "cl_2" });
    expect(foreign).toMatchObject({ status: 400, body: { errors: [{ field: "cursor" }] } });
  });

  test("GET /v1/deliveries lists the deliveries of one status, without the answers' bodies", async () => {
    const { call, haveDelivery } = await withHook();
    await haveDelivery({ eventId: "e:1" });
    const attemptHistory = [attempt(1, { httpStatus: 410, bodyStart: "private" })];
    await haveDelivery({ eventId: "e:2", status: "failed", reason: "gone", attemptHistory });
    const { body } = await call("GET /v1/deliveries", { query: { status: "failed" } });
    expect(idsOf(body)).toEqual(["e:2"]);
    expect(body.items[0].attempts[0]).toMatchObject({ httpStatus: 410 });
    expect(JSON.stringify(body)).not.toContain("private");
  });

  test("GET /v1/deliveries is filtered by type, event, webhook and time (outpost#538)", async () => {
    const { call, clock, haveDelivery, webhookId } = await withHook();
    await haveDelivery({ eventId: "e:1", eventType: "workflow.completed" });
    clock.passBusiness(MINUTE_MS);
    await haveDelivery({ eventId: "e:2" });
    const list = async (query: Record<string, string>) =>
      idsOf((await call("GET /v1/deliveries", { query })).body);
    expect(await list({ eventType: "workflow.completed" })).toEqual(["e:1"]);
    expect(await list({ eventType: "workflow.*" })).toEqual(["e:2", "e:1"]);
    expect(await list({ eventId: "e:2", webhookId })).toEqual(["e:2"]);
    expect(await list({ webhookId: "wh_other" })).toEqual([]);
    expect(await list({ since: "2026-06-25T12:00:00.001Z" })).toEqual(["e:2"]);
    expect(await list({ until: "2026-06-25T12:00:59.999Z", status: "waiting" })).toEqual(["e:1"]);
  });

  test.each([
    { eventType: "workflow.nothing" },
    { since: "yesterday" },
    { since: "2026-06-26T00:00:00Z", until: "2026-06-25T00:00:00Z" },
    { status: "lost" },
    { limit: "0" },
    { limit: "101" },
    { cursor: "x" },
    { a: "b" },
  ])("GET /v1/deliveries refuses the query %j", async (query) => {
    const { call } = await withHook();
    expect((await call("GET /v1/deliveries", { query })).status).toBe(400);
  });
});

describe("POST /v1/deliveries/{id}/resend", () => {
  const route = "POST /v1/deliveries/{id}/resend";

  test.each(["delivered", "failed"] as const)(
    "a resend starts the next cycle of a delivery that is %s",
    async (status) => {
      const { call, haveDelivery, sent, deps, webhookId } = await withHook();
      const attemptHistory = [attempt(1, { httpStatus: 500 })];
      const { deliveryId, body } = await haveDelivery({
        eventId: "e:1",
        status,
        attemptsInCycle: 1,
        attemptHistory,
        endedMs: 1,
        nextMs: undefined,
      });
      const answer = await call(route, { params: { id: deliveryId }, body: {} });
      expect(answer).toMatchObject({
        status: 202,
        body: { id: deliveryId, status: "waiting", cycle: 2, attempts: [{ cycle: 1, n: 1 }] },
      });
      expect(answer.body.nextAttemptAt).toBe(NOON);
      const stored = await deps.deliveries.find(deliveryId);
      expect(stored).toMatchObject({ body, attemptsInCycle: 0, cycle: 2 });
      const hint = {
        v: 1,
        kind: "attempt",
        deliveryId,
        clientId: "cl_1",
        webhookId,
        heldMs: 15 * MINUTE_MS,
      };
      expect(sent).toEqual([{ queue: "retries", message: hint }]);
    },
  );

  test("a resend may be called any number of times", async () => {
    const { call, haveDelivery, deps } = await withHook();
    const { deliveryId: id } = await haveDelivery({ eventId: "e:1", status: "failed" });
    for (let cycle = 2; cycle < 6; cycle++) {
      expect((await call(route, { params: { id } })).body.cycle).toBe(cycle);
      const now = await deps.deliveries.find(id);
      if (now) await deps.deliveries.replace({ ...now, status: "delivered" });
    }
  });

  test("a resend does not change a delivery that is being attempted", async () => {
    const { call, haveDelivery, sent } = await withHook();
    const { deliveryId: id } = await haveDelivery({ eventId: "e:1", status: "delivering" });
    expect(await call(route, { params: { id } })).toMatchObject({
      status: 202,
      body: { status: "delivering", cycle: 1 },
    });
    expect(sent).toEqual([]);
  });

  test("a resend makes the next attempt of a waiting delivery at once, and it keeps its number (hyperswitch#4176)", async () => {
    const { call, haveDelivery, sent, deps } = await withHook();
    const nextMs = Date.parse(NOON) + 600 * MINUTE_MS;
    const { deliveryId: id } = await haveDelivery({ eventId: "e:1", attemptsInCycle: 6, nextMs });
    expect(await call(route, { params: { id } })).toMatchObject({
      status: 202,
      body: { status: "waiting", cycle: 1, nextAttemptAt: NOON },
    });
    expect(await deps.deliveries.find(id)).toMatchObject({ attemptsInCycle: 6, cycle: 1 });
    // The message is attempted even if the circuit is open.
    expect(sent).toMatchObject([
      { queue: "retries", message: { deliveryId: id, heldMs: 900_000 } },
    ]);
    const lease = { owner: "a", untilMs: deps.clock.realMs() + 75_000 };
    expect((await deps.deliveries.claim(id, lease)).kind).toBe("claimed");
  });

  test("the refusal to resend a delivery whose webhook was deleted says that a recovery sends it", async () => {
    const { call, haveDelivery } = await withHook();
    const cancelled = { status: "cancelled", reason: "webhook_deleted" } as const;
    const { deliveryId: id } = await haveDelivery({ eventId: "e:1", ...cancelled });
    await call("DELETE /v1/webhook");
    expect(await call(route, { params: { id } })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("recover") },
    });
  });

  test("a resend of a cancelled delivery is refused", async () => {
    const { call, haveDelivery } = await withHook();
    const { deliveryId: id } = await haveDelivery({ eventId: "e:1", status: "cancelled" });
    expect(await call(route, { params: { id } })).toMatchObject({
      status: 409,
      body: { code: "CONFLICT", detail: expect.stringContaining("cancelled") },
    });
  });

  test.each([
    ["disabled", ["PATCH"], /enable it with PATCH/],
    ["deleted", ["DELETE"], /recover/],
    ["replaced", ["DELETE", "PUT"], /recover/],
  ])(
    "the refusal of a resend states what to do if the webhook is %s",
    async (_name, methods, detail) => {
      const { call, haveDelivery, sent } = await withHook();
      const { deliveryId: id } = await haveDelivery({ eventId: "e:1", status: "failed" });
      const bodies: Record<string, object> = { PATCH: { status: "disabled" }, PUT: hook };
      for (const method of methods) await call(`${method} /v1/webhook`, { body: bodies[method] });
      expect(await call(route, { params: { id } })).toMatchObject({
        status: 409,
        body: { detail: expect.stringMatching(detail) },
      });
      expect(sent.filter(({ message }) => message.kind === "attempt")).toEqual([]);
    },
  );

  test("two concurrent resends are answered and start one cycle", async () => {
    const { call, haveDelivery } = await withHook();
    const { deliveryId: id } = await haveDelivery({ eventId: "e:1", status: "failed" });
    const both = await Promise.all([1, 2].map(() => call(route, { params: { id } })));
    expect(both.map(({ status, body }) => [status, body.cycle])).toEqual([
      [202, 2],
      [202, 2],
    ]);
  });

  test("a resend is accepted if its message is lost", async () => {
    const error = new Error("SQS");
    const deliveryQueue = { send: () => Promise.reject(error) };
    const { call, haveDelivery, dropped } = await withHook({ deliveryQueue });
    const { deliveryId: id } = await haveDelivery({ eventId: "e:1", status: "failed" });
    expect((await call(route, { params: { id } })).status).toBe(202);
    expect(dropped).toEqual([error]);
  });
});

describe("POST /v1/deliveries/recover", () => {
  const route = "POST /v1/deliveries/recover";
  const since = "2026-06-24T00:00:00.000Z";

  test("a recovery starts a job and shows its progress", async () => {
    const { call, sent, deps } = await withHook();
    const answer = await call(route, { body: { since } });
    const { recoveryId } = answer.body;
    expect(answer).toEqual({
      status: 202,
      body: {
        recoveryId: expect.stringMatching(/^job_/),
        status: "running",
        since,
        until: NOON,
        examined: 0,
        recovered: 0,
        skipped: 0,
        createdAt: NOON,
      },
    });
    expect(sent).toEqual([
      { queue: "retries", message: { v: 1, kind: "job", jobId: recoveryId, clientId: "cl_1" } },
    ]);
    const job = await deps.jobs.find(recoveryId);
    expect(job).toMatchObject({ kind: "recover", clientId: "cl_1" });
    if (job) {
      const done = { status: "done", examined: 3, changed: 2, skipped: 1 } as const;
      await deps.jobs.replace({ ...job, ...done, finishedMs: Date.parse(NOON) });
    }
    const params = { recoveryId };
    const progress = await call("GET /v1/deliveries/recover/{recoveryId}", { params });
    expect(progress).toMatchObject({
      status: 200,
      body: { status: "done", examined: 3, recovered: 2, skipped: 1, finishedAt: NOON },
    });
  });

  test("a client has one recovery at a time, whichever webhook it has", async () => {
    const { call, deps } = await withHook();
    const calls = await Promise.all([1, 2, 3].map(() => call(route, { body: { since } })));
    expect(calls.map(({ status }) => status).sort()).toEqual([202, 409, 409]);
    const recoveryId: string = calls.find(({ status }) => status === 202)?.body.recoveryId;
    await call("DELETE /v1/webhook");
    await call("PUT /v1/webhook", { body: hook });
    expect(await call(route, { body: { since } })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining(recoveryId) },
    });
    await call("PUT /v1/webhook", { body: hook, as: "cl_2" });
    expect((await call(route, { body: { since }, as: "cl_2" })).status).toBe(202);
    const job = await deps.jobs.find(recoveryId);
    if (job) await deps.jobs.replace({ ...job, status: "done" });
    expect((await call(route, { body: { since } })).status).toBe(202);
  });

  test("a recovery can be restricted to event types", async () => {
    const { call, lastJob } = await withHook();
    const eventTypes = ["workflow.*"];
    expect((await call(route, { body: { since, eventTypes } })).body).toMatchObject({ eventTypes });
    expect(await lastJob()).toMatchObject({ eventTypes });
  });

  test("a recovery accepts the end of the range", async () => {
    const { call } = await withHook();
    const until = "2026-06-24T12:00:00.000Z";
    expect((await call(route, { body: { since, until } })).body).toMatchObject({ since, until });
  });

  test.each([
    [{}, "since"],
    [{ since: "yesterday" }, "since"],
    [{ since: "2026-06-25T12:00:00.001Z" }, "since"],
    [{ since, until: "2026-06-23T00:00:00.000Z" }, "until"],
    [{ since, eventTypes: ["delivery.failed"] }, "eventTypes.0"],
    [{ since, other: 1 }, "other"],
  ])("a recovery with the body %j is refused", async (body, field) => {
    const { call } = await withHook();
    expect(await call(route, { body })).toMatchObject({
      status: 400,
      body: { errors: [{ field }] },
    });
  });

  test("a recovery requires an active webhook", async () => {
    const { call } = await withHook();
    expect((await call(route, { body: { since }, as: "cl_2" })).status).toBe(404);
    await call("PATCH /v1/webhook", { body: { status: "disabled" } });
    expect((await call(route, { body: { since } })).status).toBe(409);
    await call("DELETE /v1/webhook");
    expect((await call(route, { body: { since } })).status).toBe(404);
  });

  test("GET /v1/deliveries/recover/{recoveryId} does not show a recovery of another client, or a job of another kind", async () => {
    const { call, lastJob } = await withHook();
    const { recoveryId } = (await call(route, { body: { since } })).body;
    const read = (id: string, as: "cl_1" | "cl_2") =>
      call("GET /v1/deliveries/recover/{recoveryId}", { params: { recoveryId: id }, as });
    expect((await read(recoveryId, "cl_2")).status).toBe(404);
    await call("DELETE /v1/webhook");
    const end = await lastJob();
    expect(end?.kind).toBe("end");
    expect((await read(end?.jobId ?? "", "cl_1")).status).toBe(404);
    expect((await read(recoveryId, "cl_1")).status).toBe(200);
  });
});
