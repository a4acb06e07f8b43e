import { expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import { settingsSchema } from "../../shared/contracts/settings.ts";
import { deliveryRulesOf } from "../../shared/core/deliveries/state/delivery-rules.ts";
import type { Attempt, DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { makeClientNeeds } from "../../shared/core/operator/needs.ts";
import type { OperatorDeps } from "../../shared/core/operator/ports.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryDeliveries } from "../support/memory/memory-deliveries.ts";
import {
  deliveryRecord,
  endpointHealth,
  webhookRecord,
} from "../support/payloads/delivery-records.ts";

const NOW = "2026-06-25T12:00:00.000Z";
const ids = { clientId: "cl_1", webhookId: "wh_1" };

/** What needs a person at the client cl_1, which has no connection and no request. */
async function needsOf(given: {
  webhook?: Partial<WebhookItem>;
  consecutiveFailures?: number;
  deliveries?: Partial<DeliveryRecord>[];
}) {
  const { webhook, consecutiveFailures = 0, deliveries = [] } = given;
  const clock = makeTestClock();
  const stored = makeMemoryDeliveries({ clock });
  if (webhook) await stored.webhooks.replace(webhookRecord({ ...ids, ...webhook }));
  await stored.health.replace(endpointHealth({ ...ids, consecutiveFailures }));
  for (const of of deliveries) await stored.deliveries.create(deliveryRecord({ ...ids, ...of }));
  const deps = {
    clock,
    inputs: stored.inputs,
    deliveryStore: stored.deliveries,
    deliveryContext: () => ({
      ...{ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), speed: 1 },
      rules: deliveryRulesOf(settingsSchema.parse({})),
    }),
    store: { connectionsOf: async () => [] },
    requestStore: { list: async () => ({ requests: [] }) },
  };
  return makeClientNeeds(deps as unknown as OperatorDeps)("cl_1", []);
}

const ASK = "Ask the client; move the webhook, or disable it.";
const ofWebhook = { clientId: "cl_1", subject: { kind: "webhook", id: "wh_1" } };
const failing = {
  ...ofWebhook,
  kind: "webhook_failing",
  severity: "ticket",
  title: "A client's endpoint fails",
  toDo: `${ASK} Recover what failed when it answers again.`,
};
const failed = {
  ...ofWebhook,
  kind: "webhook_failing",
  severity: "ticket",
  title: "Deliveries to a client have failed",
  toDo: "Recover the period in which they failed.",
};

const attempt = (atMs: number, of: Partial<Attempt>): Partial<DeliveryRecord> => ({
  attemptHistory: [{ cycle: 1, attemptNumber: 1, atMs, durationMs: 1, ...of }],
});

test.each<[string, Partial<WebhookItem> | undefined]>([
  ["has none", undefined],
  ["has deleted it", { status: "deleted", disabledReason: "gone" }],
])("A client that %s needs nobody for its webhook", async (_, webhook) => {
  const deliveries = [{ status: "failed" as const }];
  const given = { consecutiveFailures: 9, deliveries, ...(webhook ? { webhook } : {}) };
  expect(await needsOf(given)).toEqual([]);
});

test.each<[Partial<WebhookItem>, object]>([
  [
    { disabledReason: "gone", disabledAt: NOW },
    { cause: "gone", since: NOW },
  ],
  [{}, { cause: "It was disabled." }],
])("A webhook that is disabled with %j needs that decided", async (of, expected) => {
  const webhook = { status: "disabled" as const, ...of };
  expect(await needsOf({ webhook, consecutiveFailures: 9 })).toEqual([
    {
      ...ofWebhook,
      kind: "webhook_disabled",
      severity: "ticket",
      title: "A client's webhook is disabled",
      toDo: "Enable it, or move it to another URL, and recover what was not delivered.",
      ...expected,
    },
  ]);
});

test.each([0, 1, 2])("An endpoint that failed %i times in a row needs nobody", async (failures) => {
  const deliveries = [{ status: "waiting" as const }, { status: "delivered" as const }];
  expect(await needsOf({ webhook: {}, consecutiveFailures: failures, deliveries })).toEqual([]);
});

test.each([
  [3, "ticket"],
  [4, "ticket"],
  [5, "page"],
  [6, "page"],
])("An endpoint that failed %i times in a row is a %s", async (consecutiveFailures, severity) => {
  expect(await needsOf({ webhook: {}, consecutiveFailures })).toEqual([
    {
      ...failing,
      severity,
      cause: `Its last ${consecutiveFailures} attempts failed: no answer.`,
      count: 0,
    },
  ]);
});

test.each<[string, Partial<Attempt>]>([
  ["TIMEOUT", { error: "TIMEOUT" }],
  ["ECONNRESET", { error: "ECONNRESET", httpStatus: 500 }],
  ["HTTP 503", { httpStatus: 503 }],
  ["no answer", {}],
])("An endpoint that fails is shown with its last answer: %s", async (answer, of) => {
  const deliveries = [attempt(2, of), attempt(1, { error: "EARLIER" })];
  expect(await needsOf({ webhook: {}, consecutiveFailures: 3, deliveries })).toEqual([
    { ...failing, cause: `Its last 3 attempts failed: ${answer}.`, count: 2 },
  ]);
});

test.each([1, 2])(
  "An endpoint that failed %i times in a row, and some deliveries for good, fails",
  async (consecutiveFailures) => {
    const deliveries = [
      ...[{ status: "failed" as const }, { status: "failed" as const }],
      ...[{ status: "waiting" as const }, { status: "waiting" as const }],
      { status: "waiting" as const },
    ];
    const { title, toDo } = failing;
    expect(await needsOf({ webhook: {}, consecutiveFailures, deliveries })).toMatchObject([
      { title, toDo, count: 3 },
    ]);
  },
);

test("Deliveries that failed for good need a recovery once the endpoint answers", async () => {
  const deliveries = [
    ...[{ status: "failed" as const }, { status: "failed" as const }],
    ...[{ status: "waiting" as const }, { status: "failed" as const, webhookId: "wh_0" }],
  ];
  expect(await needsOf({ webhook: {}, deliveries })).toEqual([
    { ...failed, cause: "2 of its newest deliveries were given up.", count: 2 },
  ]);
});
