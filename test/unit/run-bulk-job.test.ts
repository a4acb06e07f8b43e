import { describe, expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import { makeRunBulkJob, type RunBulkJobDeps } from "../../shared/core/deliveries/run-bulk-job.ts";
import type { DeliveryContext } from "../../shared/core/deliveries/state/delivery-context.ts";
import type { DeliveryStore } from "../../shared/core/deliveries/state/ports.ts";
import type { DeliveryJob, DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { testDeliveryRules as rules, testMasterKeys } from "../support/fakes/webhook-api.ts";
import { makeMemoryDeliveries } from "../support/memory/memory-deliveries.ts";
import {
  deliveryJob,
  deliveryRecord,
  webhookRecord,
} from "../support/payloads/delivery-records.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const nowMs = Date.parse(NOON);
const REAL_AHEAD_MS = 5_000;
const ids = { clientId: "cl_1", webhookId: "wh_1" };
const active = webhookRecord({ ...ids, secrets: [{ version: 1, masterKeyId: "k2" }] });
const disabled: WebhookItem = {
  ...active,
  ...{ status: "disabled", disabledReason: "disabled_by_client", disabledAt: NOON },
};
const recovery = deliveryJob({ ...ids, jobId: "job_1", sinceMs: 0, untilMs: nowMs });
const end: DeliveryJob = { ...recovery, kind: "end" };

interface Given {
  webhook?: WebhookItem;
  /** Those of the client, newest first. */
  deliveries?: Partial<DeliveryRecord>[];
  /** Events that are still stored. */
  events?: Record<string, { clientId: string; envelope: string }>;
  /** The queue takes no message. */
  isDown?: boolean;
  /** What replaces calls of the store of the deliveries. */
  changed?: (store: DeliveryStore) => Partial<DeliveryStore>;
}

async function setUp({ webhook, deliveries = [], events = {}, ...given }: Given = {}) {
  const clock = makeTestClock();
  clock.passReal(REAL_AHEAD_MS);
  const memory = makeMemoryDeliveries({ clock });
  const calls: unknown[][] = [];
  const errors: unknown[] = [];
  if (webhook) await memory.webhooks.replace({ ...webhook, version: 0 });
  for (const [n, of] of deliveries.entries()) {
    const own = { ...ids, deliveryId: `dl_${n}`, createdMs: nowMs - n };
    await memory.deliveries.create(deliveryRecord({ ...own, ...of }));
  }
  const deps = {
    ...memory,
    deliveries: { ...memory.deliveries, ...given.changed?.(memory.deliveries) },
    deliveryQueue: {
      async send(queue: string, messages: readonly { message: object }[]) {
        calls.push(["send", queue, messages.map(({ message }) => message)]);
        if (given.isDown) throw new Error("no queue");
      },
    },
    async publishDeliveryFailed(failed: readonly DeliveryRecord[]) {
      calls.push(["failed", failed.map(({ deliveryId }) => deliveryId)]);
      return { published: failed.length, failures: [] };
    },
    publishEvent: async (event: FinalEvent) => void calls.push(["event", event]),
    findEvent: async (id: string) => events[id],
    masterKeys: async () => testMasterKeys,
    context: (): DeliveryContext => ({
      ...{ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), speed: 1, rules },
    }),
    onWebhookDisabled: () => calls.push(["disabled"]),
    onNonFatalError: (error: unknown) => errors.push(error),
  };
  const run = makeRunBulkJob(deps as unknown as RunBulkJobDeps);
  /** @returns the job as it is stored then */
  async function start(job: DeliveryJob, leftMs: () => number = () => 15_001) {
    await memory.jobs.create(job);
    await run(job.jobId, leftMs);
    return memory.jobs.find(job.jobId);
  }
  const named = (name: string) =>
    calls.filter(([one]) => one === name).map((call) => call.slice(1));
  const find = (deliveryId: string) => memory.deliveries.find(deliveryId);
  return { calls, deps, errors, find, named, run, start };
}

const done = (examined: number, changed: number) => ({
  ...{ status: "done", examined, changed, skipped: examined - changed },
  ...{ finishedMs: nowMs, sweepAtRealMs: undefined },
});
const messageOf = (deliveryId: string) => ({ v: 1, kind: "attempt", deliveryId, ...ids });

describe("A recovery", () => {
  test("Failed deliveries start their next cycle, and waiting ones are attempted at once", async () => {
    const { find, named, start } = await setUp({
      webhook: active,
      deliveries: [
        { status: "failed", reason: "gone", nextMs: undefined },
        { nextMs: nowMs + 5, attemptsInCycle: 3 },
        { status: "delivered" },
        { status: "cancelled", reason: "request_cancelled" },
        { status: "cancelled", reason: "webhook_deleted" },
      ],
    });
    expect(await start(recovery)).toMatchObject(done(3, 3));
    expect(await find("dl_0")).toMatchObject({ status: "waiting", cycle: 2, nextMs: nowMs });
    expect(await find("dl_1")).toMatchObject({ cycle: 1, nextMs: nowMs, attemptsInCycle: 3 });
    expect(await find("dl_2")).toMatchObject({ status: "delivered", version: 1 });
    expect(await find("dl_3")).toMatchObject({ status: "cancelled", version: 1 });
    const messages = ["dl_0", "dl_1", "dl_4"].map(messageOf);
    expect(named("send")).toStrictEqual([["retries", messages]]);
    expect([...named("failed"), ...named("event")]).toEqual([[[]]]);
  });

  test.each<[string, Given]>([
    ["the webhook is disabled", { webhook: disabled }],
    ["the client has none", {}],
  ])("Where %s, everything is skipped", async (_, given) => {
    const { named, start } = await setUp({ ...given, deliveries: [{ status: "failed" }] });
    expect(await start(recovery)).toMatchObject(done(1, 0));
    expect(named("send")).toEqual([]);
  });

  test("Messages that cannot be sent fail nothing, because the sweep sends them", async () => {
    const { errors, start } = await setUp({ webhook: active, deliveries: [{}], isDown: true });
    expect(await start(recovery)).toMatchObject(done(1, 1));
    expect(errors).toEqual([new Error("no queue")]);
  });

  const webhook = { ...active, webhookId: "wh_2" };
  const eventId = "workflow.created:rq_1";
  const envelope = '{"id":"workflow.created:rq_1","data":{}}';
  const events = { [eventId]: { clientId: "cl_1", envelope } };
  const failed: Partial<DeliveryRecord> = { eventId, status: "failed", requestId: "rq_1" };

  test("A delivery to an earlier webhook is created for the current one, with the stored event", async () => {
    const created = deliveryIdOf("wh_2", eventId);
    const { find, named, start } = await setUp({ webhook, events, deliveries: [failed] });
    expect(await start(recovery)).toMatchObject(done(1, 1));
    expect(await find(created)).toMatchObject({
      ...{ webhookId: "wh_2", requestId: "rq_1", status: "waiting", cycle: 1 },
      body: { inline: envelope },
    });
    expect(await find("dl_0")).toMatchObject({ status: "failed", version: 1 });
    const message = { ...messageOf(created), webhookId: "wh_2", requestId: "rq_1" };
    expect(named("send")).toStrictEqual([["retries", [message]]]);
  });

  const foreign = { [eventId]: { clientId: "cl_2", envelope } };
  const subscribed: WebhookItem = { ...webhook, eventTypes: ["message.reply"] };
  const sent: Partial<DeliveryRecord> = {
    ...{ deliveryId: deliveryIdOf("wh_2", eventId), webhookId: "wh_2", status: "delivered" },
  };
  test.each<[string, Given]>([
    ["whose event has expired", { deliveries: [failed] }],
    ["whose event is another client's", { events: foreign, deliveries: [failed] }],
    ["of a type that is not subscribed", { events, webhook: subscribed, deliveries: [failed] }],
    ["that was sent to the current one before", { events, deliveries: [failed, sent] }],
    [
      "of a type that no webhook gets",
      { events, deliveries: [{ ...failed, eventType: "delivery.failed" }] },
    ],
  ])("A delivery to an earlier webhook %s is skipped", async (_, given) => {
    const { named, start } = await setUp({ webhook, ...given });
    expect(await start(recovery)).toMatchObject(done(1, 0));
    expect(named("send")).toEqual([]);
  });
});

describe("A recovery beside other writers", () => {
  const failed = { status: "failed", reason: "attempts_used", attemptsInCycle: 8 } as const;
  const given = { webhook: active, deliveries: [failed, failed, failed] };
  const sentOf = (sends: unknown[][]) =>
    sends
      .flatMap(([, messages]) => messages as { deliveryId: string }[])
      .map(({ deliveryId }) => deliveryId)
      .sort();
  /** Another writer that changes `dl_1` just before the first write of it. */
  const otherWriter = (change: Partial<DeliveryRecord>) => (store: DeliveryStore) => {
    let isChanged = false;
    return {
      async replace(next: DeliveryRecord) {
        const stored = await store.find(next.deliveryId);
        if (stored && next.deliveryId === "dl_1" && !isChanged) {
          isChanged = true;
          await store.replace({ ...stored, ...change });
        }
        return store.replace(next);
      },
    };
  };

  test("A delivery that cannot be written holds up no other one, and the page is processed again", async () => {
    let isTooLarge = true;
    const { deps, find, named, run, start } = await setUp({
      ...given,
      changed: (store) => ({
        replace: (next) =>
          isTooLarge && next.deliveryId === "dl_1"
            ? Promise.reject(new Failure("DEPENDENCY_DOWN", "the item is too large"))
            : store.replace(next),
      }),
    });
    await expect(start(recovery)).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
    expect(sentOf(named("send"))).toEqual(["dl_0", "dl_2"]);
    expect(await find("dl_0")).toMatchObject({ status: "waiting" });
    expect(await find("dl_1")).toMatchObject({ status: "failed" });
    expect(await deps.jobs.find("job_1")).toMatchObject({ status: "running", examined: 0 });
    isTooLarge = false;
    await run("job_1", () => 15_001);
    expect(sentOf(named("send").slice(1))).toContain("dl_1");
    expect(await deps.jobs.find("job_1")).toMatchObject({ status: "done" });
  });

  test("A delivery that another writer changes meanwhile is recovered all the same", async () => {
    // The other one records that its failure is published.
    const changed = otherWriter({ unpublishedFailures: [] });
    const { named, start } = await setUp({ ...given, changed });
    expect(await start(recovery)).toMatchObject(done(3, 3));
    expect(sentOf(named("send"))).toEqual(["dl_0", "dl_1", "dl_2"]);
  });

  test("A delivery that was delivered meanwhile is not sent again", async () => {
    const changed = otherWriter({ status: "delivered", reason: undefined });
    const { find, named, start } = await setUp({ ...given, changed });
    expect(await start(recovery)).toMatchObject(done(3, 2));
    expect(sentOf(named("send"))).toEqual(["dl_0", "dl_2"]);
    expect(await find("dl_1")).toMatchObject({ status: "delivered" });
  });
});

describe("The end of a webhook's waiting deliveries", () => {
  /** The event of a webhook that was disabled at noon. */
  const eventWith = (reason: string): FinalEvent => {
    const [id, type] = [`webhook.disabled:wh_1:${nowMs}`, "webhook.disabled" as const];
    const data = { webhookId: "wh_1", reason };
    const envelope = JSON.stringify({ id, type, createdAt: NOON, data });
    return { id, type, clientId: "cl_1", envelope };
  };

  test("Of a disabled webhook they fail, after its event is published", async () => {
    const deliveries = [{}, { webhookId: "wh_2" }, { status: "failed" as const }];
    const { calls, find, start } = await setUp({ webhook: disabled, deliveries });
    expect(await start(end)).toMatchObject(done(2, 1));
    expect(await find("dl_0")).toMatchObject({ status: "failed", reason: "disabled" });
    expect(await find("dl_1")).toMatchObject({ status: "waiting", version: 1 });
    expect(calls).toStrictEqual([
      ["event", eventWith("disabled_by_client")],
      ["failed", ["dl_0"]],
    ]);
  });

  test.each([
    ["that answered 410 is counted", "endpoint_answered_410", [[]]],
    ["that was disabled for no known reason is not", undefined, []],
  ])("An endpoint %s", async (_, disabledReason, counted) => {
    const { named, start } = await setUp({ webhook: { ...disabled, disabledReason } });
    await start(end);
    expect(named("disabled")).toEqual(counted);
    expect(named("event")).toStrictEqual([[eventWith(disabledReason ?? "unknown")]]);
  });

  test.each<[string, WebhookItem, DeliveryJob]>([
    ["once the first page is done", disabled, { ...end, before: "2027" }],
    ["where it is not known when it was disabled", { ...disabled, disabledAt: undefined }, end],
    ["where it was deleted", { ...active, status: "deleted" }, end],
  ])("No event is published %s", async (_, webhook, job) => {
    const { named, start } = await setUp({ webhook, deliveries: [{}] });
    expect(await start(job)).toMatchObject(done(1, 1));
    expect(named("event")).toEqual([]);
  });

  test("Of a webhook that is not known any more they are cancelled", async () => {
    const { find, named, start } = await setUp({ deliveries: [{}] });
    expect(await start(end)).toMatchObject(done(1, 1));
    expect(await find("dl_0")).toMatchObject({ status: "cancelled", reason: "webhook_deleted" });
    expect(named("failed")).toEqual([[[]]]);
  });

  test("Of a webhook that is active again none ends", async () => {
    const { calls, find, start } = await setUp({ webhook: active, deliveries: [{}] });
    expect(await start(end)).toMatchObject(done(0, 0));
    expect(await find("dl_0")).toMatchObject({ status: "waiting", version: 1 });
    expect(calls).toEqual([]);
  });
});

describe("The pages of a job", () => {
  const deliveries = Array.from({ length: 101 }, () => ({}));
  const restart = { v: 1, kind: "job", jobId: "job_1", clientId: "cl_1" };

  test("A hundred deliveries are a page, and the next one follows it", async () => {
    const { named, start } = await setUp({ webhook: active, deliveries });
    expect(await start(recovery)).toMatchObject(done(101, 101));
    const counts = named("send").map(([, messages]) => (messages as unknown[]).length);
    expect(counts).toEqual([100, 1]);
  });

  test("When the time is over, its progress is saved, and a message goes on with it", async () => {
    let calls = 0;
    const { named, start } = await setUp({ webhook: active, deliveries });
    expect(await start(recovery, () => (calls++ === 0 ? 15_001 : 15_000))).toMatchObject({
      ...{ status: "running", examined: 100, changed: 100, skipped: 0, version: 2 },
      sweepAtRealMs: nowMs + REAL_AHEAD_MS + rules.outboxGraceMs,
      before: expect.stringContaining("#dl_99"),
    });
    expect(named("send").at(-1)).toStrictEqual(["retries", [restart]]);
  });

  test("A job that has ended, or that there is not, does nothing", async () => {
    const { calls, run, start } = await setUp({ webhook: active, deliveries });
    await start({ ...recovery, status: "done" });
    await run("job_9", () => 60_000);
    expect(calls).toEqual([]);
  });

  test("A worker whose progress another one has saved stops", async () => {
    const { deps, named } = await setUp({ webhook: active, deliveries });
    const jobs = { find: async () => recovery, replace: async () => undefined };
    await makeRunBulkJob({ ...deps, jobs } as unknown as RunBulkJobDeps)("job_1", () => 60_000);
    expect(named("send")).toHaveLength(1);
    expect(named("send")[0]?.[1]).toHaveLength(100);
  });
});
