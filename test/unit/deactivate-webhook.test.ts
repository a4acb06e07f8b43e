import { expect, test } from "vitest";
import type { DeliveryMessage } from "../../shared/contracts/messages/delivery.ts";
import type { WebhookStore } from "../../shared/core/deliveries/state/ports.ts";
import { makeDeactivateWebhook } from "../../shared/core/deliveries/webhooks/deactivate-webhook.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { testDeliveryRules } from "../support/fakes/webhook-api.ts";
import { makeMemoryDeliveries } from "../support/memory/memory-deliveries.ts";
import { webhookRecord } from "../support/payloads/delivery-records.ts";

const reason = "endpoint_answered_410";

/** A webhook that is active. @param before happens before it is changed */
async function setUp(before: (jobs: Jobs) => Promise<unknown> = async () => undefined) {
  const clock = makeTestClock();
  const memory = makeMemoryDeliveries({ clock });
  const stored = await memory.webhooks.replace(webhookRecord({ clientId: "cl_1" }));
  if (!stored) throw new Error("it was stored");
  const sent: string[] = [];
  let drawn = 0;
  const webhooks: WebhookStore = {
    ...memory.webhooks,
    async replace(webhook) {
      await before(memory.jobs);
      return memory.webhooks.replace(webhook);
    },
  };
  const deactivate = makeDeactivateWebhook({
    ...{ webhooks, jobs: memory.jobs },
    deliveryQueue: {
      send: async (_queue, messages: readonly { message: DeliveryMessage }[]) => {
        for (const { message } of messages) sent.push("jobId" in message ? message.jobId : "");
      },
    },
    context: () => ({
      ...{ nowMs: clock.businessMs(), nowRealMs: clock.realMs() },
      ...{ speed: 1, rules: testDeliveryRules },
    }),
    randomHex: () => String(++drawn),
    onNonFatalError: () => undefined,
  });
  return { ...memory, stored, sent, deactivate };
}

type Jobs = ReturnType<typeof makeMemoryDeliveries>["jobs"];

test("A webhook is disabled with its reason and time, and a job ends its deliveries", async () => {
  const { deactivate, stored, sent, jobs, webhooks } = await setUp();
  const disabled = await deactivate(stored, { status: "disabled", reason });
  expect(disabled).toMatchObject({
    ...{ status: "disabled", disabledReason: reason, disabledAt: "2026-06-25T12:00:00.000Z" },
  });
  expect(await webhooks.find("cl_1")).toEqual(disabled);
  expect(sent).toEqual(["job_1"]);
  expect(await jobs.find("job_1")).toMatchObject({
    ...{ kind: "end", status: "running", clientId: "cl_1", webhookId: stored.webhookId },
  });
});

test("A webhook that is deleted has no reason", async () => {
  const { deactivate, stored } = await setUp();
  const deleted = await deactivate(stored, { status: "deleted" });
  expect(deleted?.status).toBe("deleted");
  expect(deleted).not.toHaveProperty("disabledReason");
});

test("Where another write came first, nothing is sent", async () => {
  const { deactivate, stored, sent, webhooks } = await setUp();
  await webhooks.replace(stored);
  expect(await deactivate(stored, { status: "disabled", reason })).toBeUndefined();
  expect(sent).toEqual([]);
});

test("A worker that stood still, while the sweep ended its job, starts another one", async () => {
  const { deactivate, stored, sent, jobs } = await setUp(async (all) => {
    const job = await all.find("job_1");
    if (job) await all.replace({ ...job, status: "done" });
  });
  await deactivate(stored, { status: "disabled", reason });
  expect(sent).toEqual(["job_2"]);
  expect(await jobs.find("job_2")).toMatchObject({ kind: "end", status: "running" });
});
