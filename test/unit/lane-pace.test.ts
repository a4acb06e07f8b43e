import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { AccountPace } from "../../shared/core/pace/merge-pace-settings.ts";
import { countedWaitMs } from "../../shared/core/requests/state/lane-counters.ts";
import { PAUSED_BY_CLIENT } from "../../shared/core/requests/state/record.ts";
import {
  answered,
  finished,
  makeWorkersSimulation,
  type Step,
  type WorkersSimulation,
} from "../support/simulations/workers-simulation.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const pace = { minSeconds: 30, maxSeconds: 90 };
const message = "send_message_to_thread";

const perDay = (max: number): AccountPace => ({
  limits: [{ category: "stConnectionRequests", per: "day", max }],
});

/** Accepts so many requests of an action; their numbers begin at `from`. */
async function acceptMany(
  simulation: WorkersSimulation,
  { count, from = 1, action }: { count: number; from?: number; action?: string },
): Promise<string[]> {
  const ids: string[] = [];
  for (let n = from; n < from + count; n++) {
    const request = { accountId: "a", n, ...(action ? { action } : {}) };
    ids.push((await simulation.accept(request)).requestId);
  }
  return ids;
}

const connectsOf = ({ calls }: WorkersSimulation) =>
  calls.filter(({ action }) => action === "connect").map(({ fromMs }) => fromMs);

/** The most calls in any window of this length. */
function mostWithin(times: readonly number[], lengthMs: number): number {
  const counts = times.map(
    (from) => times.filter((at) => at >= from && at < from + lengthMs).length,
  );
  return Math.max(0, ...counts);
}

describe("limits", () => {
  test("a category whose limit is reached waits for its window, and another category overtakes it", async () => {
    const simulation = makeWorkersSimulation({ pace, account: perDay(2) });
    const beginMs = simulation.clock.businessMs();
    await acceptMany(simulation, { count: 5 });
    await acceptMany(simulation, { count: 3, from: 6, action: message });
    await simulation.runUntil(beginMs + 4 * DAY_MS);
    const connects = connectsOf(simulation);
    expect(connects).toHaveLength(5);
    expect(mostWithin(connects, DAY_MS)).toBe(2);
    const messages = simulation.calls.filter(({ action }) => action === message);
    expect(messages.map(({ n }) => n)).toEqual([6, 7, 8]);
    expect(messages.at(-1)?.fromMs).toBeLessThan(beginMs + HOUR_MS);
    const order = simulation.calls.filter(({ action }) => action === "connect");
    expect(order.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5]);
  });

  test("a request that joins while the lane waits for another category's window is submitted at once", async () => {
    const simulation = makeWorkersSimulation({ pace, account: perDay(1) });
    const beginMs = simulation.clock.businessMs();
    await acceptMany(simulation, { count: 2 });
    await simulation.runUntil(beginMs + 2 * HOUR_MS);
    expect(simulation.calls).toHaveLength(1);
    await acceptMany(simulation, { count: 1, from: 3, action: message });
    await simulation.runUntil(beginMs + 2 * HOUR_MS + MINUTE_MS);
    expect(simulation.calls.map(({ n }) => n)).toEqual([1, 3]);
  });

  test("a request that is stored only after the worker that saw it join has planned the lane is submitted all the same", async () => {
    const stored = Promise.withResolvers<void>();
    const joined = Promise.withResolvers<void>();
    let accepted: Promise<unknown> | undefined;
    let isArmed = false;
    const step: Step = async (call, { who, name }) => {
      if (isArmed && who === "api" && name === "create") await stored.promise;
      if (isArmed && who === "worker" && name === "readLaneHead" && !accepted) {
        accepted = acceptMany(simulation, { count: 1, from: 3, action: message });
        await joined.promise;
      }
      const result = await call();
      if (isArmed && who === "api" && name === "join") joined.resolve();
      return result;
    };
    const simulation: WorkersSimulation = makeWorkersSimulation({
      ...{ pace, account: perDay(1), step },
    });
    const beginMs = simulation.clock.businessMs();
    const [first = ""] = await acceptMany(simulation, { count: 2 });
    await simulation.runUntil(beginMs + 2 * HOUR_MS);
    isArmed = true;
    const { lane } = await simulation.find(first);
    await simulation.makeWorker().handle([{ v: 1, kind: "wakeUp", lane }]);
    stored.resolve();
    await accepted;
    await simulation.runUntil(beginMs + 2 * HOUR_MS + 3 * MINUTE_MS);
    expect(simulation.calls.map(({ n }) => n)).toEqual([1, 3]);
  });

  test("a request that is stored only after the lane's only request was submitted, and whose message is lost, is not hidden by those of another category", async () => {
    const stored = Promise.withResolvers<void>();
    const joined = Promise.withResolvers<void>();
    let isArmed = false;
    let isLost = false;
    const step: Step = async (call, { who, name }) => {
      if (isArmed && who === "api" && name === "create") await stored.promise;
      if (isLost && who === "api" && name === "send") throw new Error("SQS is down");
      const result = await call();
      if (isArmed && who === "api" && name === "join") joined.resolve();
      return result;
    };
    const simulation = makeWorkersSimulation({ pace, account: perDay(1), step });
    const beginMs = simulation.clock.businessMs();
    const [first = ""] = await acceptMany(simulation, { count: 1 });
    isArmed = true;
    const accepted = acceptMany(simulation, { count: 1, from: 2, action: message });
    await joined.promise;
    const { lane } = await simulation.find(first);
    await simulation.makeWorker().handle([{ v: 1, kind: "wakeUp", lane }]);
    expect(simulation.calls.map(({ n }) => n)).toEqual([1]);
    const { dueMs = 0, subQueues } = (await simulation.lanes.find(lane)) ?? {};
    expect(dueMs).toBeGreaterThan(0);
    expect(subQueues?.map(({ category }) => category)).toContain("stMessages");
    isLost = true;
    stored.resolve();
    await accepted;
    isLost = false;
    isArmed = false;
    await acceptMany(simulation, { count: 6, from: 3 });
    await simulation.runUntil(beginMs + 2 * HOUR_MS);
    expect(simulation.calls.map(({ n }) => n)).toEqual([1, 2]);
  });

  test("a request that is stored only after a later place was taken, and whose message is lost, is not hidden by those of another category", async () => {
    const stored = Promise.withResolvers<void>();
    const isStoring = Promise.withResolvers<void>();
    let isArmed = true;
    let isLost = false;
    const step: Step = async (call, { who, name }) => {
      if (isArmed && who === "api" && name === "create") {
        isArmed = false;
        isStoring.resolve();
        await stored.promise;
      }
      if (isLost && who === "api" && name === "send") throw new Error("SQS is down");
      return call();
    };
    const simulation = makeWorkersSimulation({ pace, account: perDay(1), step });
    const beginMs = simulation.clock.businessMs();
    const first = acceptMany(simulation, { count: 1, action: message });
    await isStoring.promise;
    const [second = ""] = await acceptMany(simulation, { count: 1, from: 2 });
    const { lane } = await simulation.find(second);
    await simulation.makeWorker().handle([{ v: 1, kind: "wakeUp", lane }]);
    expect(simulation.calls.map(({ n }) => n)).toEqual([2]);
    const { subQueues } = (await simulation.lanes.find(lane)) ?? {};
    expect(subQueues?.map(({ category }) => category)).toEqual(["stMessages"]);
    isLost = true;
    stored.resolve();
    await first;
    isLost = false;
    await acceptMany(simulation, { count: 6, from: 3 });
    await simulation.runUntil(beginMs + 2 * HOUR_MS);
    expect(simulation.calls.map(({ n }) => n)).toEqual([2, 1]);
  });

  test("a request whose first accept joined the lane and then failed is submitted at once, though the lane waits for another category's window", async () => {
    let failures = 0;
    const step: Step = async (call, { who, name }) => {
      if (failures === 0 || who !== "api" || name !== "create") return call();
      failures--;
      throw new Failure("DEPENDENCY_DOWN", "no answer");
    };
    const simulation = makeWorkersSimulation({ pace, account: perDay(1), step });
    const beginMs = simulation.clock.businessMs();
    await acceptMany(simulation, { count: 2 });
    await simulation.runUntil(beginMs + 2 * HOUR_MS);
    failures = 1;
    const third = { count: 1, from: 3, action: message };
    await expect(acceptMany(simulation, third)).rejects.toThrow("no answer");
    await acceptMany(simulation, third);
    await simulation.runUntil(beginMs + 2 * HOUR_MS + MINUTE_MS);
    expect(simulation.calls.map(({ n }) => n)).toEqual([1, 3]);
  });

  test("a request whose message is lost, and that joined while the lane waits for another category's window, is submitted after the sweep", async () => {
    let isDown = false;
    const step: Step = (call, { who, name }) =>
      isDown && who === "api" && name === "send"
        ? Promise.reject(new Error("SQS is down"))
        : call();
    const simulation = makeWorkersSimulation({ pace, account: perDay(1), step });
    const beginMs = simulation.clock.businessMs();
    await acceptMany(simulation, { count: 2 });
    await simulation.runUntil(beginMs + 2 * HOUR_MS);
    isDown = true;
    await acceptMany(simulation, { count: 1, from: 3, action: message });
    await simulation.runUntil(beginMs + 2 * HOUR_MS + 10 * MINUTE_MS);
    expect(simulation.calls.map(({ n }) => n)).toEqual([1, 3]);
  });

  test.each([
    ["cannot send the wake-up of the lane", "send"],
    ["dies when the request has joined the lane", "replace"],
  ])(
    "a scheduled request that joins while the lane waits for another category's window is submitted although the sweep %s",
    async (_, last) => {
      let isArmed = false;
      const step: Step = async (call, { who, name }) => {
        if (!isArmed || who !== "sweep" || name !== last) return call();
        isArmed = false;
        if (name === "replace") await call();
        throw new Error("nothing more happens");
      };
      const simulation = makeWorkersSimulation({ pace, account: perDay(1), step });
      const scheduledMs = simulation.clock.businessMs() + 3 * HOUR_MS;
      await acceptMany(simulation, { count: 2 });
      const third = { accountId: "a", n: 3, action: message, scheduledMs };
      const { requestId } = await simulation.accept(third);
      simulation.schedules.clear();
      await simulation.runUntil(scheduledMs - MINUTE_MS);
      expect(simulation.calls.map(({ n }) => n)).toEqual([1]);
      isArmed = true;
      await simulation.runUntil(scheduledMs + 10 * MINUTE_MS);
      expect(isArmed).toBe(false);
      expect((await simulation.find(requestId)).status).toBe("SUCCEEDED");
      expect(simulation.calls.map(({ n }) => n)).toEqual([1, 3]);
    },
  );

  test("a worker whose reads took most of its lease sends nothing, because another one may have the lane before the answer", async () => {
    let isSlow = true;
    const step: Step = async (call, { who, name }) => {
      if (isSlow && who === "worker" && name === "extendSubmittingUntil") {
        isSlow = false;
        simulation.pass(simulation.rules.laneLeaseMs - 1_000);
      }
      return call();
    };
    const simulation: WorkersSimulation = makeWorkersSimulation({
      ...{ pace, account: perDay(1), step },
    });
    const beginMs = simulation.clock.businessMs();
    await acceptMany(simulation, { count: 1 });
    await simulation.runUntil(beginMs + HOUR_MS);
    expect(isSlow).toBe(false);
    const [call] = connectsOf(simulation);
    expect(connectsOf(simulation)).toHaveLength(1);
    expect(call).toBeGreaterThan(beginMs + simulation.rules.laneLeaseMs);
  });

  const refusals = {
    "a 503": answered(503, { message: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED" }),
    "a refusal": answered(400, { status: "PROFILE_NOT_FOUND", message: "No such profile" }),
    "no connection": { kind: "notSent", reason: "ECONNREFUSED" } as const,
  };

  test.each(Object.entries(refusals))(
    "%s proves that nothing was sent, and gives the slot back",
    async (name, refusal) => {
      const simulation = makeWorkersSimulation({
        pace,
        account: perDay(1),
        exchange: ({ n, nth }) => (n === 1 && nth === 1 ? refusal : finished()),
      });
      const beginMs = simulation.clock.businessMs();
      await acceptMany(simulation, { count: 2 });
      await simulation.runUntil(beginMs + 2 * HOUR_MS);
      // A 503 without a proof stays unknown, and counts.
      expect({ name, calls: simulation.calls.length }).toEqual({
        name,
        calls: name === "a 503" ? 1 : 2,
      });
    },
  );

  test("a request of unknown outcome counts until a person says that it was not submitted", async () => {
    const simulation = makeWorkersSimulation({
      pace,
      account: perDay(1),
      exchange: ({ nth }) => (nth === 1 ? { kind: "incomplete", reason: "TIMEOUT" } : finished()),
    });
    const beginMs = simulation.clock.businessMs();
    const [first = ""] = await acceptMany(simulation, { count: 1 });
    await simulation.runUntil(beginMs + 2 * HOUR_MS);
    expect((await simulation.find(first)).status).toBe("UNKNOWN");
    await simulation.notSubmitted(first);
    await simulation.runUntil(beginMs + 3 * HOUR_MS);
    expect((await simulation.find(first)).status).toBe("SUCCEEDED");
    expect(simulation.calls).toHaveLength(2);
    await acceptMany(simulation, { count: 1, from: 2 });
    await simulation.runUntil(beginMs + 20 * HOUR_MS);
    expect(simulation.calls).toHaveLength(2);
  });

  test.each(["the claim", "the call", "the stored answer"])(
    "a worker that dies after %s neither loses a slot nor takes one twice",
    async (moment) => {
      const dying: { call?: string; done: boolean } = { done: false };
      const step: Step = async (call, { who, name }) => {
        if (who !== "worker" || dying.done || dying.call === undefined) return call();
        if (name !== dying.call) return call();
        dying.done = true;
        // The call takes effect, and the process is gone.
        await call();
        return new Promise<never>(() => undefined);
      };
      const simulation = makeWorkersSimulation({ pace, account: perDay(3), step });
      const beginMs = simulation.clock.businessMs();
      await acceptMany(simulation, { count: 8 });
      dying.call = moment === "the call" ? "exchange" : "replace";
      // The dead worker never returns: the others go on beside it.
      void simulation.drain();
      for (let n = 0; n < 50 && !dying.done; n++) await new Promise((go) => setImmediate(go));
      expect(dying.done).toBe(true);
      await simulation.runUntil(beginMs + 3 * DAY_MS + HOUR_MS);
      const connects = connectsOf(simulation);
      expect(mostWithin(connects, DAY_MS)).toBeLessThanOrEqual(3);
      expect(connects.length).toBeGreaterThanOrEqual(moment === "the claim" ? 7 : 8);
    },
  );
});

test("only the time in which a request could have been submitted counts as its wait", async () => {
  const simulation = makeWorkersSimulation({ pace, account: perDay(1) });
  const beginMs = simulation.clock.businessMs();
  const [, , third = ""] = await acceptMany(simulation, { count: 3 });
  await simulation.runUntil(beginMs + 30 * HOUR_MS);
  const request = await simulation.find(third);
  const lane = await simulation.lanes.find(request.lane);
  expect(request.status).toBe("QUEUED");
  const waitMs = lane && countedWaitMs(request, lane.counters, simulation.clock.businessMs());
  expect(waitMs).toBeLessThan(HOUR_MS);
});

describe("priority", () => {
  test("requests of high priority go first, but after four of them one of normal priority", async () => {
    const simulation = makeWorkersSimulation({ pace });
    const beginMs = simulation.clock.businessMs();
    await acceptMany(simulation, { count: 4 });
    for (let n = 11; n < 21; n++) {
      await simulation.accept({ accountId: "a", n, action: message, priority: "high" });
    }
    await simulation.runUntil(beginMs + HOUR_MS);
    expect(simulation.calls.map(({ n }) => n)).toEqual([
      ...[11, 12, 13, 14, 1, 15, 16, 17, 18, 2, 19, 20, 3, 4],
    ]);
  });
});

describe("hours", () => {
  const hours = {
    timeZone: "UTC",
    days: ["mon", "tue", "wed", "thu", "fri"],
    from: "09:00",
    to: "18:00",
  } as const;
  const account: AccountPace = { hours: { ...hours, days: [...hours.days] } };

  test("nothing is submitted outside of the hours, and no request times out while they are closed", async () => {
    const simulation = makeWorkersSimulation({ pace, account });
    const beginMs = simulation.clock.businessMs();
    // A Thursday at noon: more than a day's work, over a weekend.
    expect(new Date(beginMs).getUTCDay()).toBe(4);
    const ids = await acceptMany(simulation, { count: 700 });
    await simulation.runUntil(beginMs + 7 * DAY_MS);
    expect(simulation.calls).toHaveLength(ids.length);
    for (const { fromMs } of simulation.calls) {
      const at = new Date(fromMs);
      expect([0, 6]).not.toContain(at.getUTCDay());
      expect(at.getUTCHours()).toBeGreaterThanOrEqual(9);
      expect(at.getUTCHours()).toBeLessThan(18);
    }
    for (const id of ids) expect((await simulation.find(id)).status).toBe("SUCCEEDED");
  });

  test("a request that is not submitted by its notAfter ends EXPIRED_NOT_AFTER, and one that cannot be is refused", async () => {
    const simulation = makeWorkersSimulation({ pace, account });
    const beginMs = simulation.clock.businessMs();
    const eveningMs = Math.floor(beginMs / DAY_MS) * DAY_MS + 18 * HOUR_MS;
    const notAfter = (ms: number) => new Date(ms).toISOString();
    await simulation.runUntil(eveningMs - HOUR_MS);
    const late = simulation.accept({
      accountId: "b",
      n: 1,
      notAfter: notAfter(eveningMs + HOUR_MS),
    });
    await expect(late).resolves.toMatchObject({ waitsFor: expect.any(String) });
    await simulation.runUntil(eveningMs + 2 * HOUR_MS);
    const refused = simulation.accept({
      ...{ accountId: "a", n: 2, notAfter: notAfter(eveningMs + 10 * HOUR_MS) },
    });
    // The sweep wakes the lane within a minute.
    const expectedAt = notAfter(eveningMs + 15 * HOUR_MS + MINUTE_MS);
    await expect(refused).rejects.toMatchObject({
      code: "NOT_AFTER_UNREACHABLE",
      expectedAt,
    });
    const inTime = await simulation.accept({
      ...{ accountId: "a", n: 3, notAfter: notAfter(eveningMs + 16 * HOUR_MS) },
    });
    expect(inTime).toMatchObject({
      waitsFor: "hours",
      position: 1,
      expectedAt,
    });
    const { lane, ...owner } = await simulation.find(inTime.requestId);
    await simulation.lanes.pause(lane, owner, { reason: PAUSED_BY_CLIENT });
    await simulation.runUntil(eveningMs + 17 * HOUR_MS);
    const { status, error } = await simulation.find(inTime.requestId);
    expect({ status, code: error?.code }).toEqual({ status: "FAILED", code: "EXPIRED_NOT_AFTER" });
  });
});

describe("warm-up", () => {
  test("it begins with the first submission, and again after the provider has restricted the account", async () => {
    const account: AccountPace = { ...perDay(10), warmUp: { days: 10, from: 0.2 } };
    const simulation = makeWorkersSimulation({
      pace,
      account,
      exchange: ({ n }) =>
        n === 99
          ? answered(400, { status: "ACCOUNT_RESTRICTED", message: "Restricted" })
          : finished(),
    });
    const beginMs = simulation.clock.businessMs();
    await acceptMany(simulation, { count: 60 });
    const taken = (fromMs: number) =>
      connectsOf(simulation).filter((at) => at >= fromMs && at < fromMs + DAY_MS).length;
    await simulation.runUntil(beginMs + 8 * DAY_MS);
    expect(taken(beginMs)).toBe(2);
    expect(taken(beginMs + 7 * DAY_MS)).toBeGreaterThan(4);
    const [restricted = ""] = await acceptMany(simulation, { count: 1, from: 99, action: message });
    await simulation.runUntil(beginMs + 8 * DAY_MS + HOUR_MS);
    const { lane } = await simulation.find(restricted);
    expect((await simulation.lanes.find(lane))?.pause?.reason).toBe("ACCOUNT_RESTRICTED");
    await simulation.runUntil(beginMs + 10 * DAY_MS);
    await simulation.lanes.endAllPauses(lane, simulation.clock.businessMs());
    const resumedMs = simulation.clock.businessMs();
    await simulation.runUntil(resumedMs + DAY_MS);
    expect(taken(resumedMs)).toBe(2);
  });
});

describe("a batch", () => {
  test("each request of a batch shows what it waits for, as a call for it alone does, and its group ends with the last", async () => {
    const simulation = makeWorkersSimulation({ pace, account: perDay(2) });
    const accepted = await simulation.acceptBatch(Array(5).fill({}), "g");
    const times = accepted.map(({ wait }) => wait?.expectedMs ?? 0);
    expect(accepted.map(({ wait }) => wait?.position)).toEqual([1, 2, 3, 4, 5]);
    expect(times.toSorted((one, other) => one - other)).toEqual(times);
    expect(times.at(-1)).toBeGreaterThan(simulation.clock.businessMs() + DAY_MS);
    for (const [n, { request, wait }] of accepted.entries()) {
      expect(await simulation.get(request.requestId)).toMatchObject({
        waitsFor: wait?.waitsFor,
        waitReason: wait?.reason,
        position: n + 1,
        expectedAt: new Date(wait?.expectedMs ?? 0).toISOString(),
      });
    }
    expect(await simulation.group("g")).toMatchObject({
      expectedAt: new Date(times.at(-1) ?? 0).toISOString(),
    });
  });

  test("requests that are scheduled for the same time are expected one after the other, within the hours", async () => {
    const hours = { timeZone: "UTC", days: ["fri"], from: "09:00", to: "18:00" } as const;
    const simulation = makeWorkersSimulation({
      pace,
      account: { hours: { ...hours, days: [...hours.days] } },
    });
    // A Thursday at noon.
    const dawnMs = Math.floor(simulation.clock.businessMs() / DAY_MS) * DAY_MS + 28 * HOUR_MS;
    const accepted = await simulation.acceptBatch(Array(3).fill({ scheduledMs: dawnMs }), "g");
    expect(accepted.map(({ wait }) => wait?.waitsFor)).toEqual(Array(3).fill("schedule"));
    const times = accepted.map(({ wait }) => wait?.expectedMs ?? 0).toSorted((a, b) => a - b);
    const opensMs = dawnMs + 5 * HOUR_MS;
    expect(times[0]).toBeGreaterThanOrEqual(opensMs);
    for (const [n, atMs] of times.slice(1).entries()) {
      expect(atMs - (times[n] ?? 0)).toBeGreaterThanOrEqual(pace.minSeconds * 1_000);
    }
    expect(times[2]).toBeLessThan(opensMs + HOUR_MS);
    const { expectedAt } = await simulation.group("g");
    expect(expectedAt).toBe(new Date(times[2] ?? 0).toISOString());
  });

  test("the end of a group is not known while the account of one of its requests is paused", async () => {
    const simulation = makeWorkersSimulation({ pace, account: {} });
    const [first] = await simulation.acceptBatch([{}, {}], "g");
    expect(await simulation.group("g")).toHaveProperty("expectedAt");
    const { lane, ...owner } = await simulation.find(first?.request.requestId ?? "");
    await simulation.lanes.pause(lane, owner, { reason: PAUSED_BY_CLIENT });
    expect(await simulation.group("g")).not.toHaveProperty("expectedAt");
  });
});
