import { describe, expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import { openHeaders } from "../../shared/core/deliveries/signing/client-headers.ts";
import { signingSecret } from "../../shared/core/deliveries/signing/signing.ts";
import type { DeliveryContext } from "../../shared/core/deliveries/state/delivery-context.ts";
import type { DeliveryJob, DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { makeDeactivateWebhook } from "../../shared/core/deliveries/webhooks/deactivate-webhook.ts";
import { makeWebhooks, type WebhooksDeps } from "../../shared/core/deliveries/webhooks/webhooks.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import {
  contested,
  testDeliveryRules as rules,
  testMasterKeys,
} from "../support/fakes/webhook-api.ts";
import { makeMemoryDeliveries } from "../support/memory/memory-deliveries.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const url = "https://hooks.example.com/in";
const hex = (n: number, bytes: number) => n.toString(16).padStart(bytes * 2, "0");
const changed = {
  code: "CONFLICT",
  message: "the webhook was changed meanwhile: read it and try again",
};

/** @param conflicts how often another write comes first, from now on */
function setUp(memory = makeMemoryDeliveries({ clock: makeTestClock() }), conflicts = 0) {
  const clock = makeTestClock();
  clock.passReal(5_000);
  const steps: unknown[] = [];
  let drawn = 0;
  const webhooks = contested(memory.webhooks, conflicts);
  const deps = {
    webhooks: {
      ...webhooks,
      replace(webhook: WebhookItem) {
        steps.push(["replace", webhook.status]);
        return webhooks.replace(webhook);
      },
    },
    jobs: {
      ...memory.jobs,
      async create(job: DeliveryJob) {
        steps.push(["create", job.kind, job.webhookId]);
        await memory.jobs.create(job);
      },
    },
    deliveries: memory.deliveries,
    deliveryQueue: {
      async send(queue: string, messages: readonly { message: object }[]) {
        steps.push(["send", queue, ...messages.map(({ message }) => message)]);
      },
    },
    masterKeys: async () => testMasterKeys,
    targets: { ports: [443], allowsLocal: false, refusedPorts: [] },
    context: (): DeliveryContext => ({
      ...{ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), speed: 1, rules },
    }),
    randomHex: (bytes: number) => hex(++drawn, bytes),
    onNonFatalError: () => undefined,
  } as unknown as WebhooksDeps;
  return { ...makeWebhooks(deps), clock, deps, memory, steps };
}

async function withWebhook(headers?: Record<string, string>) {
  const first = setUp();
  const { id, secret } = await first.register("cl_1", { url, ...(headers ? { headers } : {}) });
  const stored = async () => (await first.memory.webhooks.find("cl_1")) as WebhookItem;
  return { ...first, id, secret, stored };
}

describe("A webhook that is disabled or deleted", () => {
  test.each([
    [
      { status: "disabled", reason: "endpoint_answered_410" },
      { status: "disabled", disabledReason: "endpoint_answered_410", disabledAt: NOON },
    ],
    [{ status: "deleted" }, { status: "deleted" }],
  ] as const)("To %j: its job is stored first, and started after it", async (to, expected) => {
    const { deps, id, memory, steps, stored } = await withWebhook();
    const before = await stored();
    steps.length = 0;
    const written = { ...before, ...expected, version: 2 };
    expect(await makeDeactivateWebhook(deps)(before, to)).toStrictEqual(written);
    expect(await stored()).toStrictEqual(written);
    const jobId = `job_${hex(2, 12)}`;
    expect(steps).toStrictEqual([
      ["create", "end", id],
      ["replace", to.status],
      ["send", "retries", { v: 1, kind: "job", jobId, clientId: "cl_1" }],
    ]);
    expect(await memory.jobs.find(jobId)).toMatchObject({ kind: "end", status: "running" });
  });

  test("Where another write comes first, it is not changed, and its job is not started", async () => {
    const { memory, stored } = await withWebhook();
    const { deps, steps } = setUp(memory, 1);
    const before = await stored();
    expect(await makeDeactivateWebhook(deps)(before, { status: "deleted" })).toBeUndefined();
    expect(await stored()).toMatchObject({ status: "active", version: 2 });
    expect(steps.map((step) => (step as unknown[])[0])).toEqual(["create", "replace"]);
  });
});

describe("A test of a webhook", () => {
  test("Its event says that it is a test, and its message is sent", async () => {
    const { id, memory, steps, test: send } = await withWebhook();
    steps.length = 0;
    const { deliveryId, eventId } = await send("cl_1");
    expect(eventId).toBe(`webhook.test:${hex(2, 16)}`);
    const delivery = (await memory.deliveries.find(deliveryId)) as DeliveryRecord;
    expect(delivery).toMatchObject({ clientId: "cl_1", webhookId: id, status: "waiting" });
    const data = { provider: "ackwire", eventType: "UNKNOWN", message: "A test of your webhook" };
    expect(delivery.body).toStrictEqual({
      inline: JSON.stringify({ id: eventId, type: "webhook.test", createdAt: NOON, data }),
    });
    const message = { v: 1, kind: "attempt", deliveryId, clientId: "cl_1", webhookId: id };
    expect(steps).toStrictEqual([["send", "retries", { ...message, heldMs: 900_000 }]]);
  });

  test("A disabled webhook is not tested, and the refusal says how to enable it", async () => {
    const { steps, test: send, update } = await withWebhook();
    await update("cl_1", { status: "disabled" });
    steps.length = 0;
    await expect(send("cl_1")).rejects.toMatchObject({
      ...{ code: "CONFLICT", remedy: "enableWebhook" },
      message: "the webhook is disabled: enable it with PATCH /v1/webhook",
    });
    expect(steps).toEqual([]);
  });
});

describe("What a client is told about its webhook", () => {
  const missing = { code: "NOT_FOUND", message: "there is no such webhook" };

  test("A webhook that is named must be the current one", async () => {
    const { delete: remove, id, revealSecret, rotateSecret, secret, update } = await withWebhook();
    expect(await revealSecret("cl_1", id)).toMatchObject({ id, url, secret });
    for (const call of [
      () => revealSecret("cl_1", "wh_other"),
      () => revealSecret("cl_2", id),
      () => update("cl_1", { payloadMode: "thin" }, "wh_other"),
      () => rotateSecret("cl_1", { webhookId: "wh_other" }),
      () => remove("cl_1", "wh_other"),
    ]) {
      await expect(call()).rejects.toMatchObject(missing);
    }
    await remove("cl_1", id);
    await expect(revealSecret("cl_1", id)).rejects.toMatchObject(missing);
  });

  test("Another webhook cannot be registered beside an active one, and the refusal says what to do", async () => {
    const { register } = await withWebhook();
    const how = "change it with PATCH, its URL too, or delete it";
    await expect(register("cl_1", { url, description: "CRM" })).rejects.toMatchObject({
      ...{ code: "CONFLICT", remedy: "replaceWebhook" },
      message: `a webhook with other settings is active already: ${how}`,
    });
  });

  test("A change that meets four others is made, and one that meets five is not", async () => {
    const { memory } = await withWebhook();
    const patient = setUp(memory, 4).update("cl_1", { description: "CRM" });
    expect(await patient).toMatchObject({ description: "CRM" });
    const late = setUp(memory, 5).update("cl_1", { description: "ERP" });
    await expect(late).rejects.toMatchObject(changed);
  });

  test("So it is with a new webhook", async () => {
    const { delete: remove, memory } = await withWebhook();
    await remove("cl_1");
    await expect(setUp(memory, 5).register("cl_1", { url })).rejects.toMatchObject(changed);
    expect(await setUp(memory, 4).register("cl_1", { url })).toMatchObject({ isNew: true });
    expect(await setUp(memory).register("cl_1", { url })).toMatchObject({ isNew: false });
  });

  test("A new webhook keeps the recovery that its client has begun", async () => {
    const { delete: remove, memory, register, stored } = await withWebhook();
    await memory.webhooks.replace({ ...(await stored()), recoveryId: "job_9" });
    await remove("cl_1");
    await register("cl_1", { url });
    expect(await stored()).toMatchObject({ recoveryId: "job_9", endpointNumber: 2 });
  });
});

describe("One header of a webhook", () => {
  const headers = { "x-one": "1", "x-two": "2" };

  test.each([
    [
      { name: "X-Two", value: "new" },
      { "x-one": "1", "x-two": "new" },
    ],
    [
      { name: "x-three", value: "3" },
      { ...headers, "x-three": "3" },
    ],
    [{ name: "X-ONE", value: null }, { "x-two": "2" }],
    [{ name: "x-none", value: null }, headers],
  ])("The change %j leaves the others as they are", async (header, expected) => {
    const { stored, update } = await withWebhook(headers);
    await update("cl_1", { header });
    expect(await openHeaders(await stored(), async () => testMasterKeys)).toEqual(expected);
  });

  test("Without the last one there are none", async () => {
    const { stored, update } = await withWebhook({ "x-one": "1" });
    const view = await update("cl_1", { header: { name: "x-one", value: null } });
    expect(view.headerNames).toBeUndefined();
    expect(await stored()).not.toHaveProperty("headers");
  });

  test("It is not changed where the others were changed meanwhile", async () => {
    const { memory, stored } = await withWebhook(headers);
    const { deps } = setUp(memory);
    const before = await stored();
    let reads = 0;
    const find = async () =>
      ++reads === 1 ? before : { ...before, headers: { names: [], sealed: "other" } };
    const { update } = makeWebhooks({ ...deps, webhooks: { ...deps.webhooks, find } });
    const change = update("cl_1", { header: { name: "x-one", value: "new" } });
    await expect(change).rejects.toMatchObject(changed);
  });
});

describe("A new secret of a webhook", () => {
  test("The same key returns the same secret again, and another key is refused for a day", async () => {
    const { id, rotateSecret, secret, stored } = await withWebhook();
    const rotated = await rotateSecret("cl_1", { idempotencyKey: "one" });
    const of = { webhookId: id, version: 2, masterKeyId: "k2" };
    expect(rotated).toStrictEqual({
      secret: signingSecret(testMasterKeys, of),
      previousValidUntil: "2026-06-26T12:00:00.000Z",
    });
    expect(rotated.secret).not.toBe(secret);
    expect(await rotateSecret("cl_1", { idempotencyKey: "one" })).toStrictEqual(rotated);
    expect(await stored()).toMatchObject({ version: 2 });
    await expect(rotateSecret("cl_1", { idempotencyKey: "two" })).rejects.toMatchObject({
      code: "CONFLICT",
      message:
        "the previous secret is still in use, until 2026-06-26T12:00:00.000Z; overlapHours 0 cuts it now",
    });
    const cut = await rotateSecret("cl_1", { idempotencyKey: "two", overlapHours: 0 });
    expect(cut.previousValidUntil).toBeUndefined();
  });
});
