import { describe, expect, test } from "vitest";
import type { AttemptMessage } from "../../shared/contracts/messages/delivery.ts";
import {
  chooseQueueOrSlot,
  groupByEndpoint,
  planAttempts,
  probeConcurrency,
} from "../../shared/core/deliveries/attempts/plan-attempts.ts";
import type { EndpointHealth } from "../../shared/core/deliveries/state/record.ts";
import { endpointHealth, webhookRecord } from "../support/payloads/delivery-records.ts";
import { deliveryRules as rules } from "../support/simulations/delivery-simulation.ts";

const ids = { clientId: "cl_1", webhookId: "wh_1" };
const message = (deliveryId: string, heldMs?: number): AttemptMessage => ({
  v: 1,
  kind: "attempt",
  deliveryId,
  ...ids,
  ...(heldMs === undefined ? {} : { heldMs }),
});
const messages = (count: number) => Array.from({ length: count }, (_, n) => message(`dl_${n}`));

function batchOf(list: readonly AttemptMessage[], health: Partial<EndpointHealth> = {}) {
  const [batch] = groupByEndpoint(list, {
    webhooks: new Map([["cl_1", webhookRecord(ids)]]),
    health: new Map([["cl_1", endpointHealth({ ...ids, ...health })]]),
  });
  if (!batch?.health) throw new Error("no batch");
  return { ...batch, health: batch.health };
}

describe("the plan for an endpoint", () => {
  test.each([
    ["an earlier webhook", { webhookId: "wh_0" }],
    ["an earlier URL", { endpointNumber: 0 }],
  ])("the health of %s is that of another endpoint", (_name, of) => {
    expect(batchOf(messages(1), { ...of, consecutiveFailures: 9, version: 7 })).toMatchObject({
      health: { ...ids, endpointNumber: 1, isFast: false, consecutiveFailures: 0, version: 7 },
    });
  });

  test("the messages of a webhook that is not the client's current one need no health", () => {
    const webhooks = new Map([["cl_1", webhookRecord({ ...ids, webhookId: "wh_2" })]]);
    const list = messages(2);
    expect(groupByEndpoint(list, { webhooks, health: new Map() })).toEqual([
      { messages: list.map((one, index) => ({ index, message: one })) },
    ]);
  });

  test.each([
    ["one message for a fast endpoint", "attempts", 1, 1, {}, "attemptWithoutSlot"],
    ["several messages for a fast endpoint", "attempts", 2, 2, {}, "attemptInSlot"],
    ["one message in a full batch", "attempts", 1, 10, {}, "attemptInSlot"],
    ["an unproven endpoint", "attempts", 1, 1, { isFast: false }, "moveToRetries"],
    ["an open circuit", "attempts", 1, 1, { consecutiveFailures: 5 }, "moveToRetries"],
    ["a message of the retries queue", "retries", 1, 1, { isFast: false }, "attemptInSlot"],
  ] as const)("the plan for %s in the %s queue (%d of %d messages)", (...row) => {
    const [, queue, count, batchSize, health, plan] = row;
    expect(chooseQueueOrSlot(batchOf(messages(count), health), { queue, batchSize }, rules)).toBe(
      plan,
    );
  });
});

describe("the plan of a worker", () => {
  const plan = (list: readonly AttemptMessage[], health: Partial<EndpointHealth>) => {
    const batch = batchOf(list, health);
    const planned = planAttempts(batch.messages, { queue: "retries", health: batch.health }, rules);
    const ofPlan = (part: typeof planned.messages) => part.map((one) => one.message.deliveryId);
    return { ...planned, probes: ofPlan(planned.probes), messages: ofPlan(planned.messages) };
  };

  test("a worker attempts all messages while the circuit is closed", () => {
    expect(plan(messages(3), { consecutiveFailures: 4 })).toMatchObject({
      probes: [],
      messages: ["dl_0", "dl_1", "dl_2"],
      consecutiveFailures: 4,
    });
  });

  test("a worker probes with one message while the circuit is open", () => {
    const open = { consecutiveFailures: 5 };
    expect(plan(messages(3), open)).toMatchObject({ probes: ["dl_0"], messages: ["dl_1", "dl_2"] });
  });

  test("a worker probes with every message that was held for 15 minutes", () => {
    const list = [message("dl_0"), message("dl_1", 900_000), message("dl_2", 900_000)];
    expect(plan(list, { consecutiveFailures: 5 })).toMatchObject({
      probes: ["dl_1", "dl_2"],
      messages: ["dl_0"],
    });
    expect(probeConcurrency(rules)).toBe(60);
  });
});
