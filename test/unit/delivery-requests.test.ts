import { describe, expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { type DeliveriesDeps, makeDeliveries } from "../../shared/core/deliveries/deliveries.ts";
import type { DeliveryStore } from "../../shared/core/deliveries/state/ports.ts";
import type { DeliveryJob, DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { writeCursor } from "../../shared/core/input/cursor.ts";
import { attemptMessage } from "../support/fakes/attempt-worker.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { contested, testDeliveryRules as rules } from "../support/fakes/webhook-api.ts";
import { makeMemoryDeliveries } from "../support/memory/memory-deliveries.ts";
import { iso, ms, NOON_MS as nowMs } from "../support/noon.ts";
import {
  deliveryJob,
  deliveryRecord,
  webhookRecord,
} from "../support/payloads/delivery-records.ts";

const ids = { clientId: "cl_1", webhookId: "wh_1" };
const id = (digit: string) => `dl_${digit.repeat(32)}`;
const jobId = `job_${"ab".repeat(12)}`;
const disabled = {
  ...{ code: "CONFLICT", remedy: "enableWebhook" },
  message: "the webhook is disabled: enable it with PATCH /v1/webhook",
};

/** A client with a webhook, where the test does not say `null`. */
async function setUp(
  webhook: Partial<WebhookItem> | null = {},
  more: (memory: ReturnType<typeof makeMemoryDeliveries>) => Partial<DeliveriesDeps> = () => ({}),
) {
  const clock = makeTestClock();
  const memory = makeMemoryDeliveries({ clock });
  const steps: unknown[] = [];
  const given = more(memory);
  const jobs = given.jobs ?? memory.jobs;
  const webhooks = given.webhooks ?? memory.webhooks;
  if (webhook) await memory.webhooks.replace(webhookRecord({ ...ids, ...webhook, version: 0 }));
  const deliveries = makeDeliveries({
    deliveries: memory.deliveries,
    deliveryQueue: {
      async send(queue, messages) {
        steps.push(["send", queue, ...messages.map(({ message }) => message)]);
      },
    },
    context: () => ({ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), speed: 1, rules }),
    randomHex: (bytes) => "ab".repeat(bytes),
    onNonFatalError: () => undefined,
    ...given,
    jobs: {
      ...jobs,
      async create(job) {
        steps.push(["create job", job.status]);
        await jobs.create(job);
      },
      async replace(job) {
        steps.push(["replace job", job.status]);
        return jobs.replace(job);
      },
    },
    webhooks: {
      ...webhooks,
      async replace(next) {
        steps.push(["replace webhook", next.recoveryId]);
        return webhooks.replace(next);
      },
    },
  });
  /** Stores a delivery to the client's webhook. */
  async function have(of: Partial<DeliveryRecord> = {}): Promise<string> {
    const deliveryId = id("1");
    await memory.deliveries.create(deliveryRecord({ deliveryId, ...ids, ...of }));
    return deliveryId;
  }
  return { ...deliveries, clock, have, memory, steps };
}

describe("A delivery that is asked for", () => {
  test.each([
    ["of another client", "cl_2", id("1")],
    ["that is not known", "cl_1", id("2")],
  ])("One %s is not found", async (_, clientId, deliveryId) => {
    const { get, have, resend } = await setUp();
    await have();
    const notFound = { code: "NOT_FOUND", message: "there is no such delivery" };
    await expect(get(clientId, deliveryId)).rejects.toMatchObject(notFound);
    await expect(resend(clientId, deliveryId)).rejects.toMatchObject(notFound);
  });

  test("One of the client is shown with the texts of its answers", async () => {
    const { get, have } = await setUp();
    const attempt = { cycle: 1, attemptNumber: 1, atMs: nowMs, durationMs: 5, bodyStart: "oops" };
    const view = await get("cl_1", await have({ attemptHistory: [attempt] }));
    expect(view).toMatchObject({ id: id("1"), attempts: [{ n: 1, bodyStart: "oops" }] });
  });
});

describe("The list of a client's deliveries", () => {
  /** A store that notes what is asked for. */
  async function setUpList(page: Awaited<ReturnType<DeliveryStore["list"]>>) {
    const asked: unknown[] = [];
    const made = await setUp({}, ({ deliveries }) => ({
      deliveries: {
        ...deliveries,
        async list(of) {
          asked.push(of);
          return page;
        },
      },
    }));
    return { ...made, asked };
  }

  const scope = { list: "deliveries", clientId: "cl_1" } as const;
  const place = (time: string, deliveryId = id("a")) => `${time}#${deliveryId}`;

  test("Its filters are those of the query, its times in milliseconds, and its cursor a place", async () => {
    const { asked, list } = await setUpList({ deliveries: [] });
    const before = place(iso(1));
    const query = { eventId: "e:1", webhookId: "wh_1", limit: 7 };
    const answer = await list("cl_1", {
      ...{ ...query, status: "failed", eventType: "workflow.*", since: iso(2), until: iso(3) },
      cursor: writeCursor(scope, before),
    });
    expect(answer).toStrictEqual({ items: [] });
    expect(asked).toStrictEqual([
      {
        ...{ ...query, clientId: "cl_1", before, statuses: ["failed"] },
        ...{ eventTypes: ["workflow.*"], sinceMs: ms(2), untilMs: ms(3) },
      },
    ]);
  });

  test("Without filters it is of all deliveries, without the texts of their answers", async () => {
    const attempt = { cycle: 1, attemptNumber: 1, atMs: nowMs, durationMs: 5, bodyStart: "oops" };
    const delivery = deliveryRecord({ deliveryId: id("1"), attemptHistory: [attempt] });
    const { asked, list } = await setUpList({ deliveries: [delivery], before: place(iso(1)) });
    const { items, nextCursor } = await list("cl_1", { limit: 7 });
    expect(items).toMatchObject([{ id: id("1"), attempts: [{ n: 1, durationMs: 5 }] }]);
    expect(items[0]?.attempts[0]).not.toHaveProperty("bodyStart");
    expect(nextCursor).toBe(writeCursor(scope, place(iso(1))));
    expect(asked).toEqual([{ clientId: "cl_1", limit: 7 }]);
  });

  test.each([
    ["without a time", place("")],
    ["with a time of 33 characters", place("x".repeat(33))],
    ["with a # in its time", place("1#2")],
    ["with an id of 31 digits", place("1", `dl_${"a".repeat(31)}`)],
    ["with an id of 33 digits", place("1", `dl_${"a".repeat(33)}`)],
    ["with an id in capitals", place("1", id("A"))],
    ["with another kind of id", place("1", `job_${"a".repeat(32)}`)],
    ["without an id", "1"],
  ])("A cursor that was made up, %s, is refused", async (_, made) => {
    const { asked, list } = await setUpList({ deliveries: [] });
    const listing = list("cl_1", { limit: 7, cursor: writeCursor(scope, made) });
    const message = "must be the nextCursor of an earlier page of this list";
    await expect(listing).rejects.toMatchObject({
      ...{ code: "REQUEST_INVALID", errors: [{ field: "cursor", message }] },
    });
    expect(asked).toStrictEqual([]);
  });

  test("A time of up to 32 characters is that of a place", async () => {
    const { asked, list } = await setUpList({ deliveries: [] });
    for (const before of [place("x"), place("x".repeat(32))]) {
      await list("cl_1", { limit: 7, cursor: writeCursor(scope, before) });
      expect(asked.pop()).toMatchObject({ before });
    }
  });

  test("The newest ones are those of a list without filters, as they are stored", async () => {
    const deliveries = [deliveryRecord()];
    const { asked, newest } = await setUpList({ deliveries, before: place(iso(1)) });
    expect(await newest("cl_1", 3)).toBe(deliveries);
    expect(asked).toStrictEqual([{ clientId: "cl_1", limit: 3 }]);
  });
});

describe("A delivery that is sent again", () => {
  test("One that is being attempted is returned as it is, whatever its webhook is", async () => {
    const { have, resend, steps } = await setUp({ status: "disabled" });
    const deliveryId = await have({ status: "delivering" });
    expect(await resend("cl_1", deliveryId)).toMatchObject({ status: "delivering", cycle: 1 });
    expect(steps).toStrictEqual([]);
  });

  test("One that was cancelled as its webhook was deleted is sent where that one is active", async () => {
    const { have, resend, steps } = await setUp();
    const deliveryId = await have({ status: "cancelled", reason: "webhook_deleted" });
    expect(await resend("cl_1", deliveryId)).toMatchObject({ status: "waiting", cycle: 2 });
    const message = { ...attemptMessage(deliveryId), heldMs: 900_000 };
    expect(steps).toStrictEqual([["send", "retries", message]]);
  });

  const recover = "POST /v1/deliveries/recover sends what was not delivered to the current webhook";
  const deleted = {
    ...{ code: "CONFLICT", remedy: "recoverDeliveries" },
    message: `the webhook of this delivery was deleted: ${recover}`,
  };

  test.each<[string, Partial<DeliveryRecord>, Partial<WebhookItem> | null, object]>([
    [
      "that was cancelled with its request",
      { status: "cancelled", reason: "request_cancelled" },
      {},
      { code: "CONFLICT", message: "the delivery was cancelled and is not sent again" },
    ],
    ["of a client without a webhook", { status: "failed" }, null, deleted],
    ["of another webhook", { status: "failed", webhookId: "wh_0" }, {}, deleted],
    ["of a webhook that was deleted", { status: "failed" }, { status: "deleted" }, deleted],
    ["of a webhook that is disabled", { status: "failed" }, { status: "disabled" }, disabled],
    ["that waits for a disabled webhook", {}, { status: "disabled" }, disabled],
  ])("One %s is refused with what to do", async (_, of, webhook, refusal) => {
    const { have, memory, resend, steps } = await setUp(webhook);
    const deliveryId = await have(of);
    const before = await memory.deliveries.find(deliveryId);
    await expect(resend("cl_1", deliveryId)).rejects.toMatchObject(refusal);
    expect(await memory.deliveries.find(deliveryId)).toStrictEqual(before);
    expect(steps).toStrictEqual([]);
  });

  test.each([
    [4, true],
    [5, false],
  ])("One that %i other writers change first is sent again: %s", async (conflicts, isSent) => {
    let left = conflicts;
    const { have, resend, steps } = await setUp({}, ({ deliveries }) => ({
      deliveries: {
        ...deliveries,
        replace: async (next) => (left-- > 0 ? undefined : deliveries.replace(next)),
      },
    }));
    const resending = resend("cl_1", await have({ status: "failed" }));
    if (isSent) {
      expect(await resending).toMatchObject({ status: "waiting", cycle: 2 });
      expect(steps).toHaveLength(1);
      return;
    }
    await expect(resending).rejects.toMatchObject({
      ...{ code: "CONFLICT", remedy: undefined },
      message: "the delivery was changed meanwhile: read it and try again",
    });
    expect(steps).toStrictEqual([]);
  });
});

describe("A recovery", () => {
  const since = iso(-60);

  test("Its job is stored before its webhook names it, and its message is sent after that", async () => {
    const { memory, recover, steps } = await setUp();
    const eventTypes = ["workflow.*" as const];
    expect(await recover("cl_1", { since, until: iso(-1), eventTypes })).toStrictEqual({
      ...{ recoveryId: jobId, status: "running", since, until: iso(-1), eventTypes },
      ...{ examined: 0, recovered: 0, skipped: 0, createdAt: iso(0), finishedAt: undefined },
    });
    expect(steps).toStrictEqual([
      ["create job", "running"],
      ["replace webhook", jobId],
      ["send", "retries", { v: 1, kind: "job", jobId, clientId: "cl_1" }],
    ]);
    const range = { sinceMs: ms(-60), untilMs: ms(-1), eventTypes };
    expect(await memory.jobs.find(jobId)).toMatchObject({ kind: "recover", ...range });
  });

  test("It is of the time until now, and may begin now, but not later", async () => {
    const { memory, recover, steps } = await setUp();
    const future = {
      ...{ code: "REQUEST_INVALID" },
      errors: [{ field: "since", message: "must not be in the future" }],
    };
    const later = new Date(nowMs + 1).toISOString();
    await expect(recover("cl_1", { since: later })).rejects.toMatchObject(future);
    expect(steps).toStrictEqual([]);
    await recover("cl_1", { since: iso(0) });
    expect(await memory.jobs.find(jobId)).toMatchObject({ sinceMs: nowMs, untilMs: nowMs });
  });

  const none = {
    ...{ code: "NOT_FOUND", remedy: "registerWebhook" },
    message: "there is no webhook: register one with PUT /v1/webhook",
  };

  test.each<[string, Partial<WebhookItem> | null, object]>([
    ["without a webhook", null, none],
    ["whose webhook was deleted", { status: "deleted" }, none],
    ["whose webhook is disabled", { status: "disabled" }, disabled],
  ])("One of a client %s is refused with what to do", async (_, webhook, refusal) => {
    const { recover, steps } = await setUp(webhook);
    await expect(recover("cl_1", { since })).rejects.toMatchObject(refusal);
    expect(steps).toStrictEqual([]);
  });

  test("It is refused while another one is running, which the refusal names", async () => {
    const { memory, recover, steps } = await setUp({ recoveryId: "job_9" });
    await memory.jobs.create(deliveryJob({ jobId: "job_9", clientId: "cl_1" }));
    const how = "GET /v1/recoveries/job_9 returns its progress";
    await expect(recover("cl_1", { since })).rejects.toMatchObject({
      ...{ code: "CONFLICT", remedy: "awaitRecovery" },
      message: `the recovery job_9 is still running: ${how}`,
    });
    expect(steps).toStrictEqual([]);
  });

  test.each<[string, "done" | undefined]>([
    ["is done", "done"],
    ["has expired", undefined],
  ])("It is started after one that %s", async (_, status) => {
    const { memory, recover } = await setUp({ recoveryId: "job_9" });
    if (status) await memory.jobs.create(deliveryJob({ jobId: "job_9", status }));
    expect(await recover("cl_1", { since })).toMatchObject({ recoveryId: jobId });
  });

  test("It is started where four other writers change the webhook first, and not where five do", async () => {
    const whereFirst = (conflicts: number) =>
      setUp({}, ({ webhooks }) => ({ webhooks: contested(webhooks, conflicts) }));
    const patient = await whereFirst(4);
    expect(await patient.recover("cl_1", { since })).toMatchObject({ status: "running" });
    const { memory, recover, steps } = await whereFirst(5);
    await expect(recover("cl_1", { since })).rejects.toMatchObject({
      ...{ code: "CONFLICT", message: "the webhook was changed meanwhile: try again" },
    });
    expect(steps.at(0)).toStrictEqual(["create job", "running"]);
    expect(steps.at(-1)).toStrictEqual(["replace job", "done"]);
    const done = { status: "done", finishedMs: nowMs, sweepAtRealMs: undefined };
    expect(await memory.jobs.find(jobId)).toMatchObject(done);
  });

  test("Where the webhook is deleted at that moment, its job is ended and the reason is told", async () => {
    let finds = 0;
    const { memory, recover, steps } = await setUp({}, ({ webhooks }) => ({
      webhooks: {
        ...webhooks,
        async find(clientId) {
          const found = await webhooks.find(clientId);
          return ++finds > 1 && found ? { ...found, status: "deleted" } : found;
        },
      },
    }));
    await expect(recover("cl_1", { since })).rejects.toMatchObject(none);
    const expected = [
      ["create job", "running"],
      ["replace job", "done"],
    ];
    expect(steps).toStrictEqual(expected);
    expect((await memory.jobs.find(jobId))?.status).toBe("done");
  });

  test("Where another one begins at that moment, it is refused, and its job is ended", async () => {
    let finds = 0;
    const { memory, recover, steps } = await setUp({}, ({ webhooks }) => ({
      webhooks: {
        ...webhooks,
        async find(clientId) {
          const found = await webhooks.find(clientId);
          return ++finds > 1 && found ? { ...found, recoveryId: "job_9" } : found;
        },
      },
    }));
    await memory.jobs.create(deliveryJob({ jobId: "job_9", clientId: "cl_1" }));
    const refusal = { code: "CONFLICT", remedy: "awaitRecovery" };
    await expect(recover("cl_1", { since })).rejects.toMatchObject(refusal);
    expect(steps.at(-1)).toStrictEqual(["replace job", "done"]);
  });

  test("An error of the table that names it is passed on, and its job is ended", async () => {
    const down = new Failure("DEPENDENCY_DOWN", "no table");
    const { memory, recover } = await setUp({}, ({ webhooks }) => ({
      webhooks: { ...webhooks, replace: () => Promise.reject(down) },
    }));
    await expect(recover("cl_1", { since })).rejects.toBe(down);
    expect((await memory.jobs.find(jobId))?.status).toBe("done");
  });

  test.each<[string, Partial<DeliveryJob>, string]>([
    ["that is not known", {}, "job_8"],
    ["of another client", { clientId: "cl_2" }, "job_9"],
    ["that ends deliveries", { kind: "end" }, "job_9"],
  ])("A job %s is no recovery of the client", async (_, of, asked) => {
    const { getRecovery, memory } = await setUp();
    await memory.jobs.create(deliveryJob({ jobId: "job_9", clientId: "cl_1", ...of }));
    await expect(getRecovery("cl_1", asked)).rejects.toMatchObject({
      ...{ code: "NOT_FOUND", message: "there is no such recovery" },
    });
  });

  test("A recovery of the client is shown", async () => {
    const { getRecovery, memory } = await setUp();
    await memory.jobs.create(deliveryJob({ jobId: "job_9", clientId: "cl_1", changed: 2 }));
    expect(await getRecovery("cl_1", "job_9")).toMatchObject({ recoveryId: "job_9", recovered: 2 });
  });
});
