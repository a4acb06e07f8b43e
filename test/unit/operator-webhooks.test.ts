import { expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { writeCursor } from "../../shared/core/input/cursor.ts";
import { makeDeliveryOperations } from "../support/fakes/delivery-operations.ts";
import { testDeliveryRules } from "../support/fakes/webhook-api.ts";
import { iso, ms } from "../support/noon.ts";
import {
  deliveryRecord,
  endpointHealth,
  webhookRecord,
} from "../support/payloads/delivery-records.ts";

const webhook = (of: Partial<WebhookItem> = {}) =>
  webhookRecord({ clientId: "cl_1", webhookId: "wh_1", ...of });
const delivery = (of: Partial<DeliveryRecord> = {}) =>
  deliveryRecord({ clientId: "cl_1", webhookId: "wh_1", ...of });
const attempt = (seconds: number, of: object) => ({
  ...{ cycle: 1, attemptNumber: 1, atMs: ms(seconds), durationMs: 12 },
  ...of,
});

/** A webhook of which nothing but its registration is known, as it is shown. */
const quiet = {
  ...{ id: "wh_1", clientId: "cl_1", url: "https://hooks.example.com/ackwire" },
  ...{ status: "active", payloadMode: "fat", format: "standard", createdAt: iso(0) },
  health: { consecutiveFailures: 0, isFast: false, circuit: "closed", workers: 0 },
  ...{ waiting: 0, failed: 0 },
};

test("Webhooks are listed client by client, and a deleted one is none", async () => {
  const { call, webhooks } = makeDeliveryOperations();
  await webhooks.replace(webhook());
  await webhooks.replace(webhook({ clientId: "cl_2", status: "deleted" }));
  await webhooks.replace(webhook({ clientId: "cl_3", webhookId: "wh_3" }));
  const nextCursor = writeCursor({ list: "webhooks", clientId: "" }, '["cl_1","wh_1"]');
  const first = await call("listWebhooks", { query: { limit: 1 } });
  expect(first).toEqual({ items: [quiet], nextCursor });
  expect(await call("listWebhooks", { query: { limit: 1, cursor: nextCursor } })).toEqual({
    items: [{ ...quiet, id: "wh_3", clientId: "cl_3" }],
  });
});

test("A webhook is shown with its endpoint's health and what its newest deliveries say", async () => {
  const { call, clock, deliveries, health, webhooks } = makeDeliveryOperations();
  const disabled = { disabledAt: iso(8), disabledReason: "gone", recoveryId: "job_1" };
  await webhooks.replace(webhook({ status: "disabled", ...disabled }));
  const slots = { working: clock.realMs() + 1, ended: clock.realMs() };
  const of = { clientId: "cl_1", webhookId: "wh_1", consecutiveFailures: 2, slots };
  await health.replace(endpointHealth(of));
  const first = [attempt(2, {}), attempt(9, { error: "TIMEOUT" })];
  const records: Partial<DeliveryRecord>[] = [
    { nextMs: ms(50), attemptHistory: first },
    { nextMs: ms(30), attemptHistory: [attempt(5, { httpStatus: 500 })] },
    { nextMs: undefined },
    { status: "delivering", nextMs: ms(10) },
    { status: "failed" },
    { status: "failed", webhookId: "wh_0" },
  ];
  for (const [n, record] of records.entries()) {
    await deliveries.create(delivery({ ...record, deliveryId: `dl_${n}` }));
  }
  expect((await call("listWebhooks", {})).items).toEqual([
    {
      ...{ ...quiet, ...disabled, status: "disabled" },
      health: { consecutiveFailures: 2, isFast: true, circuit: "closed", workers: 1 },
      last: { at: iso(9), error: "TIMEOUT", deliveryId: "dl_0" },
      ...{ waiting: 3, failed: 1, nextAttemptAt: iso(30) },
    },
  ]);
});

test("Only the newest hundred deliveries count, and the last attempt has its status", async () => {
  const { asked, call, deliveries, webhooks } = makeDeliveryOperations();
  await webhooks.replace(webhook());
  const failed = { status: "failed", attemptHistory: [attempt(5, { httpStatus: 500 })] } as const;
  for (let n = 0; n < 101; n++) {
    await deliveries.create(delivery({ ...failed, deliveryId: `dl_${n + 100}` }));
  }
  const last = { at: iso(5), httpStatus: 500, deliveryId: "dl_200" };
  const items = [{ ...quiet, last, failed: 100 }];
  expect(await call("listWebhooks", {})).toEqual({ items });
  expect(asked).toEqual([{ clientId: "cl_1", limit: 100, webhookId: "wh_1" }]);
});

test.each([
  [testDeliveryRules.breakerFailures - 1, "closed"],
  [testDeliveryRules.breakerFailures, "open"],
])("After %i failures in a row the circuit is %s", async (consecutiveFailures, circuit) => {
  const { call, health, webhooks } = makeDeliveryOperations();
  await webhooks.replace(webhook());
  const of = { clientId: "cl_1", webhookId: "wh_1", consecutiveFailures };
  await health.replace(endpointHealth(of));
  expect((await call("listWebhooks", {})).items).toEqual([
    { ...quiet, health: { consecutiveFailures, isFast: true, circuit, workers: 0 } },
  ]);
});

const url = "https://new.example.com/";
const origin = "https://api.example.com";
const params = { clientId: "cl_1", recoveryId: "job_1" };

test.each([
  ["disableWebhook", { origin: "", status: "disabled" }],
  ["enableWebhook", { origin: "", status: "active" }],
  ["moveWebhook", { origin, url }],
] as const)("%s makes the change %j and shows the webhook", async (operation, change) => {
  const { call, called, webhooks } = makeDeliveryOperations();
  await webhooks.replace(webhook());
  expect(await call(operation, { params, origin, body: { url, why: "w" } })).toEqual(quiet);
  expect(called).toEqual([["update", "cl_1", change]]);
});

test.each(["disableWebhook", "enableWebhook", "moveWebhook"] as const)(
  "%s of a client without a webhook says that there is none",
  async (operation) => {
    const { call } = makeDeliveryOperations();
    const none = { code: "NOT_FOUND", message: "there is no such webhook" };
    const changing = call(operation, { params, origin, body: { url } });
    await expect(changing).rejects.toMatchObject(none);
  },
);

const range = { since: iso(0), until: iso(5), eventTypes: ["workflow.*"] };

test.each([
  ["testWebhook", ["test", "cl_1"], { eventId: "e" }],
  ["recoverDeliveries", ["recover", "cl_1", range], { recoveryId: "job_1" }],
  ["getRecovery", ["getRecovery", "cl_1", "job_1"], { status: "done" }],
] as const)("%s makes the call %j and answers %j", async (operation, made, answer) => {
  const { call, called } = makeDeliveryOperations();
  expect(await call(operation, { params, body: { ...range, why: "w" } })).toEqual(answer);
  expect(called).toEqual([made]);
});
