import { describe, expect, test } from "vitest";
import { ACCOUNT_CACHE_MS } from "../../shared/contracts/limits.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import { makeLaneScheduler } from "../../shared/core/requests/lanes/lane-scheduler.ts";
import type { SubQueue } from "../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeSubmitQueue } from "../support/fakes/submit-queue.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { newOwner } from "../support/payloads/request-records.ts";

const GRACE_MS = 30_000;
const DAY_MS = 86_400_000;
/** When every function has forgotten what an account was before its change, with a second to spare. */
const KNOWN_MS = ACCOUNT_CACHE_MS + 15_000;

const owner = newOwner();
const lane = laneId(owner);
const subQueues: readonly SubQueue[] = [{ category: "other", isHigh: false }];

/** The scheduler of one lane, with the messages that it sends. */
function setUp() {
  const clock = makeTestClock();
  const nowMs = clock.businessMs();
  const { lanes } = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const sent: unknown[] = [];
  const scheduler = makeLaneScheduler({
    lanes,
    submitQueue: makeSubmitQueue(async (...of) => void sent.push(of)),
    nowMs: clock.businessMs,
    graceMs: GRACE_MS,
    onNonFatalError: (error) => expect.fail(String(error)),
  });
  return {
    ...{ lanes, sent, nowMs },
    join: (dueMs: number) => lanes.join(lane, owner, { nowMs, dueMs, subQueues }),
    acquire: (dueMs: number) =>
      lanes.acquire(lane, { owner: "w1", untilMs: clock.realMs() + 60_000 }, dueMs),
    dueMs: async () => (await lanes.find(lane))?.dueMs,
    wakeAfterChange: () => scheduler.wakeAfterChange({ lane, clientId: owner.clientId }),
    ensureSweep: () => scheduler.ensureSweep({ lane }),
  };
}

describe("A lane whose account was changed", () => {
  const wakeUpAt = (atMs: number) => [
    { v: 1, kind: "wakeUp", lane, dueMs: atMs },
    { delayMs: KNOWN_MS, clientId: owner.clientId },
  ];

  test("A lane whose next look is planned for tomorrow is woken when the change is known everywhere, by the sweep too", async () => {
    const { join, wakeAfterChange, sent, nowMs, dueMs } = setUp();
    await join(nowMs + DAY_MS);
    await wakeAfterChange();
    expect(sent).toEqual([wakeUpAt(nowMs + KNOWN_MS)]);
    expect(await dueMs()).toBe(nowMs + KNOWN_MS + GRACE_MS);
  });

  test("A worker that looks at the lane before may plan it by what the account was, so that it is woken once more", async () => {
    const { join, wakeAfterChange, sent, nowMs, dueMs } = setUp();
    await join(nowMs + 10_000);
    await wakeAfterChange();
    expect(sent).toEqual([wakeUpAt(nowMs + KNOWN_MS)]);
    expect(await dueMs()).toBe(nowMs + 10_000);
  });

  test("A lane in which nothing waits is woken for a request that joins it until then", async () => {
    const { lanes, join, acquire, wakeAfterChange, sent, nowMs, dueMs } = setUp();
    await join(nowMs);
    const seen = await acquire(nowMs + 60_000);
    if (seen) await lanes.release(seen, { waitingSubQueues: [] });
    expect(await dueMs()).toBeUndefined();
    await wakeAfterChange();
    expect(sent).toEqual([wakeUpAt(nowMs + KNOWN_MS)]);
    expect(await dueMs()).toBeUndefined();
  });

  test("An account without a lane has nothing to wake", async () => {
    const { wakeAfterChange, sent } = setUp();
    await wakeAfterChange();
    expect(sent).toEqual([]);
  });
});

describe("A lane that the sweep is to wake soon", () => {
  test("A lane whose next look is planned for tomorrow is looked at after the grace period, and an earlier look stays", async () => {
    const { join, ensureSweep, sent, nowMs, dueMs } = setUp();
    await join(nowMs + DAY_MS);
    await ensureSweep();
    expect(await dueMs()).toBe(nowMs + GRACE_MS);
    const sooner = setUp();
    await sooner.join(nowMs + 1);
    await sooner.ensureSweep();
    expect(await sooner.dueMs()).toBe(nowMs + 1);
    expect([...sent, ...sooner.sent]).toEqual([]);
  });
});
