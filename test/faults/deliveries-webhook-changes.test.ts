import { describe, expect, test } from "vitest";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import { makeDeactivateWebhook } from "../../shared/core/deliveries/webhooks/deactivate-webhook.ts";
import {
  HOUR_MS,
  simulatedDeliveryId as id,
  MINUTE_MS,
  simulationWithWebhook,
  webhookOfClient,
} from "../support/simulations/delivery-simulation.ts";

/** Rows D10 and D14 of the fault matrix, and G9: the webhook changes, or the request is cancelled. */

const DAY_MS = 24 * HOUR_MS;

describe("D10: a webhook that changes while an attempt is due", () => {
  async function afterFirstFailure() {
    const simulation = await simulationWithWebhook({
      answer: (_, n) => ({ httpStatus: n === 1 ? 500 : 200 }),
    });
    simulation.publish();
    await simulation.drain();
    const webhook = await simulation.webhooks.find("cl_1");
    if (!webhook) throw new Error("no webhook");
    return {
      simulation,
      webhook,
      end: makeDeactivateWebhook({ ...simulation.ports, context: simulation.context }),
    };
  }

  test("D10: a webhook that is deleted while an attempt is due cancels the delivery without a POST", async () => {
    const { simulation, webhook, end } = await afterFirstFailure();
    await end(webhook, { status: "deleted" });
    await simulation.pass(DAY_MS);
    expect(simulation.posts).toHaveLength(1);
    expect(await simulation.deliveries.find(id)).toMatchObject({
      status: "cancelled",
      reason: "webhook_deleted",
    });
    expect(simulation.counts.DeliveryFailed).toBe(0);
  });

  test("D10: a webhook that is disabled while an attempt is due fails the delivery without a POST, and the failure is published", async () => {
    const { simulation, webhook, end } = await afterFirstFailure();
    await end(webhook, { status: "disabled", reason: "disabled_by_client" });
    await simulation.drain();
    expect(simulation.posts).toHaveLength(1);
    expect(await simulation.deliveries.find(id)).toMatchObject({
      status: "failed",
      reason: "disabled",
    });
    expect(simulation.published.map(({ type }) => type).sort()).toEqual([
      "delivery.failed",
      "webhook.disabled",
    ]);
  });

  test("D10: an attempt after a rotation of the secret sends the same bytes, signed with both secrets", async () => {
    const { simulation, webhook } = await afterFirstFailure();
    const validUntil = new Date(simulation.now() + DAY_MS).toISOString();
    const secrets = [
      { version: 2, masterKeyId: "k1" },
      { version: 1, masterKeyId: "k1", validUntil },
    ];
    await simulation.webhooks.replace({ ...webhook, secrets });
    await simulation.pass(MINUTE_MS);
    const [first, second] = simulation.posts;
    expect(first?.headers["webhook-signature"]?.split(" ")).toHaveLength(1);
    expect(second?.headers["webhook-signature"]?.split(" ")).toHaveLength(2);
    expect(second?.body).toBe(first?.body);
  });

  test("D10: no attempt is sent unsigned while the master key is missing, and attempts continue when the key is back", async () => {
    const { simulation, webhook } = await afterFirstFailure();
    const secrets = [{ version: 2, masterKeyId: "k2" }];
    await simulation.webhooks.replace({ ...webhook, secrets });
    await simulation.pass(HOUR_MS);
    expect(simulation.posts).toHaveLength(1);
    const found = await simulation.deliveries.find(id);
    expect(found).toMatchObject({ status: "waiting", attemptsInCycle: 1 });
    const now = await simulation.webhooks.find("cl_1");
    if (now)
      await simulation.webhooks.replace({ ...now, secrets: [{ version: 3, masterKeyId: "k1" }] });
    await simulation.pass(HOUR_MS);
    expect(await simulation.deliveries.find(id)).toMatchObject({
      status: "delivered",
      attemptsInCycle: 2,
    });
  });

  test("D10: an attempt is signed with the current secret only if the master key of the previous one is missing", async () => {
    const { simulation, webhook } = await afterFirstFailure();
    const validUntil = new Date(simulation.now() + DAY_MS).toISOString();
    const secrets = [
      { version: 2, masterKeyId: "k1" },
      { version: 1, masterKeyId: "k0", validUntil },
    ];
    await simulation.webhooks.replace({ ...webhook, secrets });
    await simulation.pass(MINUTE_MS);
    expect(simulation.posts.at(-1)?.headers["webhook-signature"]?.split(" ")).toHaveLength(1);
  });

  test("D10: a webhook that is replaced fails its delivery, and a recovery sends the event to the new webhook", async () => {
    const { simulation, webhook, end } = await afterFirstFailure();
    const disabled = await end(webhook, { status: "disabled", reason: "disabled_by_client" });
    await simulation.drain();
    await simulation.webhooks.replace({
      ...webhookOfClient("cl_1", { webhookId: "wh_new", url: "https://new.example.com/" }),
      previousWebhooks: [{ webhookId: webhook.webhookId, status: "disabled" }],
      version: disabled?.version ?? 0,
    });
    await simulation.jobs.create({
      jobId: "job_1",
      clientId: "cl_1",
      kind: "recover",
      sinceMs: simulation.startMs,
      untilMs: simulation.now(),
      status: "running",
      examined: 0,
      changed: 0,
      skipped: 0,
      createdMs: simulation.now(),
      sweepAtRealMs: simulation.now(),
      expiresMs: simulation.now() + DAY_MS,
      version: 0,
    });
    // No message was sent: the sweep starts the job.
    await simulation.pass(5 * MINUTE_MS);
    expect(await simulation.jobs.find("job_1")).toMatchObject({
      status: "done",
      examined: 1,
      changed: 1,
    });
    expect(simulation.posts.at(-1)).toMatchObject({
      url: "https://new.example.com/",
      body: simulation.posts[0]?.body,
    });
  });
});

test("D14: a change of the webhook's settings changes no byte of a delivery that exists", async () => {
  const simulation = await simulationWithWebhook({
    answer: (_, n) => ({ httpStatus: n === 1 ? 500 : 200 }),
  });
  const event = simulation.publish();
  await simulation.drain();
  const webhook = await simulation.webhooks.find("cl_1");
  if (webhook) await simulation.webhooks.replace({ ...webhook, payloadMode: "thin" });
  simulation.stored.clear();
  await simulation.pass(HOUR_MS);
  expect(simulation.posts.map(({ body }) => body)).toEqual([event.envelope, event.envelope]);
});

describe("a cancelled request (G9)", () => {
  test("a cancelled request causes no further POST, and its waiting deliveries are cancelled (G9)", async () => {
    const simulation = await simulationWithWebhook({ answer: () => ({ httpStatus: 500 }) });
    simulation.publish({ type: "workflow.created" });
    await simulation.drain();
    simulation.cancelledRequests.add("rq_1");
    simulation.publish({ type: "workflow.started" });
    await simulation.pass(DAY_MS);
    expect(simulation.posts).toHaveLength(1);
    for (const type of ["workflow.created", "workflow.started"]) {
      const found = await simulation.deliveries.find(deliveryIdOf("wh_cl_1", `${type}:rq_1`));
      expect(found).toMatchObject({ status: "cancelled", reason: "request_cancelled" });
    }
  });
});
