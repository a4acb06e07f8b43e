import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { SendResult } from "../../shared/core/deliveries/attempts/send-attempt.ts";
import {
  makeSettleAttempt,
  type SettleAttemptDeps,
} from "../../shared/core/deliveries/attempts/settle-attempt.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { deliveryRecord } from "../support/payloads/delivery-records.ts";
import { deliveryRules } from "../support/simulations/delivery-simulation.ts";

const nowMs = Date.UTC(2026, 5, 25, 12);
const rules = { ...deliveryRules, delaysMs: [5_000, 60_000], slowMs: 3_000 };

const claimed = deliveryRecord({
  ...{ status: "delivering", owner: "w1", leaseUntilRealMs: nowMs + 1, claimsOfAttempt: 1 },
  ...{ nextMs: undefined, version: 2 },
});

/** @param stored what each read finds; the writes that come before each read are refused */
function setUp(stored: (DeliveryRecord | undefined)[] = []) {
  const writes: DeliveryRecord[] = [];
  const ignored: unknown[] = [];
  const world = { conflicts: stored.length, isDown: false };
  const settle = makeSettleAttempt({
    deliveries: {
      find: async () => stored.shift(),
      async replace(next: DeliveryRecord) {
        if (world.isDown) throw new Failure("DEPENDENCY_DOWN", "no table");
        writes.push(next);
        if (world.conflicts-- > 0) return undefined;
        return { ...next, version: next.version + 1 };
      },
    },
    context: () => ({ nowMs, nowRealMs: nowMs, speed: 1, rules }),
    // The middle of the jitter: the delays are as they are listed.
    random: () => 0.5,
    onNonFatalError: (error: unknown) => ignored.push(error),
  } as unknown as SettleAttemptDeps);
  return { settle, writes, ignored, world };
}

const posted = (of: Partial<Extract<SendResult, { kind: "posted" }>> = {}): SendResult => ({
  kind: "posted",
  delivery: claimed,
  post: { httpStatus: 200, durationMs: 10 },
  startedAtMs: nowMs - 10,
  endpointNumber: 7,
  hasMoved: false,
  ...of,
});

describe("An attempt whose POST was made", () => {
  test.each([
    [3_000, false],
    [3_001, true],
  ])("A success that took %i ms is recorded; it counts as slow: %s", async (durationMs, isSlow) => {
    const { settle, writes } = setUp();
    const outcome = await settle(posted({ post: { httpStatus: 200, durationMs } }));
    const [write] = writes;
    expect(outcome).toEqual({
      ...{ kind: "attempted", isSuccess: true, isSlow, endpointNumber: 7 },
      delivery: { ...write, version: 3 },
    });
    expect(write).toMatchObject({
      ...{ status: "delivered", endedMs: nowMs, version: 2, attemptsInCycle: 1 },
      attemptHistory: [{ attemptNumber: 1, atMs: nowMs - 10, httpStatus: 200, durationMs }],
    });
    expect(write?.owner).toBeUndefined();
  });

  test("A failure plans the next attempt, counted from now", async () => {
    const { settle, writes } = setUp();
    const outcome = await settle(posted({ post: { httpStatus: 500, durationMs: 10 } }));
    expect(outcome).toMatchObject({ kind: "attempted", isSuccess: false, isSlow: false });
    expect(writes).toMatchObject([{ status: "waiting", nextMs: nowMs + 5_000 }]);
  });

  test.each([
    [false, { status: "failed", reason: "gone" }],
    [true, { status: "waiting", nextMs: nowMs + 5_000 }],
  ])("An answer 410 of a webhook that has moved (%s) leaves %j", async (hasMoved, expected) => {
    const { settle, writes } = setUp();
    await settle(posted({ post: { httpStatus: 410, durationMs: 10 }, hasMoved }));
    expect(writes).toMatchObject([expected]);
  });

  test("A write of bookkeeping that came first is kept", async () => {
    const failure = { cycle: 1, attemptCount: 8, reason: "attempts_used", atMs: 1 } as const;
    const { settle, writes } = setUp([{ ...claimed, version: 3, unpublishedFailures: [failure] }]);
    expect(await settle(posted())).toMatchObject({ kind: "attempted", delivery: { version: 4 } });
    expect(writes).toHaveLength(2);
    expect(writes[1]).toMatchObject({
      ...{ version: 3, status: "delivered", unpublishedFailures: [failure] },
    });
  });

  test.each<[string, DeliveryRecord | undefined, string]>([
    ["another worker has claimed", { ...claimed, owner: "w2", version: 3 }, "claimedByAnother"],
    ["has ended", { ...claimed, status: "failed", owner: undefined }, "alreadyHandled"],
    ["waits again", { ...claimed, status: "waiting", owner: undefined }, "alreadyHandled"],
    ["is not stored any more", undefined, "alreadyHandled"],
  ])("Nothing is recorded of a delivery that %s", async (_, stored, kind) => {
    const { settle, writes } = setUp([stored]);
    expect(await settle(posted())).toEqual({ kind });
    expect(writes).toHaveLength(1);
  });

  test("A worker gives up when others write first five times, and its message stays", async () => {
    const others = Array.from({ length: 5 }, (_, n) => ({ ...claimed, version: 3 + n }));
    const { settle, writes } = setUp(others);
    expect(await settle(posted())).toEqual({ kind: "claimedByAnother" });
    expect(writes.map(({ version }) => version)).toEqual([2, 3, 4, 5, 6]);
  });
});

describe("An attempt without a POST", () => {
  test("A delivery that is not eligible ends with its reason", async () => {
    const { settle, writes } = setUp();
    const of = { delivery: claimed, status: "failed", reason: "disabled" } as const;
    const outcome = await settle({ kind: "ineligible", ...of });
    const [write] = writes;
    const delivery = { ...write, version: 3 };
    expect(outcome).toEqual({ kind: "recordedWithoutPost", delivery });
    expect(write).toMatchObject({
      ...{ status: "failed", reason: "disabled", endedMs: nowMs, attemptHistory: [] },
      unpublishedFailures: [{ cycle: 1, attemptCount: 0, reason: "disabled", atMs: nowMs }],
    });
  });

  test("An attempt during which workers stopped too often counts as failed", async () => {
    const { settle, writes } = setUp();
    const outcome = await settle({ kind: "workersLost", delivery: claimed });
    expect(outcome).toMatchObject({ kind: "recordedWithoutPost", delivery: { version: 3 } });
    expect(writes).toMatchObject([
      {
        ...{ status: "waiting", nextMs: nowMs + 5_000, attemptsInCycle: 1 },
        attemptHistory: [{ error: "WORKER_LOST", durationMs: 0, atMs: nowMs }],
      },
    ]);
  });

  test("A POST that cannot be built is tried again in a minute, and its error is told", async () => {
    const { settle, writes, ignored } = setUp();
    const error = new Error("no key");
    const settling = settle({ kind: "postNotBuilt", delivery: claimed, error });
    await expect(settling).rejects.toBe(error);
    expect(writes).toMatchObject([
      { status: "waiting", nextMs: nowMs + 60_000, claimsOfAttempt: 0, attemptHistory: [] },
    ]);
    expect(writes[0]?.owner).toBeUndefined();
    expect(ignored).toEqual([]);
  });

  test("A claim that cannot be released does not hide why its POST could not be built", async () => {
    const { settle, world, ignored } = setUp();
    world.isDown = true;
    const error = new Error("no key");
    const settling = settle({ kind: "postNotBuilt", delivery: claimed, error });
    await expect(settling).rejects.toBe(error);
    expect(ignored).toMatchObject([{ code: "DEPENDENCY_DOWN" }]);
  });

  test("A delivery for which no time is left is released at once, if it was claimed", async () => {
    const { settle, writes } = setUp();
    expect(await settle({ kind: "outOfTime" })).toEqual({ kind: "outOfTime" });
    expect(writes).toEqual([]);
    const outcome = await settle({ kind: "outOfTime", delivery: claimed });
    expect(outcome).toEqual({ kind: "outOfTime" });
    expect(writes).toMatchObject([{ status: "waiting", nextMs: nowMs, claimsOfAttempt: 0 }]);
  });

  test.each<[SendResult, object]>([
    [
      { kind: "notDue", nextMs: 5 },
      { kind: "notDue", nextMs: 5 },
    ],
    [{ kind: "claimedByAnother" }, { kind: "claimedByAnother" }],
    [{ kind: "notClaimed" }, { kind: "alreadyHandled" }],
  ])("Nothing is written where the result is %j", async (result, outcome) => {
    const { settle, writes } = setUp();
    expect(await settle(result)).toEqual(outcome);
    expect(writes).toEqual([]);
  });
});
