import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { AttemptMessage } from "../../shared/contracts/messages/delivery.ts";
import type { DeliveryContext } from "../../shared/core/deliveries/state/delivery-context.ts";
import {
  inputKeysOf,
  makeDeliveryInputsCache,
} from "../../shared/core/deliveries/state/delivery-inputs-cache.ts";
import type { DeliveryInputs } from "../../shared/core/deliveries/state/ports.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { testDeliveryRules as rules } from "../support/fakes/webhook-api.ts";
import { webhookRecord } from "../support/payloads/delivery-records.ts";

const active = webhookRecord({ clientId: "cl_1", webhookId: "wh_1" });
const message: AttemptMessage = {
  ...{ v: 1, kind: "attempt", deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1" },
};

/** A cache of the inputs of this message; `reads` has the keys of every read. */
function setUp(of: Partial<DeliveryInputs> = {}, messages = [message]) {
  const clock = makeTestClock();
  const reads: unknown[] = [];
  const inputs: DeliveryInputs = {
    webhooks: new Map([["cl_1", active]]),
    unreadable: new Map(),
    health: new Map(),
    cancelledRequests: new Set(),
    ...of,
  };
  const context = (): DeliveryContext => ({
    ...{ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), speed: 1, rules },
  });
  const reader = {
    async read(keys: unknown) {
      reads.push(keys);
      return inputs;
    },
  };
  const cache = makeDeliveryInputsCache({ inputs: reader, context }, messages);
  return { ...cache, clock, inputs, reads };
}

test("Each client and each request of a batch is read once", () => {
  const items = [
    { clientId: "cl_1", requestId: "rq_1" },
    { clientId: "cl_2" },
    { clientId: "cl_1", requestId: "rq_2" },
    { clientId: "cl_2", requestId: "rq_1" },
  ];
  expect(inputKeysOf(items)).toStrictEqual({
    ...{ clientIds: ["cl_1", "cl_2"], requestIds: ["rq_1", "rq_2"] },
  });
  expect(inputKeysOf([])).toStrictEqual({ clientIds: [], requestIds: [] });
});

describe("The inputs of a batch of attempts", () => {
  test("They are read again when they are older than a tenth of a second, in real time", async () => {
    const { clock, current, inputs, reads } = setUp();
    expect(await current()).toBe(inputs);
    clock.passBusiness(86_400_000);
    clock.passReal(100);
    await current();
    expect(reads).toStrictEqual([{ clientIds: ["cl_1"], requestIds: [] }]);
    clock.passReal(1);
    expect(await current()).toBe(inputs);
    expect(reads).toHaveLength(2);
    clock.passReal(100);
    await current();
    expect(reads).toHaveLength(2);
  });

  test("They are read again after a change of this worker", async () => {
    const { current, invalidate, reads } = setUp();
    await current();
    invalidate();
    await current();
    expect(reads).toHaveLength(2);
  });
});

describe("Whether a delivery may be attempted", () => {
  const ofRequest = { ...message, requestId: "rq_1" };
  const webhooksOf = (of: Partial<typeof active>) => ({
    webhooks: new Map([["cl_1", { ...active, ...of }]]),
  });
  const previous = (status: "disabled" | "deleted") =>
    webhooksOf({ webhookId: "wh_2", previousWebhooks: [{ webhookId: "wh_1", status }] });
  const eligible = { kind: "eligible", webhook: active };
  const cancelled = (reason: string) => ({ kind: "ineligible", status: "cancelled", reason });
  const failed = { kind: "ineligible", status: "failed", reason: "disabled" };
  const deleted = cancelled("webhook_deleted");
  const cancelledRequests = new Set(["rq_1"]);

  test.each<[string, AttemptMessage, Partial<DeliveryInputs>, object]>([
    ["of an active webhook may", message, {}, eligible],
    ["of a request that goes on may", ofRequest, {}, eligible],
    ["of no request may, whatever is cancelled", message, { cancelledRequests }, eligible],
    [
      "of a request that is cancelled ends with it",
      ofRequest,
      { cancelledRequests, webhooks: new Map() },
      cancelled("request_cancelled"),
    ],
    ["of a client without a webhook ends", message, { webhooks: new Map() }, deleted],
    ["of a webhook that was deleted ends", message, webhooksOf({ status: "deleted" }), deleted],
    ["of an earlier webhook that was deleted ends", message, previous("deleted"), deleted],
    ["of a webhook that is disabled fails", message, webhooksOf({ status: "disabled" }), failed],
    ["of an earlier webhook that was disabled fails", message, previous("disabled"), failed],
    ["of a webhook that is not known ends", message, webhooksOf({ webhookId: "wh_2" }), deleted],
  ])("One %s", async (_, of, given, expected) => {
    expect(await setUp(given).eligibilityOf(of)).toStrictEqual(expected);
  });

  test("One of a webhook that cannot be read is tried again", async () => {
    const failure = new Failure("DEPENDENCY_DOWN", "a form of a later version");
    const { eligibilityOf } = setUp({ unreadable: new Map([["cl_1", failure]]) });
    await expect(eligibilityOf(message)).rejects.toBe(failure);
    const { eligibilityOf: ofOther } = setUp({ unreadable: new Map([["cl_2", failure]]) });
    expect(await ofOther(message)).toStrictEqual(eligible);
  });
});
