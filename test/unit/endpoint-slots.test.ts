import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { makeEndpointSlots } from "../../shared/core/deliveries/attempts/endpoint-slots.ts";
import type { EndpointHealth } from "../../shared/core/deliveries/state/record.ts";
import { endpointHealth } from "../support/payloads/delivery-records.ts";
import { deliveryRules } from "../support/simulations/delivery-simulation.ts";

const nowMs = Date.UTC(2026, 5, 25, 12);
const rules = { ...deliveryRules, breakerFailures: 5, workersPerEndpoint: 2, slowMs: 3_000 };
const ids = { clientId: "cl_1", webhookId: "wh_1" };
const health = (of: Partial<EndpointHealth> = {}) => endpointHealth({ ...ids, version: 4, ...of });
const lease = { owner: "w1", untilMs: nowMs + 90_000 };
const options = { lease, hasMessageAtMaxHold: false };
const down = new Failure("DEPENDENCY_DOWN", "no table");

const success = { isSuccess: true, isSlow: false };
const slow = { isSuccess: true, isSlow: true };
const failure = { isSuccess: false, isSlow: false };

/** @param others what other workers have stored before each of the first writes */
function setUp(others: EndpointHealth[] = []) {
  const writes: EndpointHealth[] = [];
  const opened: EndpointHealth[] = [];
  const ignored: unknown[] = [];
  const timers: { ms: number; signal: AbortSignal; end: () => void }[] = [];
  const world = { isDown: false };
  const slots = makeEndpointSlots({
    health: {
      async replace(next) {
        if (world.isDown) throw down;
        writes.push(next);
        const stored = others.shift();
        return stored ? { stored } : { written: { ...next, version: next.version + 1 } };
      },
    },
    context: () => ({ nowMs, nowRealMs: nowMs, speed: 1, rules }),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")));
        timers.push({ ms, signal, end: resolve });
      }),
    onCircuitOpened: (one) => opened.push(one),
    onNonFatalError: (error) => ignored.push(error),
  });
  return { slots, writes, opened, ignored, timers, world };
}

describe("A slot of an endpoint", () => {
  test("A slot is taken until the lease ends, beside those that have not ended", async () => {
    const { slots, writes } = setUp();
    const before = health({ slots: { ended: nowMs, w2: nowMs + 1 } });
    const taken = { ...before, slots: { w2: nowMs + 1, w1: lease.untilMs } };
    expect(await slots.acquire(before, options)).toEqual({ acquired: { ...taken, version: 5 } });
    expect(writes).toEqual([taken]);
  });

  test("A worker that has a slot takes it again, and takes no other one", async () => {
    const { slots } = setUp();
    const before = health({ slots: { w1: nowMs + 1, w2: nowMs + 1 } });
    const acquired = { ...before, slots: { w2: nowMs + 1, w1: lease.untilMs }, version: 5 };
    expect(await slots.acquire(before, options)).toEqual({ acquired });
  });

  test("A worker gets no slot where as many workers as allowed have one", async () => {
    const { slots, writes } = setUp();
    const full = health({ slots: { w2: nowMs + 1, w3: nowMs + 1 } });
    expect(await slots.acquire(full, options)).toEqual({ unavailable: full });
    expect(writes).toEqual([]);
  });

  test("An open circuit leaves one slot, except for a message at its longest hold", async () => {
    const { slots } = setUp();
    const open = health({ consecutiveFailures: 5, slots: { w2: nowMs + 1 } });
    expect(await slots.acquire(open, options)).toEqual({ unavailable: open });
    const atMaxHold = await slots.acquire(open, { lease, hasMessageAtMaxHold: true });
    expect(atMaxHold).toHaveProperty("acquired");
    const closed = health({ consecutiveFailures: 4, slots: { w2: nowMs + 1 } });
    expect(await slots.acquire(closed, options)).toHaveProperty("acquired");
  });

  test("A slot that another worker takes first leaves the next one, or none", async () => {
    const one = health({ slots: { w2: nowMs + 1 }, version: 7 });
    const two = health({ slots: { w2: nowMs + 1, w3: nowMs + 1 }, version: 8 });
    const acquired = { ...one, slots: { w2: nowMs + 1, w1: lease.untilMs }, version: 8 };
    expect(await setUp([one]).slots.acquire(health(), options)).toEqual({ acquired });
    expect(await setUp([one, two]).slots.acquire(health(), options)).toEqual({ unavailable: two });
  });

  test("A worker gives up when others write first ten times", async () => {
    const others = Array.from({ length: 10 }, (_, n) => health({ version: 5 + n }));
    const last = others[9];
    const { slots, writes } = setUp(others);
    expect(await slots.acquire(health(), options)).toEqual({ unavailable: last });
    expect(writes).toHaveLength(10);
    const nine = setUp(others.concat(Array.from({ length: 9 }, () => health())));
    expect(await nine.slots.acquire(health(), options)).toHaveProperty("acquired");
  });

  test("A worker of an endpoint that the client has left gets no slot", async () => {
    const later = health({ endpointNumber: 2, version: 9 });
    const { slots, writes } = setUp([later]);
    expect(await slots.acquire(health(), options)).toEqual({ unavailable: later });
    expect(writes).toHaveLength(1);
  });

  test("The stored health of an earlier endpoint is replaced", async () => {
    const earlier = health({ endpointNumber: 0, consecutiveFailures: 9, version: 9 });
    const { slots } = setUp([earlier]);
    expect(await slots.acquire(health(), options)).toEqual({
      acquired: {
        ...health({ isFast: false, fastSuccessesNeeded: 1, version: 10 }),
        slots: { w1: lease.untilMs },
      },
    });
  });

  test("A slot that is given back is free, and its worker's attempts are recorded", async () => {
    const { slots, writes, opened } = setUp();
    const before = health({ slots: { w1: nowMs + 1, w2: nowMs + 1, ended: nowMs } });
    await slots.release(before, "w1", [success, failure]);
    expect(writes).toEqual([
      {
        ...before,
        ...{ slots: { w2: nowMs + 1 }, consecutiveFailures: 1 },
        ...{ isFast: false, fastSuccessesNeeded: 20 },
      },
    ]);
    expect(opened).toEqual([]);
  });
});

describe("The attempts at an endpoint", () => {
  test("The circuit opens once, by the failure that makes enough in a row", async () => {
    const { slots, writes, opened } = setUp();
    await slots.release(health({ consecutiveFailures: 3 }), "w1", [failure]);
    expect(opened).toEqual([]);
    await slots.recordObservations(health({ consecutiveFailures: 4 }), [failure]);
    expect(opened).toEqual([writes[1]]);
    expect(opened).toMatchObject([{ consecutiveFailures: 5 }]);
    await slots.recordObservations(health({ consecutiveFailures: 5 }), [failure]);
    expect(writes).toHaveLength(3);
    expect(opened).toHaveLength(1);
  });

  test("Fast successes cost a fast endpoint no write", async () => {
    const { slots, writes } = setUp();
    await slots.recordObservations(health(), [success, success]);
    expect(writes).toEqual([]);
  });

  test.each([
    ["a fast success makes a new endpoint fast", false, success, true, 0],
    ["a slow success makes a fast endpoint slow", true, slow, false, 20],
    ["a failure makes a fast endpoint slow", true, failure, false, 20],
  ])("Of attempts that are recorded, %s", async (_, wasFast, attempt, isFast, needed) => {
    const { slots, writes } = setUp();
    const before = health({ isFast: wasFast, fastSuccessesNeeded: wasFast ? 0 : 1 });
    await slots.recordObservations(before, [attempt]);
    expect(writes).toMatchObject([{ isFast, fastSuccessesNeeded: needed, version: 4 }]);
  });

  test("Attempts that cannot be recorded fail nothing", async () => {
    const { slots, world, ignored } = setUp();
    world.isDown = true;
    await slots.release(health(), "w1", [failure]);
    await slots.recordObservations(health(), [failure]);
    expect(ignored).toEqual([down, down]);
    await expect(slots.acquire(health(), options)).rejects.toBe(down);
  });
});

describe("A POST to an endpoint that counts as fast", () => {
  test("A POST that ends in time marks nothing, and its timer is stopped", async () => {
    const { slots, writes, timers } = setUp();
    expect(await slots.awaitMarkingSlow(health(), Promise.resolve("posted"))).toBe("posted");
    expect(timers.map(({ ms, signal }) => [ms, signal.aborted])).toEqual([[3_000, true]]);
    expect(writes).toEqual([]);
  });

  test("A POST that takes too long marks its endpoint as slow before it ends", async () => {
    const { slots, writes, timers } = setUp();
    const { promise, resolve } = Promise.withResolvers<string>();
    const waiting = slots.awaitMarkingSlow(health({ consecutiveFailures: 2 }), promise);
    timers[0]?.end();
    await setImmediate();
    const marked = { consecutiveFailures: 2, isFast: false, fastSuccessesNeeded: 20 };
    expect(writes).toEqual([health(marked)]);
    resolve("posted");
    expect(await waiting).toBe("posted");
  });

  test("A mark that cannot be stored changes nothing about the POST", async () => {
    const { slots, timers, world, ignored } = setUp();
    world.isDown = true;
    const { promise, resolve } = Promise.withResolvers<string>();
    const waiting = slots.awaitMarkingSlow(health(), promise);
    timers[0]?.end();
    await setImmediate();
    resolve("posted");
    expect(await waiting).toBe("posted");
    expect(ignored).toEqual([down]);
  });

  test("A POST that rejects stops the timer, and rejects", async () => {
    const { slots, timers, writes } = setUp();
    const error = new Error("no POST");
    await expect(slots.awaitMarkingSlow(health(), Promise.reject(error))).rejects.toBe(error);
    expect(timers.map(({ signal }) => signal.aborted)).toEqual([true]);
    expect(writes).toEqual([]);
  });
});
