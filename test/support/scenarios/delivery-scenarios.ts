import { setTimeout as sleep } from "node:timers/promises";
import type { DeliveryRecord } from "../../../shared/core/deliveries/state/record.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import type { FaultyDeliveriesRun, Subscriber } from "../runs/faulty-deliveries-run.ts";
import { WAIT_TIMEOUT_MS } from "../wait-timeout.ts";

/** A delivery for which a scenario waits, and how it must end. */
export interface Expected {
  event: FinalEvent;
  deliveryId: string;
  status: DeliveryRecord["status"];
  reason?: DeliveryRecord["reason"];
}

type Scenario = (of: {
  run: FaultyDeliveriesRun;
  subscriber: Subscriber;
  /** Activates the faults. */
  arm: () => void;
}) => Promise<Expected[]>;

export type ScenarioName = keyof typeof scenarios;

/** The answers of the endpoint of a scenario; 204 by default. */
export const answersOf: {
  [Name in ScenarioName]?: Parameters<FaultyDeliveriesRun["subscriber"]>[1];
} = {
  "fails for good": () => 500,
  "answers 410": () => 410,
  "disabled while one waits": () => 500,
  "deleted while one waits": () => 500,
};

/** Short scenarios that together cause every call of `deliver`, `reconcile` and `api` to AWS for a delivery. */
export const scenarios = {
  "is registered": async ({ subscriber, arm }) => {
    arm();
    await subscriber.register();
    return [delivered(subscriber, await subscriber.publish())];
  },

  /** The endpoint is unproven. */
  "is delivered": async ({ subscriber, arm }) => {
    await subscriber.register();
    arm();
    return [delivered(subscriber, await subscriber.publish())];
  },

  "is delivered promptly": async ({ run, subscriber, arm }) => {
    await subscriber.register();
    const first = delivered(subscriber, await subscriber.publish());
    await ended(run, first);
    await until(() => run.markFast(subscriber.clientId), "no worker holds a slot");
    arm();
    return [first, delivered(subscriber, await subscriber.publish())];
  },

  /** The body is stored in S3. */
  "is large": async ({ subscriber, arm }) => {
    await subscriber.register();
    arm();
    return [delivered(subscriber, await subscriber.publish({ bytes: 61_500 }))];
  },

  "fails for good": async ({ subscriber, arm }) => {
    await subscriber.register();
    arm();
    return [failed(subscriber, await subscriber.publish(), "attempts_used")];
  },

  /** If the worker stops before it has disabled the webhook, the next 410 disables it. */
  "answers 410": async ({ run, subscriber, arm }) => {
    await subscriber.register();
    arm();
    const expected: Expected[] = [];
    const isDisabled = async () => {
      const { body } = await subscriber.api<{ status: string }>("GET", "/v1/webhook");
      return body.status === "disabled";
    };
    while (!(await isDisabled()) && expected.length < 3) {
      const one = failed(subscriber, await subscriber.publish(), "gone");
      expected.push(one);
      await ended(run, one);
      await sleep(1_000);
    }
    await until(isDisabled, "a webhook is disabled");
    await isTold(subscriber, "webhook.disabled");
    return expected;
  },

  "comes while disabled": async ({ subscriber, arm }) => {
    await subscriber.register();
    await disable(subscriber);
    arm();
    return [failed(subscriber, await subscriber.publish(), "disabled")];
  },

  "disabled while one waits": async ({ run, subscriber, arm }) => {
    const waiting = await haveWaiting(run, subscriber);
    arm();
    await disable(subscriber);
    await isTold(subscriber, "webhook.disabled");
    return [failed(subscriber, waiting, "disabled")];
  },

  "deleted while one waits": async ({ run, subscriber, arm }) => {
    const waiting = await haveWaiting(run, subscriber);
    arm();
    await subscriber.api("DELETE", "/v1/webhook");
    return [{ ...delivered(subscriber, waiting), status: "cancelled", reason: "webhook_deleted" }];
  },

  "is recovered": async ({ run, subscriber, arm }) => {
    const event = await haveFailed(run, subscriber);
    await subscriber.api("PATCH", "/v1/webhook", { status: "active" });
    arm();
    await recover(run, subscriber);
    return [delivered(subscriber, event)];
  },

  "is recovered to another webhook": async ({ run, subscriber, arm }) => {
    const event = await haveFailed(run, subscriber);
    await subscriber.register();
    arm();
    await recover(run, subscriber);
    return [delivered(subscriber, event)];
  },

  "is sent again": async ({ run, subscriber, arm }) => {
    await subscriber.register();
    const expected = delivered(subscriber, await subscriber.publish());
    await ended(run, expected);
    arm();
    await subscriber.api("POST", `/v1/deliveries/${expected.deliveryId}/resend`);
    const isAgain = async () => ((await run.delivery(expected.deliveryId))?.cycle ?? 1) > 1;
    await until(isAgain, "a second cycle begins");
    return [expected];
  },

  /** The answer contains the id of the delivery. */
  "is a test": async ({ run, subscriber, arm }) => {
    await subscriber.register();
    arm();
    const { body } = await subscriber.api<{ deliveryId: string; eventId: string }>(
      "POST",
      "/v1/webhook/test",
    );
    const stored = (await run.delivery(body.deliveryId))?.body;
    const envelope = stored && "inline" in stored ? stored.inline : "";
    const { clientId } = subscriber;
    return [delivered(subscriber, { id: body.eventId, type: "webhook.test", clientId, envelope })];
  },
} as const satisfies Record<string, Scenario>;

/** Waits until a delivery has ended and its failures are published; returns it as it is after a timeout. */
export async function ended(
  run: FaultyDeliveriesRun,
  { deliveryId, status }: Expected,
): Promise<DeliveryRecord | undefined> {
  // Eight attempts, each with its own wait.
  const untilMs = Date.now() + 4 * WAIT_TIMEOUT_MS;
  for (;;) {
    const delivery = await run.delivery(deliveryId);
    if (delivery?.status === status && delivery.unpublishedFailures.length === 0) return delivery;
    if (Date.now() > untilMs) return delivery;
    await sleep(250);
  }
}

/** Waits until the bus has delivered an event of this type for the client. */
async function isTold(subscriber: Subscriber, type: string): Promise<void> {
  await until(async () => subscriber.eventsOfType(type).length > 0, `the bus delivers ${type}`);
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const untilMs = Date.now() + WAIT_TIMEOUT_MS;
  while (!(await isSo())) {
    if (Date.now() > untilMs) throw new Error(`Timed out waiting until ${what}`);
    await sleep(100);
  }
}

function delivered(subscriber: Subscriber, event: FinalEvent): Expected {
  return { event, deliveryId: subscriber.deliveryIdOf(event.id), status: "delivered" };
}

function failed(
  subscriber: Subscriber,
  event: FinalEvent,
  reason: DeliveryRecord["reason"],
): Expected {
  return { ...delivered(subscriber, event), status: "failed", reason };
}

async function disable(subscriber: Subscriber): Promise<void> {
  await subscriber.api("PATCH", "/v1/webhook", { status: "disabled" });
}

/** Creates a delivery whose attempts have failed and whose next attempt is far away. */
async function haveWaiting(run: FaultyDeliveriesRun, subscriber: Subscriber): Promise<FinalEvent> {
  await subscriber.register();
  const event = await subscriber.publish();
  const { deliveryId } = delivered(subscriber, event);
  await until(() => run.letWait(deliveryId), "a delivery waits for its next attempt");
  return event;
}

/** Creates a delivery of a stored event that failed because the webhook was disabled. */
async function haveFailed(run: FaultyDeliveriesRun, subscriber: Subscriber): Promise<FinalEvent> {
  await subscriber.register();
  await disable(subscriber);
  const event = await subscriber.publish({ isArchived: true });
  await ended(run, failed(subscriber, event, "disabled"));
  return event;
}

async function recover(run: FaultyDeliveriesRun, subscriber: Subscriber): Promise<void> {
  const since = new Date(run.businessMs() - 86_400_000).toISOString();
  await subscriber.api("POST", "/v1/deliveries/recover", { since });
}
