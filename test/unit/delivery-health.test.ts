import { describe, expect, test } from "vitest";
import type { DeliveryContext } from "../../shared/core/deliveries/state/delivery-context.ts";
import {
  acquireSlot,
  healthOf,
  isCircuitOpen,
  releaseSlot,
  withObservations,
} from "../../shared/core/deliveries/state/endpoint-health.ts";
import type { EndpointHealth } from "../../shared/core/deliveries/state/record.ts";
import { testDeliveryRules } from "../support/fakes/webhook-api.ts";
import { endpointHealth } from "../support/payloads/delivery-records.ts";

const nowRealMs = Date.UTC(2026, 5, 25, 12);
const rules = { ...testDeliveryRules, breakerFailures: 5, workersPerEndpoint: 3 };
const context: DeliveryContext = { nowMs: 0, nowRealMs, speed: 1, rules };
const endpoint = { clientId: "cl_1", webhookId: "wh_1", endpointNumber: 2 };
const healthWith = (of: Partial<EndpointHealth> = {}) => endpointHealth({ ...endpoint, ...of });
const [alive, over] = [nowRealMs + 1, nowRealMs];

describe("The health of an endpoint", () => {
  const unproven = {
    ...{ ...endpoint, isFast: false, fastSuccessesNeeded: 1, consecutiveFailures: 0 },
    slots: {},
  };

  test("It is what is stored of this endpoint", () => {
    const stored = healthWith({ consecutiveFailures: 4, version: 7 });
    expect(healthOf(stored, endpoint)).toBe(stored);
  });

  test.each([
    ["Of an endpoint of which nothing is stored", undefined, 0],
    ["Of a new webhook", healthWith({ webhookId: "wh_0", version: 7 }), 7],
    ["Of a new URL", healthWith({ endpointNumber: 1, version: 7 }), 7],
  ])("%s it is not known yet, and needs one fast success", (_, stored, version) => {
    expect(healthOf(stored, endpoint)).toStrictEqual({ ...unproven, version });
  });

  test.each([
    [4, false],
    [5, true],
    [6, true],
  ])("After %i failures in a row its circuit is open: %s", (consecutiveFailures, isOpen) => {
    expect(isCircuitOpen({ consecutiveFailures }, context)).toBe(isOpen);
  });
});

describe("A slot of an endpoint", () => {
  const lease = { owner: "worker", untilMs: alive };
  const slotsAfter = (of: Partial<EndpointHealth>, hasMessageAtMaxHold = false) =>
    acquireSlot(healthWith(of), { lease, hasMessageAtMaxHold }, context)?.slots;

  test("It is taken until the end of the lease, and slots whose lease is over are dropped", () => {
    const health = healthWith({ slots: { a: alive, b: over } });
    const taken = acquireSlot(health, { lease, hasMessageAtMaxHold: false }, context);
    expect(taken).toStrictEqual({ ...health, slots: { a: alive, worker: alive } });
  });

  test("An endpoint has three, and a worker that has one takes no second one", () => {
    expect(slotsAfter({ slots: { a: alive, b: alive } })).toHaveProperty("worker");
    expect(slotsAfter({ slots: { a: alive, b: alive, c: alive } })).toBeUndefined();
    const again = slotsAfter({ slots: { a: alive, b: alive, worker: alive + 5 } });
    expect(again).toStrictEqual({ a: alive, b: alive, worker: alive });
  });

  test("While its circuit is open it has one, but for messages that were held long enough", () => {
    const open = { consecutiveFailures: 5 };
    expect(slotsAfter(open)).toStrictEqual({ worker: alive });
    expect(slotsAfter({ ...open, slots: { a: alive } })).toBeUndefined();
    expect(slotsAfter({ ...open, slots: { a: over } })).toStrictEqual({ worker: alive });
    const held = slotsAfter({ ...open, slots: { a: alive } }, true);
    expect(held).toStrictEqual({ a: alive, worker: alive });
    expect(slotsAfter({ ...open, slots: { a: alive, b: alive, c: alive } }, true)).toBeUndefined();
  });

  test("It is given back, and slots whose lease is over are dropped", () => {
    const health = healthWith({ slots: { a: alive, b: over, worker: alive } });
    expect(releaseSlot(health, "worker", context)).toStrictEqual({
      ...{ ...health, slots: { a: alive } },
    });
  });
});

describe("The attempts at an endpoint", () => {
  const fast = { isSuccess: true, isSlow: false };
  const slow = { isSuccess: true, isSlow: true };
  const failed = { isSuccess: false, isSlow: false };
  const stateOf = ({ isFast, fastSuccessesNeeded, consecutiveFailures }: EndpointHealth) => ({
    ...{ isFast, fastSuccessesNeeded, consecutiveFailures },
  });

  test("Without an attempt it stays as it is", () => {
    const health = healthWith({ consecutiveFailures: 3 });
    expect(withObservations(health, [])).toBe(health);
  });

  test.each([
    ["a fast success", [fast], 19, 0],
    ["a slow success", [slow], 20, 0],
    ["a failure", [failed], 20, 4],
    ["two failures", [failed, failed], 20, 5],
    ["a failure after a success", [fast, failed], 20, 1],
    ["a success after a failure", [failed, fast], 19, 0],
    ["two successes after a failure", [failed, fast, fast], 18, 0],
    ["a success between two failures", [failed, fast, failed, failed], 20, 2],
  ])("After %s it needs so many fast successes", (_, attempts, needed, failures) => {
    const health = healthWith({ isFast: false, fastSuccessesNeeded: 20, consecutiveFailures: 3 });
    const after = withObservations(health, attempts);
    expect(stateOf(after)).toStrictEqual({
      ...{ isFast: false, fastSuccessesNeeded: needed, consecutiveFailures: failures },
    });
    expect(after.slots).toBe(health.slots);
  });

  test("With the last fast success that it needs it is fast, and stays so", () => {
    const health = healthWith({ isFast: false, fastSuccessesNeeded: 2 });
    const proven = { isFast: true, fastSuccessesNeeded: 0, consecutiveFailures: 0 };
    expect(withObservations(health, [fast])).toMatchObject({ fastSuccessesNeeded: 1 });
    expect(stateOf(withObservations(health, [fast, fast]))).toStrictEqual(proven);
    expect(stateOf(withObservations(health, [fast, fast, fast]))).toStrictEqual(proven);
  });

  test("A fast endpoint that is slow or fails once needs twenty fast successes", () => {
    const expected = { isFast: false, fastSuccessesNeeded: 20 };
    expect(withObservations(healthWith(), [slow])).toMatchObject(expected);
    expect(withObservations(healthWith(), [failed])).toMatchObject(expected);
  });
});
