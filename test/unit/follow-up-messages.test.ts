import { describe, expect, test } from "vitest";
import { MAX_SQS_DELAY_MS } from "../../shared/contracts/limits.ts";
import type { AttemptMessage } from "../../shared/contracts/messages/delivery.ts";
import {
  busyEndpointMessage,
  earlyMessage,
  heldMessage,
  nextAttemptMessage,
} from "../../shared/core/deliveries/attempts/follow-up-messages.ts";
import { deliveryRecord } from "../support/payloads/delivery-records.ts";
import { deliveryRules as rules } from "../support/simulations/delivery-simulation.ts";

const nowMs = Date.UTC(2026, 5, 25, 12);
const at = (speed: number) => ({ nowMs, nowRealMs: nowMs, speed, rules });
const ids = { deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1" };
const message: AttemptMessage = { v: 1, kind: "attempt", ...ids };

describe("The message of a delivery whose endpoint is failing", () => {
  test.each([
    [0, 60_000],
    [59_999, 60_000],
    [60_000, 120_000],
    [179_999, 120_000],
    [180_000, 240_000],
    [419_999, 240_000],
    [420_000, 480_000],
    [899_999, 480_000],
    [900_000, 60_000],
  ])("A message that was held for %i ms in all is held for %i ms more", (heldMs, holdMs) => {
    expect(heldMessage({ ...message, heldMs }, at(1), 0)).toEqual({
      message: { ...message, heldMs: heldMs + holdMs },
      delayMs: holdMs,
    });
  });

  test("A message that was never held is held for a minute", () => {
    const held = { message: { ...message, heldMs: 60_000 }, delayMs: 60_000 };
    expect(heldMessage(message, at(1), 0)).toEqual(held);
  });

  test.each([
    [60, 60_000],
    [61, 61_000],
    [1_000, 1_000_000],
  ])("At the speed %i, a hold of a second of real time takes %i ms", (speed, delayMs) => {
    const held = { message: { ...message, heldMs: 60_000 }, delayMs };
    expect(heldMessage(message, at(speed), 0)).toEqual(held);
  });

  test("Chance takes up to 30 % off the delay of a held message, and nothing off its sum", () => {
    expect(heldMessage(message, at(1), 0.5).delayMs).toBeCloseTo(51_000);
    const { delayMs, message: held } = heldMessage(message, at(1), 1);
    expect(delayMs).toBeCloseTo(42_000);
    expect(held.heldMs).toBe(60_000);
  });
});

describe("The message of a delivery whose endpoint has no free slot", () => {
  test.each([
    [1, 0, 10_000],
    [10, 0, 10_000],
    [11, 0, 11_000],
    [1, 0.5, 8_500],
    [1, 1, 7_000],
  ])("At the speed %i and the chance %d, it is sent again after %i ms", (speed, random, ms) => {
    const held = { ...message, heldMs: 60_000 };
    const busy = busyEndpointMessage(held, at(speed), random);
    expect(busy.message).toEqual(held);
    expect(busy.delayMs).toBeCloseTo(ms);
  });
});

describe("A message that arrives before its attempt is due", () => {
  test.each([
    [1, -1, 0],
    [1, 0, 0],
    [1, 2_000, 2_000],
    [20, 2_000, 2_000],
    [100, 10_000, 10_000],
  ])("At the speed %i, one that is early by %i ms is sent again after %i ms", (speed, by, ms) => {
    const early = earlyMessage(message, nowMs + by, at(speed));
    expect(early).toEqual({ message, delayMs: ms });
  });

  test.each([
    [1, 2_001],
    [20, 2_001],
    [100, 10_001],
  ])("At the speed %i, one that is early by %i ms is dropped as a duplicate", (speed, by) => {
    expect(earlyMessage(message, nowMs + by, at(speed))).toBeUndefined();
  });
});

describe("The message of a delivery's next attempt", () => {
  test.each([
    [-1, 0],
    [0, 0],
    [1, 1],
    [MAX_SQS_DELAY_MS, MAX_SQS_DELAY_MS],
  ])("The message of an attempt that is due in %i ms is delayed by %i ms", (dueInMs, delayMs) => {
    const delivery = deliveryRecord({ ...ids, nextMs: nowMs + dueInMs });
    expect(nextAttemptMessage(delivery, at(1))).toEqual({ message, delayMs });
  });

  test("The message names the request together with which the delivery is cancelled", () => {
    const delivery = deliveryRecord({ ...ids, requestId: "rq_1", nextMs: nowMs });
    expect(nextAttemptMessage(delivery, at(1))?.message).toEqual({ ...message, requestId: "rq_1" });
  });

  test("An attempt that is further away than SQS can delay a message is left to the sweep", () => {
    const delivery = deliveryRecord({ ...ids, nextMs: nowMs + MAX_SQS_DELAY_MS + 1 });
    expect(nextAttemptMessage(delivery, at(1))).toBeUndefined();
  });

  test("A delivery without a next attempt has no message", () => {
    const delivery = deliveryRecord({ ...ids, nextMs: undefined });
    expect(nextAttemptMessage(delivery, at(1))).toBeUndefined();
  });
});
