import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { DeliveryMessage } from "../../shared/contracts/messages/delivery.ts";
import { makeRunBulkJob, type RunBulkJobDeps } from "../../shared/core/deliveries/run-bulk-job.ts";
import type { DeliveryStore } from "../../shared/core/deliveries/state/ports.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { testDeliveryRules, testMasterKeys } from "../support/fakes/webhook-api.ts";
import { makeMemoryDeliveries } from "../support/memory/memory-deliveries.ts";
import {
  deliveryJob,
  deliveryRecord,
  webhookRecord,
} from "../support/payloads/delivery-records.ts";

const of = { clientId: "cl_1", webhookId: "wh_1" };
const ids = ["dl_1", "dl_2", "dl_3"];

/** A recovery of three failed deliveries. @param change what happens to the store's calls */
async function setUp(change: (store: DeliveryStore) => Partial<DeliveryStore> = () => ({})) {
  const clock = makeTestClock();
  const memory = makeMemoryDeliveries({ clock });
  const sent: DeliveryMessage[] = [];
  await memory.webhooks.replace(webhookRecord({ ...of, secrets: [] }));
  const nowMs = clock.businessMs();
  for (const deliveryId of ids) {
    const failed = { status: "failed", reason: "attempts_used", attemptsInCycle: 8 } as const;
    await memory.deliveries.create(
      deliveryRecord({ ...of, deliveryId, ...failed, createdMs: nowMs - 1_000, endedMs: nowMs }),
    );
  }
  await memory.jobs.create(
    deliveryJob({ jobId: "job_1", clientId: "cl_1", sinceMs: 0, untilMs: nowMs }),
  );
  const run = makeRunBulkJob({
    ...memory,
    deliveries: { ...memory.deliveries, ...change(memory.deliveries) },
    deliveryQueue: {
      send: async (_queue, messages) => void sent.push(...messages.map(({ message }) => message)),
    },
    publishDeliveryFailed: async () => ({ published: 0, failures: [] }),
    publishEvent: async () => undefined,
    findEvent: async () => undefined,
    masterKeys: async () => testMasterKeys,
    context: () => ({
      ...{ nowMs: clock.businessMs(), nowRealMs: clock.realMs() },
      ...{ speed: 1, rules: testDeliveryRules },
    }),
    onWebhookDisabled: () => undefined,
    onNonFatalError: () => undefined,
  } satisfies RunBulkJobDeps);
  const namesOf = (messages: readonly DeliveryMessage[]) =>
    messages.map((message) => ("deliveryId" in message ? message.deliveryId : "")).sort();
  return {
    ...memory,
    run: () => run("job_1", () => 60_000),
    sent: () => namesOf(sent.splice(0)),
    statuses: () => Promise.all(ids.map(async (id) => (await memory.deliveries.find(id))?.status)),
  };
}

test("A recovery sends the next attempt of each failed delivery, and is done", async () => {
  const { run, sent, statuses, jobs } = await setUp();
  await run();
  expect(sent()).toEqual(ids);
  expect(await statuses()).toEqual(["waiting", "waiting", "waiting"]);
  expect(await jobs.find("job_1")).toMatchObject({
    ...{ status: "done", examined: 3, changed: 3, skipped: 0 },
  });
});

test("A delivery that cannot be written holds up no other one, and the page is processed again", async () => {
  let isDown = true;
  const { run, sent, statuses, jobs } = await setUp((store) => ({
    replace: (next: DeliveryRecord) =>
      isDown && next.deliveryId === "dl_2"
        ? Promise.reject(new Failure("DEPENDENCY_DOWN", "the item is too large"))
        : store.replace(next),
  }));
  await expect(run()).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  expect(sent()).toEqual(["dl_1", "dl_3"]);
  expect(await statuses()).toEqual(["waiting", "failed", "waiting"]);
  expect((await jobs.find("job_1"))?.status).toBe("running");
  isDown = false;
  await run();
  expect(sent()).toContain("dl_2");
  expect(await jobs.find("job_1")).toMatchObject({ status: "done" });
});

test("A delivery that another writer changes meanwhile is recovered all the same", async () => {
  let isChanged = false;
  const { run, sent, jobs } = await setUp((store) => ({
    async replace(next: DeliveryRecord) {
      if (next.deliveryId === "dl_2" && !isChanged) {
        isChanged = true;
        const stored = await store.find("dl_2");
        // The record that its failure is published.
        if (stored) await store.replace({ ...stored, unpublishedFailures: [] });
      }
      return store.replace(next);
    },
  }));
  await run();
  expect(sent()).toEqual(ids);
  expect(await jobs.find("job_1")).toMatchObject({ changed: 3, skipped: 0 });
});

test("A delivery that was delivered meanwhile is not sent again", async () => {
  let isChanged = false;
  const { run, sent, statuses, jobs } = await setUp((store) => ({
    async replace(next: DeliveryRecord) {
      if (next.deliveryId === "dl_2" && !isChanged) {
        isChanged = true;
        const stored = await store.find("dl_2");
        if (stored) await store.replace({ ...stored, status: "delivered", reason: undefined });
      }
      return store.replace(next);
    },
  }));
  await run();
  expect(sent()).toEqual(["dl_1", "dl_3"]);
  expect(await statuses()).toEqual(["waiting", "delivered", "waiting"]);
  expect(await jobs.find("job_1")).toMatchObject({ changed: 2, skipped: 1 });
});
