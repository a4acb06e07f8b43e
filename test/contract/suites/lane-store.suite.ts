import { beforeAll, describe, expect, test } from "vitest";
import type { Lease } from "../../../shared/core/clock.ts";
import { laneId } from "../../../shared/core/requests/acceptance/request-id.ts";
import { noCounters } from "../../../shared/core/requests/state/lane-counters.ts";
import type { JoinedLane, LaneStore } from "../../../shared/core/requests/state/lane-ports.ts";
import type { Lane, SubQueue } from "../../../shared/core/requests/state/record.ts";
import { PAUSED_BY_CLIENT } from "../../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { newOwner } from "../../support/payloads/request-records.ts";

type Clock = ReturnType<typeof makeTestClock>;

const NOW = Date.UTC(2026, 5, 25, 12);
const LEASE_MS = 60_000;
const subQueue: SubQueue = { category: "other", isHigh: false };
const subQueues = [subQueue];

/** What every store of lanes promises; each one's test file is a call of this. */
export function laneStoreSuite(
  name: string,
  open: (options: { clock: Clock }) => Promise<{ lanes: LaneStore }>,
): void {
  describe(`lanes: ${name}`, () => {
    const clock = makeTestClock();
    let lanes: LaneStore;
    beforeAll(async () => {
      ({ lanes } = await open({ clock }));
    });

    const lease = (owner: string): Lease => ({ owner, untilMs: clock.realMs() + LEASE_MS });

    /** A lane of its own, joined so many times and due at `NOW + 1`. */
    async function joined(times = 1) {
      const owner = newOwner();
      const lane = laneId(owner);
      for (let n = 0; n < times; n++)
        await lanes.join(lane, owner, { nowMs: NOW, dueMs: NOW + 1, subQueues });
      return { lane, owner };
    }

    async function acquired(lane: string, owner = "a", dueMs = NOW + LEASE_MS): Promise<Lane> {
      const found = await lanes.acquire(lane, lease(owner), dueMs);
      if (!found) throw new Error("the lane is not to be had");
      return found;
    }

    describe("join", () => {
      test("join assigns positions by the clock, and the next position where the clock stands still", async () => {
        const owner = newOwner();
        const lane = laneId(owner);
        const join = async (nowMs: number) =>
          lanes.join(lane, owner, { nowMs, dueMs: nowMs + 9, subQueues });
        expect(await join(NOW)).toEqual({ position: NOW, hadNoSweep: true });
        expect(await join(NOW)).toMatchObject({ position: NOW + 1, hadNoSweep: false });
        expect(await join(NOW - 50)).toMatchObject({ position: NOW + 2 });
        expect(await join(NOW + 1)).toMatchObject({ position: NOW + 3 });
        expect(await join(NOW + 70)).toMatchObject({ position: NOW + 70 });
        expect(await lanes.find(lane)).toEqual({
          ...owner,
          lane,
          lastPosition: NOW + 70,
          waitingCount: 5,
          nextSubmissionNotBeforeMs: 0,
          dueMs: NOW + 9,
          categoryPauses: {},
          counters: noCounters,
          subQueues: [subQueue],
          plannedSubQueues: [],
          isMigratedToSubQueues: expect.any(Boolean),
          givenBack: [],
        });
      });

      test("concurrent joins get distinct positions", async () => {
        const owner = newOwner();
        const lane = laneId(owner);
        const racers = Array.from({ length: 20 }, () =>
          lanes.join(lane, owner, { nowMs: NOW, dueMs: NOW, subQueues }),
        );
        const positions = (await Promise.all(racers)) as JoinedLane[];
        expect(new Set(positions.map(({ position }) => position)).size).toBe(20);
        expect(positions.filter(({ hadNoSweep }) => hadNoSweep)).toHaveLength(1);
        expect(await lanes.find(lane)).toMatchObject({ waitingCount: 20 });
      });

      test("join is refused at the limit of waiting requests, until the count is corrected", async () => {
        const { lane, owner } = await joined(2);
        const join = (nowMs: number) =>
          lanes.join(lane, owner, { nowMs, dueMs: nowMs, limit: 2, subQueues });
        expect(await join(NOW + 5)).toBe("full");
        expect(await join(NOW - 5)).toBe("full");
        expect(await lanes.find(lane)).toMatchObject({ waitingCount: 2, lastPosition: NOW + 1 });
        await lanes.setWaitingCount(lane, 1);
        expect(await join(NOW + 5)).toMatchObject({ position: NOW + 5 });
        expect(await join(NOW + 6)).toBe("full");
        expect(
          await lanes.join(lane, owner, { nowMs: NOW + 7, dueMs: NOW, subQueues }),
        ).toMatchObject({
          position: NOW + 7,
        });
      });
    });

    describe("a join of several requests", () => {
      test("several requests get places that follow each other, behind those that joined before", async () => {
        const owner = newOwner();
        const lane = laneId(owner);
        const join = async (nowMs: number, count: number) =>
          lanes.join(lane, owner, { nowMs, dueMs: nowMs + 9, count, subQueues });
        expect(await join(NOW, 3)).toMatchObject({ position: NOW, hadNoSweep: true });
        expect(await join(NOW, 2)).toMatchObject({ position: NOW + 3, hadNoSweep: false });
        expect(await join(NOW + 4, 1)).toMatchObject({ position: NOW + 5 });
        expect(await join(NOW + 70, 2)).toMatchObject({ position: NOW + 70 });
        expect(await lanes.find(lane)).toMatchObject({
          lastPosition: NOW + 71,
          waitingCount: 8,
          dueMs: NOW + 9,
        });
      });

      test("several requests join at the same time, and no place is given twice", async () => {
        const owner = newOwner();
        const lane = laneId(owner);
        const racers = Array.from({ length: 12 }, (_, n) =>
          lanes.join(lane, owner, { nowMs: NOW, dueMs: NOW, count: 1 + (n % 3), subQueues }),
        );
        const joined = (await Promise.all(racers)) as JoinedLane[];
        const places = joined.flatMap(({ position }, n) =>
          Array.from({ length: 1 + (n % 3) }, (_, nth) => position + nth),
        );
        expect(new Set(places).size).toBe(24);
        expect(await lanes.find(lane)).toMatchObject({ waitingCount: 24 });
      });

      test("several requests join only where there is room for all of them", async () => {
        const { lane, owner } = await joined(2);
        const join = (count: number) =>
          lanes.join(lane, owner, { nowMs: NOW + 5, dueMs: NOW, limit: 5, count, subQueues });
        expect(await join(4)).toBe("full");
        expect(await lanes.find(lane)).toMatchObject({ waitingCount: 2, lastPosition: NOW + 1 });
        expect(await join(3)).toMatchObject({ position: NOW + 5 });
        expect(await join(1)).toBe("full");
        const other = newOwner();
        const tooMany = { nowMs: NOW, dueMs: NOW, limit: 5, count: 6, subQueues };
        expect(await lanes.join(laneId(other), other, tooMany)).toBe("full");
        expect(await lanes.find(laneId(other))).toBeUndefined();
      });
    });

    describe("a lease", () => {
      test("a lease belongs to one worker until it ends in real time, then to the next", async () => {
        const { lane } = await joined();
        expect(await acquired(lane)).toMatchObject({
          owner: "a",
          leaseUntilRealMs: clock.realMs() + LEASE_MS,
          waitingCount: 1,
        });
        expect(await lanes.acquire(lane, lease("b"), NOW)).toBeUndefined();
        clock.passBusiness(10 * LEASE_MS);
        expect(await lanes.acquire(lane, lease("b"), NOW)).toBeUndefined();
        clock.passReal(LEASE_MS);
        expect(await lanes.acquire(lane, lease("b"), NOW + 7)).toMatchObject({
          owner: "b",
          dueMs: NOW + 7,
        });
      });

      test("a sweep that is due between now and the worker's stays, and any other is moved", async () => {
        const nowMs = clock.businessMs();
        const sweepAfter = async (plannedMs: number, isOnlyCheck = false) => {
          const owner = newOwner();
          const lane = laneId(owner);
          await lanes.join(lane, owner, { nowMs, dueMs: plannedMs, subQueues });
          if (isOnlyCheck) {
            const seen = await acquired(lane, "a", plannedMs);
            await lanes.release(seen, { dueMs: plannedMs, isOnlyCheck });
          }
          const { dueMs } = await acquired(lane, "b", nowMs + 100);
          expect((await lanes.find(lane))?.dueMs).toBe(dueMs);
          return (dueMs ?? 0) - nowMs;
        };
        expect(await sweepAfter(nowMs + 40)).toBe(40);
        expect(await sweepAfter(nowMs + 140)).toBe(100);
        expect(await sweepAfter(nowMs - 40)).toBe(100);
        expect(await sweepAfter(nowMs + 40, true)).toBe(100);
      });

      test("a sweep that is planned again for the same time is seen at release", async () => {
        const nowMs = clock.businessMs();
        const owner = newOwner();
        const lane = laneId(owner);
        await lanes.join(lane, owner, { nowMs, dueMs: nowMs + 40, subQueues });
        const seen = await acquired(lane, "a", nowMs + 100);
        expect(await lanes.ensureSweep(lane, nowMs + 40)).toBe(true);
        const again = await lanes.release(seen, { dueMs: nowMs + 500 });
        expect(again).toMatchObject({ owner: "a", dueMs: nowMs + 40 });
        expect(await lanes.release(again as Lane, { dueMs: nowMs + 500 })).toBe("released");
      });

      test("a lease is granted again to its owner", async () => {
        const { lane } = await joined();
        await acquired(lane);
        // Its first call may have had no answer, and taken the lane from a worker that died.
        expect(await lanes.acquire(lane, lease("a"), NOW)).toMatchObject({
          owner: "a",
          abandonedByPrevious: true,
        });
      });

      test("one of many concurrent workers gets the lease", async () => {
        const { lane } = await joined();
        const racers = Array.from({ length: 10 }, (_, n) =>
          lanes.acquire(lane, lease(`racer-${n}`), NOW),
        );
        expect((await Promise.all(racers)).filter((one) => one)).toHaveLength(1);
      });

      test("a lane that does not exist has no lease", async () => {
        expect(await lanes.acquire(laneId(newOwner()), lease("a"), NOW)).toBeUndefined();
      });
    });

    describe("release", () => {
      test("release stores the worker's changes and leaves the lane free", async () => {
        const { lane } = await joined(3);
        const seen = await acquired(lane);
        const pause = { reason: "STATUS_429", untilMs: NOW + 100 };
        const change = {
          dueMs: NOW + 50,
          nextSubmissionNotBeforeMs: NOW + 40,
          dequeuedCount: 1,
          pause,
        };
        expect(await lanes.release(seen, change)).toBe("released");
        const { owner: _, leaseUntilRealMs: __, ...rest } = seen;
        const after = {
          ...rest,
          waitingCount: 2,
          nextSubmissionNotBeforeMs: NOW + 40,
          dueMs: NOW + 50,
          plannedSubQueues: subQueues,
          pause,
        };
        expect(await lanes.find(lane)).toEqual(after);
        expect(await lanes.acquire(lane, lease("b"), NOW)).toMatchObject({ owner: "b" });
      });

      test("release notes which sub-queues its plan knows, and a later join of another one does not change that", async () => {
        const { lane, owner } = await joined();
        const plan = { dueMs: NOW + 50, waitingSubQueues: subQueues };
        expect(await lanes.release(await acquired(lane), plan)).toBe("released");
        const other: SubQueue = { category: "stMessages", isHigh: false };
        const join = { nowMs: NOW + 5, dueMs: NOW + 6, subQueues: [other] };
        const { before } = (await lanes.join(lane, owner, join)) as JoinedLane;
        expect([before?.subQueues, before?.plannedSubQueues]).toEqual([subQueues, subQueues]);
        const found = await lanes.find(lane);
        expect(found?.subQueues).toHaveLength(2);
        expect(found?.plannedSubQueues).toEqual(subQueues);
      });

      test("release without a sweep time leaves the lane unscheduled until a request joins", async () => {
        const { lane, owner } = await joined();
        expect(await lanes.release(await acquired(lane), { dequeuedCount: 1 })).toBe("released");
        expect(await lanes.find(lane)).toMatchObject({ waitingCount: 0 });
        expect((await lanes.find(lane))?.dueMs).toBeUndefined();
        const again = await lanes.join(lane, owner, {
          nowMs: NOW + 5,
          dueMs: NOW + 6,
          subQueues,
        });
        expect(again).toMatchObject({ position: NOW + 5, hadNoSweep: true });
        expect(await lanes.find(lane)).toMatchObject({ dueMs: NOW + 6 });
      });

      test("release returns the lane instead of leaving it idle when a request joined meanwhile", async () => {
        const { lane, owner } = await joined();
        const seen = await acquired(lane);
        await lanes.join(lane, owner, { nowMs: NOW + 5, dueMs: NOW + 6, subQueues });
        const found = await lanes.release(seen, { dequeuedCount: 1, waitingSubQueues: [] });
        expect(found).toMatchObject({ lastPosition: NOW + 5, waitingCount: 2, owner: "a" });
        expect(await lanes.acquire(lane, lease("b"), NOW)).toBeUndefined();
        expect(await lanes.release(found as Lane, { dequeuedCount: 1, dueMs: NOW + 9 })).toBe(
          "released",
        );
        expect(await lanes.find(lane)).toMatchObject({ waitingCount: 1, dueMs: NOW + 9 });
      });

      test("release with a sweep time succeeds although a request joined meanwhile", async () => {
        const { lane, owner } = await joined(2);
        const seen = await acquired(lane);
        await lanes.join(lane, owner, { nowMs: NOW + 5, dueMs: NOW + 6, subQueues });
        expect(await lanes.release(seen, { dequeuedCount: 1, dueMs: NOW + 9 })).toBe("released");
        expect(await lanes.find(lane)).toMatchObject({ waitingCount: 2, dueMs: NOW + 9 });
      });

      test("release returns the lane when its sweep was brought forward or it was resumed meanwhile", async () => {
        const { lane } = await joined(2);
        const seen = await acquired(lane);
        expect(await lanes.bringSweepForward(lane, NOW + 3)).toBe(true);
        const found = await lanes.release(seen, { dueMs: NOW + 50 });
        expect(found).toMatchObject({ dueMs: NOW + 3, owner: "a" });
        await lanes.endAllPauses(lane, NOW + 4);
        const again = await lanes.release(found as Lane, { dueMs: NOW + 50 });
        expect(again).toMatchObject({ dueMs: NOW + 4, owner: "a" });
      });

      test("release returns the lane when a request was given back meanwhile, whose sub-queue stays known", async () => {
        const { lane } = await joined();
        const seen = await acquired(lane);
        const back: SubQueue = { category: "stMessages", isHigh: false };
        const take = { category: "stMessages", atMs: NOW - 5 } as const;
        await lanes.giveBack(lane, { take, subQueue: back });
        const idle = { dequeuedCount: 1, waitingSubQueues: [] };
        const found = await lanes.release(seen, idle);
        expect(found).toMatchObject({ owner: "a", dueMs: seen.dueMs, givenBack: [take] });
        expect((found as Lane).subQueues).toHaveLength(2);
        expect((found as Lane).subQueues).toContainEqual(back);
        await lanes.giveBack(lane, { subQueue: back });
        const again = await lanes.release(found as Lane, idle);
        expect(again).toMatchObject({ owner: "a", givenBack: [take] });
        const plan = { dueMs: NOW + 9, waitingSubQueues: [back], counters: noCounters };
        expect(await lanes.release(again as Lane, plan)).toBe("released");
        expect(await lanes.find(lane)).toMatchObject({ subQueues: [back], givenBack: [] });
      });

      test("what is given back without a take is known as a sub-queue that waits, and nothing is given back to a lane that does not exist", async () => {
        const { lane } = await joined();
        await lanes.release(await acquired(lane), { waitingSubQueues: [] });
        await lanes.giveBack(lane, { subQueue });
        expect(await lanes.find(lane)).toMatchObject({ subQueues, givenBack: [] });
        const missing = laneId(newOwner());
        await lanes.giveBack(missing, { subQueue });
        expect(await lanes.find(missing)).toBeUndefined();
      });

      test("the count of waiting requests never becomes negative", async () => {
        const { lane } = await joined(1);
        const seen = await acquired(lane);
        await lanes.setWaitingCount(lane, 0);
        expect(await lanes.release(seen, { dequeuedCount: 1, dueMs: NOW + 5 })).toBe("released");
        expect(await lanes.find(lane)).toMatchObject({ waitingCount: 0, dueMs: NOW + 5 });
      });

      test("a release after the lease passed on changes nothing, and a repeated release is reported as released", async () => {
        const { lane } = await joined();
        const seen = await acquired(lane);
        expect(await lanes.release(seen, { nextSubmissionNotBeforeMs: 5, dueMs: NOW + 9 })).toBe(
          "released",
        );
        expect(await lanes.release(seen, { nextSubmissionNotBeforeMs: 6, dueMs: NOW + 9 })).toBe(
          "released",
        );
        expect(await lanes.find(lane)).toMatchObject({ nextSubmissionNotBeforeMs: 5 });
        const zombie = await acquired(lane, "zombie");
        clock.passReal(LEASE_MS);
        await acquired(lane, "b");
        expect(await lanes.release(zombie, { nextSubmissionNotBeforeMs: 7 })).toBe("lost");
        expect(await lanes.find(lane)).toMatchObject({ nextSubmissionNotBeforeMs: 5, owner: "b" });
      });
    });

    describe("the next sweep", () => {
      test("a sweep is brought forward, never postponed, and not on an unscheduled lane", async () => {
        const { lane } = await joined();
        expect(await lanes.bringSweepForward(lane, NOW + 2)).toBe(false);
        expect(await lanes.bringSweepForward(lane, NOW - 2)).toBe(true);
        expect(await lanes.find(lane)).toMatchObject({ dueMs: NOW - 2 });
        await lanes.release(await acquired(lane), {});
        expect(await lanes.bringSweepForward(lane, NOW)).toBe(false);
        expect(await lanes.bringSweepForward(laneId(newOwner()), NOW)).toBe(false);
      });

      test("a sweep that is set while a worker owns the lane is seen at release, even when it is later", async () => {
        const { lane } = await joined();
        for (const hint of ["bringSweepForward", "scheduleSweep"] as const) {
          const seen = await acquired(lane, hint);
          expect(await lanes[hint](lane, (seen.dueMs ?? 0) + 50)).toBe(true);
          const again = await lanes.release(seen, { dueMs: NOW + 5_000 });
          if (typeof again === "string") throw new Error(`it was ${again}`);
          expect(await lanes.release(again, { dueMs: NOW + 60 })).toBe("released");
        }
      });

      test("a woken lane gets a sweep, whatever its state", async () => {
        const { lane } = await joined();
        expect(await lanes.scheduleSweep(lane, NOW + 2)).toBe(false);
        expect(await lanes.scheduleSweep(lane, NOW)).toBe(true);
        await lanes.release(await acquired(lane), {});
        expect(await lanes.scheduleSweep(lane, NOW + 8)).toBe(true);
        expect(await lanes.find(lane)).toMatchObject({ dueMs: NOW + 8 });
        expect(await lanes.scheduleSweep(laneId(newOwner()), NOW)).toBe(false);
      });
    });

    describe("a pause", () => {
      test("a login ends the pause of an account that must log in, and not the client's own pause", async () => {
        const { lane, owner } = await joined();
        const blocked = { reason: "WRONG_PASSWORD" };
        const own = { reason: PAUSED_BY_CLIENT };
        await lanes.pause(lane, owner, own);
        await lanes.pause(lane, owner, blocked);
        expect((await lanes.find(lane))?.pause).toEqual(own);
        await lanes.endLoginPause(lane, NOW + 4);
        expect((await lanes.find(lane))?.pause).toEqual(own);
        await lanes.endAllPauses(lane, NOW + 4);
        await lanes.pause(lane, owner, blocked);
        await lanes.endLoginPause(lane, NOW + 7);
        expect(await lanes.find(lane)).toMatchObject({ dueMs: NOW + 7 });
        expect((await lanes.find(lane))?.pause).toBeUndefined();
      });

      const ending = { reason: "STATUS_429", untilMs: NOW + 10 };
      const endless = { reason: "WRONG_PASSWORD" };
      const pauseOf = async (lane: string) => (await lanes.find(lane))?.pause;

      test("a pause creates a missing lane, and the first request still gets the first position", async () => {
        const owner = newOwner();
        const lane = laneId(owner);
        await lanes.pause(lane, owner, endless);
        expect(await lanes.find(lane)).toMatchObject({ ...owner, waitingCount: 0, pause: endless });
        const first = await lanes.join(lane, owner, { nowMs: NOW, dueMs: NOW, subQueues });
        expect(first).toMatchObject({ position: NOW, hadNoSweep: true });
        expect(await pauseOf(lane)).toEqual(endless);
      });

      test("a lane that was paused and resumed before its first request is released", async () => {
        const owner = newOwner();
        const lane = laneId(owner);
        await lanes.pause(lane, owner, endless);
        await lanes.endAllPauses(lane, NOW + 4);
        const seen = await acquired(lane);
        expect(await lanes.release(seen, { dueMs: undefined, dequeuedCount: 1 })).toBe("released");
        const found = await lanes.find(lane);
        expect([found?.owner, found?.dueMs, found?.waitingCount]).toEqual([
          undefined,
          undefined,
          0,
        ]);
      });

      test("a pause without an end is not replaced by a pause with an end", async () => {
        const { lane, owner } = await joined();
        await lanes.pause(lane, owner, ending);
        expect(await pauseOf(lane)).toEqual(ending);
        const seen = await acquired(lane);
        await lanes.pause(lane, owner, endless);
        await lanes.pause(lane, owner, { ...ending, untilMs: NOW + 99 });
        expect(await lanes.release(seen, { dueMs: NOW, pause: ending })).toBe("released");
        expect(await pauseOf(lane)).toEqual(endless);
        await lanes.pause(lane, owner, { reason: "ACCOUNT_RESTRICTED" });
        expect(await pauseOf(lane)).toEqual({ reason: "ACCOUNT_RESTRICTED" });
      });

      test("resuming a lane ends its pauses and schedules a sweep", async () => {
        const { lane, owner } = await joined();
        await lanes.pause(lane, owner, ending);
        await lanes.pause(lane, owner, endless);
        expect(await lanes.endAllPauses(lane, NOW + 4)).toBe(true);
        expect(await pauseOf(lane)).toBeUndefined();
        expect(await lanes.find(lane)).toMatchObject({ dueMs: NOW + 4 });
        expect(await lanes.endAllPauses(laneId(newOwner()), NOW)).toBe(false);
      });
    });
  });
}
