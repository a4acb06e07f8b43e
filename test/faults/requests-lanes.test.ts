import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { CallResult } from "../../shared/core/requests/state/ports.ts";
import { runs } from "../support/runs/runs.ts";
import {
  accepted,
  answered,
  finished,
  makeWorkersSimulation,
  type Step,
  type WorkersSimulation,
} from "../support/simulations/workers-simulation.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LEASE_MS = MINUTE_MS;

/** Longer than any other wait of a lane. */
const PACE_MS = 3 * HOUR_MS;
const pace = { minSeconds: PACE_MS / SECOND_MS, maxSeconds: PACE_MS / SECOND_MS };

const accountId = "account";
const sent = ({ calls }: WorkersSimulation) => calls.map(({ n }) => n);

/** From the answer of one call to the next call. */
function gapsMs({ calls }: WorkersSimulation): number[] {
  return calls.slice(1).map(({ fromMs }, before) => fromMs - (calls[before]?.untilMs ?? 0));
}

/** A process that stops at its nth call, either before the call is made or before it returns. */
function stopAt(who: string) {
  let left = Number.POSITIVE_INFINITY;
  let isApplied = false;
  let stoppedAt: string | undefined;
  let thaw: () => void = () => undefined;
  const frozen = new Promise<void>((resolve) => {
    thaw = resolve;
  });
  const step: Step = async (call, of) => {
    if (of.who !== who || --left !== 0) return call();
    stoppedAt = of.name;
    if (isApplied) {
      const result = await call();
      await frozen;
      return result;
    }
    await frozen;
    return call();
  };
  return {
    step,
    at(nth: number, applied: boolean) {
      left = nth;
      isApplied = applied;
    },
    stoppedAt: () => stoppedAt,
    thaw: () => thaw(),
  };
}

/** Two requests of one account, and a worker that stops at its call number `nth`. */
async function stoppedSimulation(of: { nth: number; isApplied: boolean }) {
  const stop = stopAt("first");
  const rules = { unknownTimeoutMs: 4 * HOUR_MS };
  const simulation = makeWorkersSimulation({ pace, rules, step: stop.step });
  const first = await simulation.accept({ accountId, n: 1 });
  const second = await simulation.accept({ accountId, n: 2 });
  const messages = simulation.queue.splice(0).map(({ message }) => message);
  stop.at(of.nth, of.isApplied);
  const work = simulation.makeWorker({ who: "first" }).handle(messages);
  await Promise.race([work, settled()]);
  return { simulation, stop, work, first, second };
}

/** Resolves when everything that needs no time to pass has happened. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
}

/** Runs `show` for a stop before and after every call of the first worker. */
async function forEveryStop(
  show: (of: Awaited<ReturnType<typeof stoppedSimulation>>, where: string) => Promise<void>,
): Promise<number> {
  let stops = 0;
  for (let nth = 1; ; nth++) {
    for (const isApplied of [false, true]) {
      const stopped = await stoppedSimulation({ nth, isApplied });
      if (stopped.stop.stoppedAt() === undefined) return stops;
      stops++;
      await show(stopped, `call ${nth}, ${isApplied ? "after" : "before"}`);
    }
  }
}

describe("a lane keeps its order and its pace when its worker stops (G5)", () => {
  test("C10 a worker dies at any of its calls: no request is sent before its lease ends or sent twice, the lane then continues in order and at its pace, and every request ends", async () => {
    const stops = await forEveryStop(async ({ simulation, first, second }, where) => {
      const before = sent(simulation);
      const { lane } = await simulation.find(first.requestId);
      const isHeld = (await simulation.lanes.find(lane))?.owner !== undefined;
      await simulation.runUntil(simulation.clock.businessMs() + LEASE_MS - SECOND_MS);
      if (isHeld) {
        await simulation.makeWorker({ who: "other" }).handle([{ v: 1, kind: "wakeUp", lane }]);
        expect(sent(simulation), where).toEqual(before);
        expect((await simulation.lanes.find(lane))?.owner, where).toBeDefined();
      }
      await simulation.runUntil(simulation.clock.businessMs() + DAY_MS);
      expect(sent(simulation).toSorted(), where).toEqual([...new Set(sent(simulation))].sort());
      expect(sent(simulation).at(-1), where).toBe(2);
      expect(
        Math.min(...gapsMs(simulation), Number.POSITIVE_INFINITY),
        where,
      ).toBeGreaterThanOrEqual(PACE_MS);
      const statuses = [first, second].map(async ({ requestId }) => simulation.find(requestId));
      for (const { status, error } of await Promise.all(statuses)) {
        expect([status, error?.code], where).toEqual(
          status === "FAILED" ? ["FAILED", "OUTCOME_UNKNOWN"] : ["SUCCEEDED", undefined],
        );
      }
    });
    expect(stops).toBeGreaterThan(20);
  });

  test("C10 a worker is frozen at any of its calls until another has the lease: its writes are refused, and it sends no request that another worker may have sent", async () => {
    const stops = await forEveryStop(async ({ simulation, stop, work, first, second }, where) => {
      await simulation.runUntil(simulation.clock.businessMs() + PACE_MS / 2);
      const isUnknown = (await simulation.find(first.requestId)).status === "UNKNOWN";
      // It reads the clock right before the call: if it were frozen in between, it would send.
      const isSending = stop.stoppedAt() === "exchange";
      if (isUnknown && !sent(simulation).includes(1) && !isSending) {
        await simulation.notSubmitted(first.requestId);
      }
      await simulation.runUntil(simulation.clock.businessMs() + 2 * PACE_MS);
      const before = await Promise.all(
        [first, second].map(({ requestId }) => simulation.find(requestId)),
      );
      const lane = await simulation.lanes.find(before[0]?.lane ?? "");
      stop.thaw();
      await work;
      await settled();
      expect(
        (await simulation.lanes.find(before[0]?.lane ?? ""))?.nextSubmissionNotBeforeMs,
        where,
      ).toBe(lane?.nextSubmissionNotBeforeMs);
      await simulation.runUntil(simulation.clock.businessMs() + DAY_MS);
      expect(sent(simulation).toSorted(), where).toEqual([...new Set(sent(simulation))].sort());
      for (const was of before) {
        const { status } = await simulation.find(was.requestId);
        const mayChange = ["QUEUED", "UNKNOWN"].includes(was.status);
        if (!mayChange) expect(status, where).toBe(was.status);
      }
    });
    expect(stops).toBeGreaterThan(20);
  });
});

describe("a worker releases a lane in which no request seems to wait", () => {
  /** Runs a worker and another process on one lane at once, in any order, and then lets time pass. */
  async function forEveryOrder(of: {
    other: (simulation: WorkersSimulation, dueId: string) => Promise<unknown>;
    /** A scheduled request waits for its schedule to fire. */
    isDue?: true;
    isLost?: (call: { who: string; name: string }) => boolean;
  }): Promise<void> {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat({ max: 15 }), async (s, later) => {
        let isScheduled = false;
        const simulation = makeWorkersSimulation({
          step: async (call, { who, name }) => {
            if (!isScheduled) return call();
            if (of.isLost?.({ who, name })) throw new Failure("DEPENDENCY_DOWN", "planted");
            return s.schedule(call(), `${who} ${name}`);
          },
        });
        const scheduledMs = simulation.clock.businessMs() + 3 * HOUR_MS;
        const due = of.isDue && (await simulation.accept({ accountId, n: 2, scheduledMs }));
        await simulation.drain();
        simulation.schedules.clear();
        simulation.pass(3 * HOUR_MS);
        await simulation.accept({ accountId, n: 1 });
        const messages = simulation.queue.splice(0).map(({ message }) => message);
        isScheduled = true;
        const begins = async () => {
          for (let turn = 0; turn < later; turn++) await s.schedule(Promise.resolve(), "wait");
          await of.other(simulation, due?.requestId ?? "");
        };
        const one = simulation.makeWorker({ who: "one" }).handle(messages);
        await s.waitFor(Promise.all([one, begins()]));
        isScheduled = false;
        await simulation.runUntil(simulation.clock.businessMs() + 30 * MINUTE_MS);
        const { requests } = await simulation.stored.list({ clientId: "cl_1", limit: 10 });
        expect(requests.map(({ status }) => status)).toEqual(requests.map(() => "SUCCEEDED"));
        expect(sent(simulation)).toHaveLength(requests.length);
      }),
      runs(2_000),
    );
  }

  test("C2 a scheduled request that joins the lane during its release is sent", async () => {
    await forEveryOrder({
      isDue: true,
      other: (simulation, requestId) =>
        simulation.makeWorker({ who: "other" }).handle([{ v: 1, kind: "due", requestId }]),
    });
  });

  test("C2 a scheduled request that the sweep joins to the lane during its release is sent", async () => {
    await forEveryOrder({
      isDue: true,
      other: (simulation) => {
        simulation.pass(2 * MINUTE_MS);
        return simulation.sweep();
      },
    });
  });

  test.each([
    ["arrives at once", () => false],
    ["is lost", ({ who, name }: { who: string; name: string }) => who === "api" && name === "send"],
  ])(
    "C2 a request that is accepted during the release of its lane, and whose message %s, is sent",
    async (_, isLost) => {
      await forEveryOrder({
        other: async (simulation) => {
          await simulation.accept({ accountId, n: 3 });
          const messages = simulation.queue.splice(0).map(({ message }) => message);
          await simulation.makeWorker({ who: "other" }).handle(messages);
        },
        isLost,
      });
    },
  );
});

test("C10 consume dies between storing a result and waking the lane: when the webhook is repeated, the next request is sent after its gap, not after the hold", async () => {
  let crashes = true;
  const simulation = makeWorkersSimulation({
    exchange: ({ n }) => accepted(`theirs-${n}`),
    step: (call, { who, name }) => {
      if (who !== "consume" || name !== "bringSweepForward" || !crashes) return call();
      crashes = false;
      throw new Error("crash");
    },
  });
  const first = await simulation.accept({ accountId, n: 1 });
  await simulation.accept({ accountId, n: 2 });
  await simulation.drain();
  await expect(simulation.decode(first.requestId, "done")).rejects.toThrow("crash");
  await simulation.decode(first.requestId, "done");
  await simulation.runUntil(simulation.clock.businessMs() + 3 * MINUTE_MS);
  expect(sent(simulation)).toEqual([1, 2]);
});

describe("requests that wait for a login", () => {
  const blocked = async () => {
    let crashAt: string | undefined;
    const simulation = makeWorkersSimulation({
      exchange: ({ n }) => accepted(`theirs-${n}`),
      step: async (call, { who, name }) => {
        if (who !== "consume" || name !== crashAt) return call();
        crashAt = undefined;
        if (name === "replace") await call();
        throw new Error("crash");
      },
    });
    const first = await simulation.accept({ accountId, n: 1 });
    await simulation.drain();
    await simulation.decode(first.requestId, { failed: "WRONG_PASSWORD" });
    await simulation.accept({ accountId, n: 2 });
    await simulation.runUntil(simulation.clock.businessMs() + 10 * MINUTE_MS);
    expect(sent(simulation)).toEqual([1]);
    return {
      simulation,
      crash: (name: string) => {
        crashAt = name;
      },
    };
  };

  test("C12 a login that joins a blocked lane is sent at once, before the requests that wait", async () => {
    const { simulation } = await blocked();
    await simulation.accept({ accountId, n: 3, action: "login_v2" });
    await simulation.drain();
    expect(sent(simulation)).toEqual([1, 3]);
  });

  test.each(["replace", "endLoginPause", "bringSweepForward"])(
    "C10 consume dies after `%s` while it applies the login's success: the account does not stay blocked",
    async (name) => {
      const { simulation, crash } = await blocked();
      const login = await simulation.accept({ accountId, n: 3, action: "login_v2" });
      await simulation.drain();
      crash(name);
      await expect(simulation.decode(login.requestId, "done")).rejects.toThrow("crash");
      await simulation.decode(login.requestId, "done");
      await simulation.runUntil(simulation.clock.businessMs() + 10 * MINUTE_MS);
      expect(sent(simulation)).toEqual([1, 3, 2]);
    },
  );

  test("C14 after a person's input the account's next submission keeps its gap, although the input bypassed the lane", async () => {
    const gapMs = 10 * MINUTE_MS;
    const simulation = makeWorkersSimulation({
      pace: { minSeconds: gapMs / SECOND_MS, maxSeconds: gapMs / SECOND_MS },
      exchange: () => accepted("theirs"),
    });
    const login = await simulation.accept({ accountId, n: 1, action: "login_v2" });
    await simulation.drain();
    await simulation.decode(login.requestId, "prompt");
    await simulation.runUntil(simulation.clock.businessMs() + 12 * MINUTE_MS);
    await simulation.accept({ accountId, n: 2 });
    await simulation.continue(login.requestId, "123456");
    await simulation.drain();
    const answeredMs = simulation.clock.businessMs();
    await simulation.decode(login.requestId, "done");
    await simulation.runUntil(answeredMs + HOUR_MS);
    expect(simulation.calls.map(({ action }) => action)).toEqual([
      "login_v2",
      "login_code",
      "connect",
    ]);
    expect(simulation.calls[1]?.fromMs).toBe(answeredMs);
    expect(simulation.calls[2]?.fromMs).toBeGreaterThanOrEqual(answeredMs + gapMs);
  });
});

describe("two workers that both hold a lease of one lane", () => {
  // For a worker whose clock is so far ahead every lease has expired.
  const skews = [5 * MINUTE_MS, 5 * MINUTE_MS, 30 * SECOND_MS, 0, -5 * MINUTE_MS];

  test("C11 two workers hold a lease of one lane: in every interleaving of their calls, with clocks 5 minutes apart, each request is sent once, in order, and never two at once", async () => {
    let bothOwned = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.constantFrom(...skews),
        fc.array(fc.constantFrom(SECOND_MS, LEASE_MS + SECOND_MS), { maxLength: 3 }),
        async (s, skewMs, waits) => {
          const owners = new Set<string>();
          let isScheduled = false;
          const simulation = makeWorkersSimulation({
            step: async (call, { who, name }) => {
              const result = call();
              if (name === "acquire" && (await result) !== undefined) owners.add(who);
              return isScheduled ? s.schedule(result, `${who} ${name}`) : result;
            },
          });
          const requests = [];
          for (const n of [1, 2, 3]) requests.push(await simulation.accept({ accountId, n }));
          const { lane } = await simulation.find(requests[0]?.requestId ?? "");
          const wakeUp = { v: 1, kind: "wakeUp", lane } as const;
          isScheduled = true;
          const working = [
            simulation.makeWorker({ who: "one" }).handle([wakeUp]),
            simulation.makeWorker({ who: "other", skewMs }).handle([wakeUp]),
          ];
          s.scheduleSequence(
            waits.map((ms) => ({
              label: `${ms} ms pass`,
              builder: async () => simulation.pass(ms),
            })),
          );
          await s.waitFor(Promise.all(working));
          if (owners.size === 2) bothOwned++;
          isScheduled = false;
          await simulation.runUntil(simulation.clock.businessMs() + 2 * HOUR_MS);
          expect(sent(simulation)).toEqual([1, 2, 3]);
          expect(Math.min(...gapsMs(simulation))).toBeGreaterThanOrEqual(0);
        },
      ),
      runs(1_500),
    );
    expect(bothOwned).toBeGreaterThan(20);
  });
});

describe("the order of a lane does not depend on a FIFO queue", () => {
  const refused: CallResult = { kind: "notSent", reason: "ECONNREFUSED" };

  test("C12 a request that cannot be sent waits at the head, and the next is not sent before it", async () => {
    const simulation = makeWorkersSimulation({
      exchange: ({ n, nth }) => (n === 1 && nth <= 5 ? refused : finished()),
    });
    for (const n of [1, 2, 3]) await simulation.accept({ accountId, n });
    await simulation.runUntil(simulation.clock.businessMs() + HOUR_MS);
    expect(sent(simulation)).toEqual([1, 1, 1, 1, 1, 1, 2, 3]);
  });

  test("C12 a request that can never be sent ends as FAILED, and the next one is sent at once", async () => {
    const simulation = makeWorkersSimulation({});
    const [first, second] = [
      await simulation.accept({ accountId, n: 1 }),
      await simulation.accept({ accountId, n: 2 }),
    ];
    const { params: _, ...stored } = await simulation.find(first.requestId);
    await simulation.stored.replace({ ...stored, sealedParams: "v1.k1.not.what.was" });
    await simulation.drain();
    expect(sent(simulation)).toEqual([2]);
    expect(await simulation.find(first.requestId)).toMatchObject({
      status: "FAILED",
      error: { code: "CANNOT_BE_SENT" },
    });
    expect(await simulation.find(second.requestId)).toMatchObject({ status: "SUCCEEDED" });
  });

  test("C12 the store fails for one lane of a batch: only its message stays in the queue, no request of that lane is sent, and the other lane continues", async () => {
    let reads = 0;
    const simulation = makeWorkersSimulation({
      step: (call, { name }) => {
        if (name === "readLaneHead" && ++reads === 1)
          throw new Failure("DEPENDENCY_DOWN", "planted");
        return call();
      },
    });
    for (const n of [1, 2])
      for (const one of ["A", "B"]) await simulation.accept({ accountId: one, n });
    const messages = simulation.queue.splice(0).map(({ message }) => message);
    const failed = await simulation.makeWorker().handle(messages);
    expect(failed).toHaveLength(1);
    expect(simulation.calls.map((call) => call.accountId)).toEqual(["B"]);
    await simulation.runUntil(simulation.clock.businessMs() + HOUR_MS);
    const ofA = simulation.calls.filter((call) => call.accountId === "A");
    expect(ofA.map(({ n }) => n)).toEqual([1, 2]);
  });

  /** The outcomes of a call, except those that stop the whole connection. */
  const ends = ["done", "accepted", "429", "not sent", "lost", "500", "400"] as const;

  function exchangeOf(end: (typeof ends)[number]): CallResult {
    switch (end) {
      case "done":
        return finished();
      case "accepted":
        return accepted(`theirs-${Math.random()}`);
      case "429":
        return answered(429, {}, { "retry-after": "120" });
      case "not sent":
        return refused;
      case "lost":
        return { kind: "incomplete", reason: "TIMEOUT" };
      case "500":
        return answered(500, {});
      default:
        return answered(400, { message: "no" });
    }
  }

  test("C12 for every outcome of the calls, requests are sent in the order of joining, and no two of one account are in flight", async () => {
    const heldMs = { accepted: HOUR_MS, lost: HOUR_MS / 4, "500": HOUR_MS / 4 };
    const course = fc.array(fc.constantFrom(...ends), { minLength: 12, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(course, async (planned) => {
        const left = [...planned];
        const freeFromMs = new Map<string, number>();
        const tooEarly: number[] = [];
        const simulation = makeWorkersSimulation({
          exchange: (call) => {
            const nowMs = simulation.clock.businessMs();
            if (nowMs < (freeFromMs.get(call.accountId) ?? 0)) tooEarly.push(call.n);
            const end = left.shift() ?? "done";
            const holdMs = end in heldMs ? heldMs[end as keyof typeof heldMs] : 0;
            freeFromMs.set(call.accountId, nowMs + holdMs);
            return exchangeOf(end);
          },
        });
        for (const n of [1, 2, 3]) {
          for (const one of ["A", "B"]) await simulation.accept({ accountId: one, n });
        }
        const { requests } = await simulation.stored.list({ clientId: "cl_1", limit: 10 });
        const lanes = new Set(requests.map(({ lane }) => lane));
        // Workers process the lanes all the time, whether or not there is a reason.
        for (let minutes = 0; minutes < 8 * 60; minutes += 7) {
          const atMs = simulation.clock.businessMs();
          for (const lane of lanes)
            simulation.queue.push({ message: { v: 1, kind: "wakeUp", lane }, atMs });
          await simulation.runUntil(atMs + 7 * MINUTE_MS);
        }
        for (const one of ["A", "B"]) {
          const order = simulation.calls.filter((call) => call.accountId === one).map(({ n }) => n);
          expect(order).toEqual(order.toSorted());
          expect(new Set(order)).toEqual(new Set([1, 2, 3]));
        }
        expect(tooEarly).toEqual([]);
        const mayHaveIt = simulation.calls.filter(({ status }) => [0, 200, 500].includes(status));
        expect(mayHaveIt.length).toBeLessThanOrEqual(6 + planned.filter(isNotSent).length);
      }),
      runs(500),
    );
  });

  const isNotSent = (end: (typeof ends)[number]) => end === "not sent";
});

describe("the pace of a lane", () => {
  /** Below We-Link's own limit of 100 requests an hour. */
  const GAP_MS = 40 * SECOND_MS;
  /** Requests that wait from the beginning. */
  const AHEAD = 3;

  /** A request always waits, and each batch is processed by a process of its own. */
  async function paced(count: number, skewOfNextMs: () => number): Promise<WorkersSimulation> {
    const simulation = makeWorkersSimulation({
      pace: { minSeconds: GAP_MS / SECOND_MS, maxSeconds: GAP_MS / SECOND_MS },
      rules: { retentionMs: SECOND_MS },
      skewOfNextMs,
    });
    for (let n = 1; n <= count + AHEAD; n++) {
      await simulation.accept({ accountId, n });
      const atMs = n - AHEAD;
      if (atMs > 0) await simulation.runUntil(startMs(simulation) + atMs * GAP_MS);
    }
    return simulation;
  }

  const startMs = ({ calls, clock }: WorkersSimulation) => calls[0]?.fromMs ?? clock.businessMs();

  test("C14 one request every 40 s for three hours, each sent by a process of its own, never has a shorter gap, because the time of the next submission is stored", async () => {
    const count = 3 * 90;
    const simulation = await paced(count, () => 0);
    expect(sent(simulation).slice(0, count)).toEqual(
      Array.from({ length: count }, (_, n) => n + 1),
    );
    expect(Math.min(...gapsMs(simulation))).toBeGreaterThanOrEqual(GAP_MS);
  });

  test("C14 processes whose clocks are up to 250 ms apart never have a gap that is shorter by more than that", async () => {
    const count = 60;
    const simulation = await paced(count, () => Math.random() * 250);
    expect(sent(simulation).length).toBeGreaterThan(0.8 * count);
    expect(Math.min(...gapsMs(simulation))).toBeGreaterThanOrEqual(GAP_MS - 250);
  });
});
