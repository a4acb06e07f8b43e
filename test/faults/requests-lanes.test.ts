import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { Exchange } from "../../shared/core/requests/state/ports.ts";
import {
  accepted,
  answered,
  finished,
  makeWorkersWorld,
  type Step,
  type WorkersWorld,
} from "../support/simulations/workers-simulation.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LEASE_MS = MINUTE_MS;

/** Longer than anything else that makes a lane wait. */
const PACE_MS = 3 * HOUR_MS;
const pace = { minSeconds: PACE_MS / SECOND_MS, maxSeconds: PACE_MS / SECOND_MS };

const accountId = "account";
const sent = ({ calls }: WorkersWorld) => calls.map(({ n }) => n);

/** From the answer of one call to the next call. */
function gapsMs({ calls }: WorkersWorld): number[] {
  return calls.slice(1).map(({ fromMs }, before) => fromMs - (calls[before]?.untilMs ?? 0));
}

/** A process that stops at its call number so-and-so: before it is made, or before it comes back. */
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
async function stoppedWorld(of: { nth: number; isApplied: boolean }) {
  const stop = stopAt("first");
  const rules = { unknownTimeoutMs: 4 * HOUR_MS };
  const world = makeWorkersWorld({ pace, rules, step: stop.step });
  const first = await world.accept({ accountId, n: 1 });
  const second = await world.accept({ accountId, n: 2 });
  const messages = world.queue.splice(0).map(({ message }) => message);
  stop.at(of.nth, of.isApplied);
  const work = world.makeWorker({ who: "first" }).handle(messages);
  await Promise.race([work, settled()]);
  return { world, stop, work, first, second };
}

/** When all that can happen without time passing has happened. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
}

/** Both ends of every call of the first worker, until it makes no more. */
async function forEveryStop(
  show: (of: Awaited<ReturnType<typeof stoppedWorld>>, where: string) => Promise<void>,
): Promise<number> {
  let stops = 0;
  for (let nth = 1; ; nth++) {
    for (const isApplied of [false, true]) {
      const stopped = await stoppedWorld({ nth, isApplied });
      if (stopped.stop.stoppedAt() === undefined) return stops;
      stops++;
      await show(stopped, `call ${nth}, ${isApplied ? "after" : "before"}`);
    }
  }
}

describe("a lane keeps its order and its pace when its worker stops (G5)", () => {
  test("C10 it dies at any of its calls: nobody sends before its lease ends, then the lane goes on in order and at its pace, nothing twice, and everything ends", async () => {
    const stops = await forEveryStop(async ({ world, first, second }, where) => {
      const before = sent(world);
      const { lane } = await world.find(first.requestId);
      const isHeld = (await world.lanes.find(lane))?.owner !== undefined;
      await world.runUntil(world.clock.businessMs() + LEASE_MS - SECOND_MS);
      if (isHeld) {
        await world.makeWorker({ who: "other" }).handle([{ v: 1, kind: "wakeUp", lane }]);
        expect(sent(world), where).toEqual(before);
        expect((await world.lanes.find(lane))?.owner, where).toBeDefined();
      }
      await world.runUntil(world.clock.businessMs() + DAY_MS);
      expect(sent(world).toSorted(), where).toEqual([...new Set(sent(world))].sort());
      expect(sent(world).at(-1), where).toBe(2);
      expect(Math.min(...gapsMs(world), Number.POSITIVE_INFINITY), where).toBeGreaterThanOrEqual(
        PACE_MS,
      );
      const statuses = [first, second].map(async ({ requestId }) => world.find(requestId));
      for (const { status, error } of await Promise.all(statuses)) {
        expect([status, error?.code], where).toEqual(
          status === "FAILED" ? ["FAILED", "OUTCOME_UNKNOWN"] : ["SUCCEEDED", undefined],
        );
      }
    });
    expect(stops).toBeGreaterThan(20);
  });

  test("C10 it is frozen at any of its calls and wakes after its lease has passed on: what it still writes is refused, it sends nothing that another may have sent", async () => {
    const stops = await forEveryStop(async ({ world, stop, work, first, second }, where) => {
      await world.runUntil(world.clock.businessMs() + PACE_MS / 2);
      const isUnknown = (await world.find(first.requestId)).status === "UNKNOWN";
      // It looks at the clock right before the call: frozen in between it would send.
      const isSending = stop.stoppedAt() === "exchange";
      if (isUnknown && !sent(world).includes(1) && !isSending) {
        await world.notSubmitted(first.requestId);
      }
      await world.runUntil(world.clock.businessMs() + 2 * PACE_MS);
      const before = await Promise.all(
        [first, second].map(({ requestId }) => world.find(requestId)),
      );
      const lane = await world.lanes.find(before[0]?.lane ?? "");
      stop.thaw();
      await work;
      await settled();
      expect(
        (await world.lanes.find(before[0]?.lane ?? ""))?.nextSubmissionNotBeforeMs,
        where,
      ).toBe(lane?.nextSubmissionNotBeforeMs);
      await world.runUntil(world.clock.businessMs() + DAY_MS);
      expect(sent(world).toSorted(), where).toEqual([...new Set(sent(world))].sort());
      for (const was of before) {
        const { status } = await world.find(was.requestId);
        const mayChange = ["QUEUED", "UNKNOWN"].includes(was.status);
        if (!mayChange) expect(status, where).toBe(was.status);
      }
    });
    expect(stops).toBeGreaterThan(20);
  });
});

describe("a lane that a worker just leaves, for nothing seems to wait in it", () => {
  /** What a worker and another process do to one lane at once, in any order; then time passes. */
  async function forEveryOrder(of: {
    other: (world: WorkersWorld, dueId: string) => Promise<unknown>;
    /** One that is scheduled waits for its firing. */
    isDue?: true;
    isLost?: (call: { who: string; name: string }) => boolean;
  }): Promise<void> {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat({ max: 15 }), async (s, later) => {
        let isScheduled = false;
        const world = makeWorkersWorld({
          step: async (call, { who, name }) => {
            if (!isScheduled) return call();
            if (of.isLost?.({ who, name })) throw new Failure("DEPENDENCY_DOWN", "planted");
            return s.schedule(call(), `${who} ${name}`);
          },
        });
        const scheduledMs = world.clock.businessMs() + 3 * HOUR_MS;
        const due = of.isDue && (await world.accept({ accountId, n: 2, scheduledMs }));
        await world.drain();
        world.schedules.clear();
        world.pass(3 * HOUR_MS);
        await world.accept({ accountId, n: 1 });
        const messages = world.queue.splice(0).map(({ message }) => message);
        isScheduled = true;
        const begins = async () => {
          for (let turn = 0; turn < later; turn++) await s.schedule(Promise.resolve(), "wait");
          await of.other(world, due?.requestId ?? "");
        };
        const one = world.makeWorker({ who: "one" }).handle(messages);
        await s.waitFor(Promise.all([one, begins()]));
        isScheduled = false;
        await world.runUntil(world.clock.businessMs() + 30 * MINUTE_MS);
        const { requests } = await world.stored.list({ clientId: "cl_1", limit: 10 });
        expect(requests.map(({ status }) => status)).toEqual(requests.map(() => "SUCCEEDED"));
        expect(sent(world)).toHaveLength(requests.length);
      }),
      { numRuns: 500 },
    );
  }

  test("C2 a scheduled request joins it in that moment: it is sent, not forgotten until it times out", async () => {
    await forEveryOrder({
      isDue: true,
      other: (world, requestId) =>
        world.makeWorker({ who: "other" }).handle([{ v: 1, kind: "due", requestId }]),
    });
  });

  test("C2 the sweep has a scheduled request join it in that moment: likewise", async () => {
    await forEveryOrder({
      isDue: true,
      other: (world) => {
        world.pass(2 * MINUTE_MS);
        return world.sweep();
      },
    });
  });

  test.each([
    ["comes at once", () => false],
    ["is lost", ({ who, name }: { who: string; name: string }) => who === "api" && name === "send"],
  ])(
    "C2 a request is accepted in that moment, and its message %s: it is sent",
    async (_, isLost) => {
      await forEveryOrder({
        other: async (world) => {
          await world.accept({ accountId, n: 3 });
          const messages = world.queue.splice(0).map(({ message }) => message);
          await world.makeWorker({ who: "other" }).handle(messages);
        },
        isLost,
      });
    },
  );
});

test("C10 whoever takes a result dies before it has the lane looked at: when the webhook comes again, the next one goes in its gap, not after the hold", async () => {
  let crashes = true;
  const world = makeWorkersWorld({
    exchange: ({ n }) => accepted(`theirs-${n}`),
    step: (call, { who, name }) => {
      if (who !== "consume" || name !== "bringForward" || !crashes) return call();
      crashes = false;
      throw new Error("crash");
    },
  });
  const first = await world.accept({ accountId, n: 1 });
  await world.accept({ accountId, n: 2 });
  await world.drain();
  await expect(world.decode(first.requestId, "done")).rejects.toThrow("crash");
  await world.decode(first.requestId, "done");
  await world.runUntil(world.clock.businessMs() + 3 * MINUTE_MS);
  expect(sent(world)).toEqual([1, 2]);
});

describe("a login, and those that wait for it", () => {
  const blocked = async () => {
    let crashAt: string | undefined;
    const world = makeWorkersWorld({
      exchange: ({ n }) => accepted(`theirs-${n}`),
      step: async (call, { who, name }) => {
        if (who !== "consume" || name !== crashAt) return call();
        crashAt = undefined;
        if (name === "replace") await call();
        throw new Error("crash");
      },
    });
    const first = await world.accept({ accountId, n: 1 });
    await world.drain();
    await world.decode(first.requestId, { failed: "WRONG_PASSWORD" });
    await world.accept({ accountId, n: 2 });
    await world.runUntil(world.clock.businessMs() + 10 * MINUTE_MS);
    expect(sent(world)).toEqual([1]);
    return {
      world,
      crash: (name: string) => {
        crashAt = name;
      },
    };
  };

  test("C12 a login that joins a blocked lane is sent at once, past those that wait", async () => {
    const { world } = await blocked();
    await world.accept({ accountId, n: 3, action: "login_v2" });
    await world.drain();
    expect(sent(world)).toEqual([1, 3]);
  });

  test.each(["replace", "unblock", "bringForward"])(
    "C10 whoever takes the word of its success dies after `%s`: the account is not left blocked",
    async (name) => {
      const { world, crash } = await blocked();
      const login = await world.accept({ accountId, n: 3, action: "login_v2" });
      await world.drain();
      crash(name);
      await expect(world.decode(login.requestId, "done")).rejects.toThrow("crash");
      await world.decode(login.requestId, "done");
      await world.runUntil(world.clock.businessMs() + 10 * MINUTE_MS);
      expect(sent(world)).toEqual([1, 3, 2]);
    },
  );

  test("C14 after a person's input the account's next submission keeps its gap, though the input went past the lane", async () => {
    const gapMs = 10 * MINUTE_MS;
    const world = makeWorkersWorld({
      pace: { minSeconds: gapMs / SECOND_MS, maxSeconds: gapMs / SECOND_MS },
      exchange: () => accepted("theirs"),
    });
    const login = await world.accept({ accountId, n: 1, action: "login_v2" });
    await world.drain();
    await world.decode(login.requestId, "prompt");
    await world.runUntil(world.clock.businessMs() + 12 * MINUTE_MS);
    await world.accept({ accountId, n: 2 });
    await world.continue(login.requestId, "123456");
    await world.drain();
    const answeredMs = world.clock.businessMs();
    await world.decode(login.requestId, "done");
    await world.runUntil(answeredMs + HOUR_MS);
    expect(world.calls.map(({ action }) => action)).toEqual(["login_v2", "login_code", "connect"]);
    expect(world.calls[1]?.fromMs).toBe(answeredMs);
    expect(world.calls[2]?.fromMs).toBeGreaterThanOrEqual(answeredMs + gapMs);
  });
});

describe("two workers that both believe that the lane is theirs", () => {
  // Whose clock is so far ahead finds every lease ended.
  const skews = [5 * MINUTE_MS, 5 * MINUTE_MS, 30 * SECOND_MS, 0, -5 * MINUTE_MS];

  test("C11 whichever way their calls interleave, and with clocks 5 min apart: each request is sent once, in order, no two at once", async () => {
    let bothOwned = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.constantFrom(...skews),
        fc.array(fc.constantFrom(SECOND_MS, LEASE_MS + SECOND_MS), { maxLength: 3 }),
        async (s, skewMs, waits) => {
          const owners = new Set<string>();
          let isScheduled = false;
          const world = makeWorkersWorld({
            step: async (call, { who, name }) => {
              const result = call();
              if (name === "acquire" && (await result) !== undefined) owners.add(who);
              return isScheduled ? s.schedule(result, `${who} ${name}`) : result;
            },
          });
          const requests = [];
          for (const n of [1, 2, 3]) requests.push(await world.accept({ accountId, n }));
          const { lane } = await world.find(requests[0]?.requestId ?? "");
          const wakeUp = { v: 1, kind: "wakeUp", lane } as const;
          isScheduled = true;
          const working = [
            world.makeWorker({ who: "one" }).handle([wakeUp]),
            world.makeWorker({ who: "other", skewMs }).handle([wakeUp]),
          ];
          s.scheduleSequence(
            waits.map((ms) => ({ label: `${ms} ms pass`, builder: async () => world.pass(ms) })),
          );
          await s.waitFor(Promise.all(working));
          if (owners.size === 2) bothOwned++;
          isScheduled = false;
          await world.runUntil(world.clock.businessMs() + 2 * HOUR_MS);
          expect(sent(world)).toEqual([1, 2, 3]);
          expect(Math.min(...gapsMs(world))).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 400 },
    );
    expect(bothOwned).toBeGreaterThan(20);
  });
});

describe("no FIFO queue holds a lane's order: the lane itself does", () => {
  const refused: Exchange = { kind: "notSent", reason: "ECONNREFUSED" };

  test("C12 a request that cannot be sent waits at the head, and the next is not sent before it", async () => {
    const world = makeWorkersWorld({
      exchange: ({ n, nth }) => (n === 1 && nth <= 5 ? refused : finished()),
    });
    for (const n of [1, 2, 3]) await world.accept({ accountId, n });
    await world.runUntil(world.clock.businessMs() + HOUR_MS);
    expect(sent(world)).toEqual([1, 1, 1, 1, 1, 1, 2, 3]);
  });

  test("C12 one that can never be sent ends FAILED, and the next one's turn comes at once", async () => {
    const world = makeWorkersWorld({});
    const [first, second] = [
      await world.accept({ accountId, n: 1 }),
      await world.accept({ accountId, n: 2 }),
    ];
    const { params: _, ...stored } = await world.find(first.requestId);
    await world.stored.replace({ ...stored, sealedParams: "v1.k1.not.what.was" });
    await world.drain();
    expect(sent(world)).toEqual([2]);
    expect(await world.find(first.requestId)).toMatchObject({
      status: "FAILED",
      error: { code: "CANNOT_BE_SENT" },
    });
    expect(await world.find(second.requestId)).toMatchObject({ status: "SUCCEEDED" });
  });

  test("C12 the store fails for one lane of a batch: its message alone stays, nothing of that lane is sent, and the other goes on", async () => {
    let looks = 0;
    const world = makeWorkersWorld({
      step: (call, { name }) => {
        if (name === "queue" && ++looks === 1) throw new Failure("DEPENDENCY_DOWN", "planted");
        return call();
      },
    });
    for (const n of [1, 2]) for (const one of ["A", "B"]) await world.accept({ accountId: one, n });
    const messages = world.queue.splice(0).map(({ message }) => message);
    const failed = await world.makeWorker().handle(messages);
    expect(failed).toHaveLength(1);
    expect(world.calls.map((call) => call.accountId)).toEqual(["B"]);
    await world.runUntil(world.clock.businessMs() + HOUR_MS);
    const ofA = world.calls.filter((call) => call.accountId === "A");
    expect(ofA.map(({ n }) => n)).toEqual([1, 2]);
  });

  /** What may come of a call, but for what keeps the connection from any other. */
  const ends = ["done", "accepted", "429", "not sent", "lost", "500", "400"] as const;

  function exchangeOf(end: (typeof ends)[number]): Exchange {
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

  test("C12 whatever comes of the calls: the order of joining, and no two of one account in flight", async () => {
    const heldMs = { accepted: HOUR_MS, lost: HOUR_MS / 4, "500": HOUR_MS / 4 };
    const course = fc.array(fc.constantFrom(...ends), { minLength: 12, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(course, async (planned) => {
        const left = [...planned];
        const freeFromMs = new Map<string, number>();
        const tooEarly: number[] = [];
        const world = makeWorkersWorld({
          exchange: (call) => {
            const nowMs = world.clock.businessMs();
            if (nowMs < (freeFromMs.get(call.accountId) ?? 0)) tooEarly.push(call.n);
            const end = left.shift() ?? "done";
            const holdMs = end in heldMs ? heldMs[end as keyof typeof heldMs] : 0;
            freeFromMs.set(call.accountId, nowMs + holdMs);
            return exchangeOf(end);
          },
        });
        for (const n of [1, 2, 3]) {
          for (const one of ["A", "B"]) await world.accept({ accountId: one, n });
        }
        const { requests } = await world.stored.list({ clientId: "cl_1", limit: 10 });
        const lanes = new Set(requests.map(({ lane }) => lane));
        // Somebody looks at the lanes all the time, whether or not there is a reason.
        for (let minutes = 0; minutes < 8 * 60; minutes += 7) {
          const atMs = world.clock.businessMs();
          for (const lane of lanes)
            world.queue.push({ message: { v: 1, kind: "wakeUp", lane }, atMs });
          await world.runUntil(atMs + 7 * MINUTE_MS);
        }
        for (const one of ["A", "B"]) {
          const order = world.calls.filter((call) => call.accountId === one).map(({ n }) => n);
          expect(order).toEqual(order.toSorted());
          expect(new Set(order)).toEqual(new Set([1, 2, 3]));
        }
        expect(tooEarly).toEqual([]);
        const mayHaveIt = world.calls.filter(({ status }) => [0, 200, 500].includes(status));
        expect(mayHaveIt.length).toBeLessThanOrEqual(6 + planned.filter(isNotSent).length);
      }),
      { numRuns: 150 },
    );
  });

  const isNotSent = (end: (typeof ends)[number]) => end === "not sent";
});

describe("pace", () => {
  const GAP_MS = 2 * SECOND_MS;
  const A_MINUTES_REQUESTS = MINUTE_MS / GAP_MS;

  /** There is always one that waits, and each batch is worked by a process of its own. */
  async function pacedFor(minutes: number, skewOfNextMs: () => number): Promise<WorkersWorld> {
    const world = makeWorkersWorld({
      pace: { minSeconds: GAP_MS / SECOND_MS, maxSeconds: GAP_MS / SECOND_MS },
      rules: { retentionMs: SECOND_MS },
      skewOfNextMs,
    });
    for (let n = 1; n <= (minutes + 1) * A_MINUTES_REQUESTS; n++) {
      await world.accept({ accountId, n });
      // The first minute's wait from the beginning.
      const atMs = n - A_MINUTES_REQUESTS;
      if (atMs > 0) await world.runUntil(startMs(world) + atMs * GAP_MS);
    }
    return world;
  }

  const startMs = ({ calls, clock }: WorkersWorld) => calls[0]?.fromMs ?? clock.businessMs();

  test("C14 one request every 2 s for an hour, each sent by a process of its own: no gap is shorter, for it is the stored time that keeps it", async () => {
    const world = await pacedFor(60, () => 0);
    expect(sent(world).slice(0, 1_800)).toEqual(Array.from({ length: 1_800 }, (_, n) => n + 1));
    expect(Math.min(...gapsMs(world))).toBeGreaterThanOrEqual(GAP_MS);
  });

  test("C14 processes whose clocks are up to 250 ms apart: no gap is shorter by more than that", async () => {
    const world = await pacedFor(10, () => Math.random() * 250);
    expect(sent(world).length).toBeGreaterThan(8 * A_MINUTES_REQUESTS);
    expect(Math.min(...gapsMs(world))).toBeGreaterThanOrEqual(GAP_MS - 250);
  });
});
