import { describe, expect, test } from "vitest";
import type { DeliveryContext } from "../../shared/core/deliveries/state/delivery-context.ts";
import {
  applyAttempt,
  attemptNow,
  claimFirstAttempt,
  endDelivery,
  hasExhaustedClaims,
  isSuccess,
  messageLostAtMs,
  releaseUnattempted,
  startNextCycle,
  waitingDelivery,
} from "../../shared/core/deliveries/state/delivery-state.ts";
import type { PostResult } from "../../shared/core/deliveries/state/ports.ts";
import { testDeliveryRules as rules } from "../support/fakes/webhook-api.ts";
import { deliveryRecord } from "../support/payloads/delivery-records.ts";

const nowMs = Date.UTC(2026, 5, 25, 12);
const nowRealMs = nowMs + 5_000;
const context: DeliveryContext = { nowMs, nowRealMs, speed: 1, rules };
const LOST_MS = 1_200_000;
const expiresMs = nowMs + 30 * 86_400_000;
const failure = { cycle: 1, attemptCount: 8, reason: "attempts_used", atMs: 1 } as const;

/** A delivery that a worker has claimed for its attempt. */
const claimed = (of: Parameters<typeof deliveryRecord>[0] = {}) =>
  deliveryRecord({
    ...{ status: "delivering", owner: "worker", leaseUntilRealMs: nowRealMs, claimsOfAttempt: 2 },
    ...{ nextMs: nowMs - 1, dueMs: nowMs + 1, expiresMs: 1, version: 4 },
    ...of,
  });

/** What the end of an attempt leaves of its claim. */
const unclaimed = {
  ...{ claimsOfAttempt: 0, owner: undefined, leaseUntilRealMs: undefined },
  ...{ nextMs: undefined, dueMs: undefined, sweepAtRealMs: undefined, expiresMs },
};

describe("When the message of an attempt counts as lost", () => {
  test.each([
    ["One that is due now: 20 minutes later", nowMs, 1, nowMs + LOST_MS],
    ["One that is due later: 20 minutes after that", nowMs + 5, 1, nowMs + 5 + LOST_MS],
    ["One that is overdue for a while: 20 minutes from now", nowMs - 5, 1, nowMs + LOST_MS],
    ["One that is overdue for 20 minutes: the same", nowMs - LOST_MS, 1, nowMs + LOST_MS],
    ["One that is overdue for longer: as long again", nowMs - LOST_MS - 1, 1, nowMs + LOST_MS + 1],
    ["Where time runs 20 times as fast: the same", nowMs, 20, nowMs + LOST_MS],
    ["Where it runs faster: a minute of real time", nowMs, 30, nowMs + 1_800_000],
  ])("%s", (_, nextMs, speed, lostMs) => {
    expect(messageLostAtMs(nextMs, { ...context, speed })).toBe(lostMs);
  });
});

test("An attempt may be claimed three times", () => {
  const exhausted = [2, 3, 4].map((claimsOfAttempt) =>
    hasExhaustedClaims(deliveryRecord({ claimsOfAttempt })),
  );
  expect(exhausted).toEqual([false, false, true]);
});

describe("A new delivery", () => {
  const given = {
    ...{ deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1", eventId: "e:1" },
    ...{ requestId: "rq_1", traceparent: "00-trace", body: { inline: "{}" } },
    eventType: "workflow.created" as const,
  };
  const waiting = {
    ...{ ...given, createdMs: nowMs, status: "waiting", cycle: 1, attemptsInCycle: 0 },
    ...{ claimsOfAttempt: 0, attemptHistory: [], unpublishedFailures: [], nextMs: nowMs },
    ...{ dueMs: nowMs + LOST_MS, expiresMs, version: 0 },
  };

  test("It waits for its first attempt, which is due now", () => {
    const more = { clientSecret: "not stored" };
    expect(waitingDelivery({ ...given, ...more }, context)).toStrictEqual(waiting);
  });

  test("It can be claimed before it is stored, and is in no index then", () => {
    const lease = { owner: "worker", untilMs: 77 };
    expect(claimFirstAttempt(waitingDelivery(given, context), lease)).toStrictEqual({
      ...{ ...waiting, status: "delivering", owner: "worker", leaseUntilRealMs: 77 },
      ...{ claimsOfAttempt: 1, nextMs: undefined, dueMs: undefined },
    });
  });
});

describe("A claimed delivery whose attempt was not made", () => {
  const delivery = claimed();
  const waiting = {
    ...{ ...delivery, status: "waiting", claimsOfAttempt: 1, owner: undefined },
    ...{ leaseUntilRealMs: undefined, nextMs: nowMs + 50, dueMs: nowMs + 50 },
    expiresMs: nowMs + context.rules.retentionMs,
  };

  test("It waits for the delay, and the claim is not counted", () => {
    expect(releaseUnattempted(delivery, 50, context)).toStrictEqual({
      ...waiting,
      sweepAtRealMs: undefined,
    });
  });

  test("Its unpublished failures are published at once by the sweep", () => {
    const failed = { ...delivery, unpublishedFailures: [failure] };
    expect(releaseUnattempted(failed, 50, context)).toStrictEqual({
      ...{ ...waiting, unpublishedFailures: [failure] },
      sweepAtRealMs: nowRealMs,
    });
  });
});

describe("A delivery that is sent again", () => {
  test("One that has ended starts its next cycle, with all attempts again", () => {
    const ended = claimed({ status: "failed", reason: "gone", endedMs: 5, attemptsInCycle: 8 });
    expect(startNextCycle(ended, context)).toStrictEqual({
      ...{ ...ended, ...unclaimed, status: "waiting", cycle: 2, attemptsInCycle: 0 },
      ...{ reason: undefined, endedMs: undefined, nextMs: nowMs, dueMs: nowMs + LOST_MS },
    });
  });

  test.each([
    ["in the future is due now", nowMs + 5, nowMs],
    ["in the past stays as long overdue", nowMs - 5, nowMs - 5],
    ["that is not known is due now", undefined, nowMs],
  ])("A next attempt %s, and keeps its number", (_, nextMs, expected) => {
    const waiting = deliveryRecord({ nextMs, attemptsInCycle: 3 });
    expect(attemptNow(waiting, context)).toStrictEqual({
      ...{ ...waiting, nextMs: expected, dueMs: nowMs + LOST_MS },
    });
  });
});

describe("A delivery that ends without success", () => {
  test("A failure is kept as unpublished, and the sweep publishes it if its writer does not", () => {
    const delivery = claimed({ cycle: 2, attemptsInCycle: 3, unpublishedFailures: [failure] });
    const own = { cycle: 2, attemptCount: 3, reason: "disabled", atMs: nowMs };
    expect(endDelivery(delivery, "failed", "disabled", context)).toStrictEqual({
      ...{ ...delivery, ...unclaimed, status: "failed", reason: "disabled", endedMs: nowMs },
      unpublishedFailures: [failure, own],
      sweepAtRealMs: nowRealMs + rules.outboxGraceMs,
    });
  });

  test("A cancelled one is no failure", () => {
    const delivery = claimed();
    expect(endDelivery(delivery, "cancelled", "webhook_deleted", context)).toStrictEqual({
      ...{ ...delivery, ...unclaimed, status: "cancelled", reason: "webhook_deleted" },
      endedMs: nowMs,
    });
  });
});

describe("An attempt of a delivery", () => {
  const attempt = (of: Partial<PostResult>, delivery = claimed(), random = 0.5) =>
    applyAttempt(
      delivery,
      { result: { durationMs: 12, ...of }, atMs: nowMs - 12, random },
      context,
    );
  const seconds = (count: number) => nowMs + count * 1_000;

  test.each([
    [undefined, false],
    [199, false],
    [200, true],
    [299, true],
    [300, false],
  ])("The status %s is a success: %s", (httpStatus, expected) => {
    expect(isSuccess({ httpStatus })).toBe(expected);
  });

  test("One that succeeds delivers it, and is in its history", () => {
    const answer = { httpStatus: 204, error: undefined, durationMs: 12 };
    const shown = { ...answer, bodyStart: "ok", location: "/there" };
    const delivery = claimed({ attemptsInCycle: 1 });
    const result = { httpStatus: 204, bodyStart: "ok", location: "/there" };
    expect(attempt(result, delivery)).toStrictEqual({
      ...{ ...delivery, ...unclaimed, status: "delivered", endedMs: nowMs, attemptsInCycle: 2 },
      attemptHistory: [{ cycle: 1, attemptNumber: 2, atMs: nowMs - 12, ...shown }],
    });
  });

  test("One that is answered 410 ends it at once, as the failure of this attempt", () => {
    expect(attempt({ httpStatus: 410 })).toMatchObject({
      ...{ status: "failed", reason: "gone", attemptsInCycle: 1, nextMs: undefined },
      unpublishedFailures: [{ cycle: 1, attemptCount: 1, reason: "gone", atMs: nowMs }],
    });
  });

  test.each([
    ["first", 0, 0.5, 5, 5 + 1_200],
    ["second", 1, 0.5, 300, 300 + 1_200],
    ["second, drawn early,", 1, 0, 240, 240 + 1_200],
    ["third, which is later than SQS can wait,", 2, 0.5, 1_800, 900],
  ])("After the %s that fails it waits for the next", (_, made, random, next, due) => {
    const delivery = claimed({ attemptsInCycle: made });
    expect(attempt({ error: "TIMEOUT" }, delivery, random)).toMatchObject({
      ...{ status: "waiting", claimsOfAttempt: 0, attemptsInCycle: made + 1 },
      ...{ nextMs: seconds(next), dueMs: seconds(due), owner: undefined, expiresMs },
      attemptHistory: [{ attemptNumber: made + 1, error: "TIMEOUT" }],
    });
  });

  test("After the last that fails it has failed", () => {
    expect(attempt({ httpStatus: 500 }, claimed({ attemptsInCycle: 7 }))).toMatchObject({
      ...{ status: "failed", reason: "attempts_used", attemptsInCycle: 8 },
      unpublishedFailures: [{ attemptCount: 8, reason: "attempts_used" }],
    });
  });

  test.each([
    [429, 60_000, 60],
    [503, 60_000, 60],
    [429, 4_999, 5],
    [503, undefined, 5],
    [429, 99_999_999, 36_000],
    [500, 60_000, 5],
    [502, 60_000, 5],
  ])("The status %i with a Retry-After of %s ms waits for %i seconds", (...row) => {
    const [httpStatus, retryAfterMs, delay] = row;
    expect(attempt({ httpStatus, retryAfterMs })).toMatchObject({ nextMs: seconds(delay) });
  });

  test("Of a hundred attempts all are kept, and of one more the oldest is not", () => {
    const historyOf = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        ...{ cycle: 1, attemptNumber: n, atMs: n, durationMs: 1 },
      }));
    const historyAfter = (count: number) =>
      attempt({ httpStatus: 200 }, claimed({ attemptHistory: historyOf(count) })).attemptHistory;
    expect([historyAfter(99).length, historyAfter(100).length]).toEqual([100, 100]);
    expect([historyAfter(99)[0]?.atMs, historyAfter(100)[0]?.atMs]).toEqual([0, 1]);
  });
});
