import { describe, expect, test } from "vitest";
import { laneOf } from "../../shared/core/requests/acceptance/request-id.ts";
import {
  accepted,
  answered,
  finished,
  makeWorkersSimulation,
} from "../support/simulations/workers-simulation.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

type Simulation = ReturnType<typeof makeWorkersSimulation>;

async function pause(
  simulation: Simulation,
  { requestId, accountId }: { requestId: string; accountId: string },
  pause: { reason: string; untilMs?: number },
): Promise<void> {
  const owner = { clientId: "cl_1", provider: "we-link", connectionId: "cn_1", accountId } as const;
  await simulation.lanes.pause(laneOf(requestId) ?? "", owner, pause);
}

/** Runs of `reconcile`, one each minute, with the workers at their time in between. */
async function minutes(simulation: Simulation, count: number): Promise<void> {
  await simulation.runUntil(simulation.clock.businessMs() + count * MINUTE_MS);
}

/** The longest delay after a fault (G7). */
const MAX_DELAY_MS = 150 * SECOND_MS;

/** The longest run of `reconcile`. */
const RUN_MS = 50 * SECOND_MS;

/**
 * Accepts a request whose lane only the sweep wakes up, because its pause is longer than SQS can
 * delay a message, and a scheduled request whose schedule does not fire.
 */
async function victims(simulation: Simulation, pauseMs: number) {
  const nowMs = simulation.clock.businessMs();
  const untilMs = nowMs + pauseMs;
  const scheduled = await simulation.accept({ accountId: "s", n: 1, scheduledMs: untilMs });
  simulation.schedules.clear();
  const paused = await simulation.accept({ accountId: "p", n: 1 });
  await pause(simulation, paused, { reason: "RATE_LIMITED", untilMs });
  await simulation.drain();
  return {
    untilMs,
    async expectInTime() {
      const joined = await simulation.find(scheduled.requestId);
      expect(joined.joinedMs).toBeLessThanOrEqual(untilMs + MAX_DELAY_MS);
      const { status, submittedMs } = await simulation.find(paused.requestId);
      expect(status).toBe("SUCCEEDED");
      // The workers of the simulation wait until a run of the sweep has ended.
      expect(submittedMs).toBeLessThanOrEqual(untilMs + MAX_DELAY_MS + RUN_MS);
    },
  };
}

const rules = { scheduleLeadMs: 0, resultTimeoutMs: 2 * HOUR_MS };

describe("A provider that hangs", () => {
  const PROVIDER_CALL_MS = 5 * SECOND_MS;

  /** Many running requests whose webhooks never come. */
  async function hanging(requests: number) {
    let hangs = false;
    let unreadable = 0;
    const polls: string[] = [];
    const simulation: Simulation = makeWorkersSimulation({
      rules,
      exchange: ({ accountId, n }) =>
        accountId.startsWith("hot") ? accepted(`theirs-${accountId}-${n}`) : finished(),
      poll: (id) => {
        polls.push(id);
        if (!hangs) return answered(200, { status: "SUCCESS", request_id: id, result: {} });
        simulation.pass(PROVIDER_CALL_MS);
        return { kind: "incomplete", reason: "TIMEOUT" };
      },
      onReadConnection: async () => {
        if (unreadable-- > 0) throw new Error("the connection cannot be read");
      },
    });
    const ids: string[] = [];
    for (let n = 0; n < requests; n++) {
      ids.push((await simulation.accept({ accountId: `hot-${n}`, n })).requestId);
    }
    await simulation.drain();
    return {
      simulation,
      polls,
      ids,
      hang: (value: boolean) => {
        hangs = value;
      },
      /** The next reads of a connection fail. */
      failReads: (count: number) => {
        unreadable = count;
      },
    };
  }

  test("a provider that hangs delays neither a lane nor a lost schedule, and costs a run one call", async () => {
    const { simulation, polls, hang } = await hanging(600);
    const victim = await victims(simulation, 16 * MINUTE_MS);
    hang(true);
    await minutes(simulation, 20);
    await victim.expectInTime();
    // One call at 15 minutes, then after 1, 2 and 4 minutes: never more than one in a run.
    expect(polls.length).toBeGreaterThanOrEqual(2);
    expect(polls.length).toBeLessThanOrEqual(4);
    expect(new Set(polls).size).toBe(polls.length);
  });

  test("requests that lead to no call do not let a run make more than one call", async () => {
    const { simulation, polls, hang, failReads } = await hanging(60);
    hang(true);
    simulation.pass(15 * MINUTE_MS);
    failReads(3);
    await simulation.sweep();
    expect(polls).toHaveLength(1);
  });

  test("when a provider that hung answers again, every request is polled", async () => {
    const { simulation, ids, hang } = await hanging(120);
    hang(true);
    await minutes(simulation, 30);
    hang(false);
    await minutes(simulation, 60);
    const found = await Promise.all(ids.map((id) => simulation.find(id)));
    expect(found.filter(({ status }) => status === "SUCCEEDED")).toHaveLength(ids.length);
  });

  test("a request ends within 35 minutes after its time limit although its provider hangs", async () => {
    const { simulation, ids, hang } = await hanging(60);
    const { resultTimeoutMs } = simulation.rules;
    hang(true);
    await minutes(simulation, resultTimeoutMs / MINUTE_MS + 40);
    for (const id of ids) {
      const { status, error, finishedMs = 0, submittedMs = 0 } = await simulation.find(id);
      expect({ status, code: error?.code }).toEqual({ status: "FAILED", code: "RESULT_TIMEOUT" });
      const delayMs = finishedMs - submittedMs - resultTimeoutMs;
      expect(delayMs).toBeGreaterThanOrEqual(10 * MINUTE_MS);
      // It is put off twice, for up to 15 minutes, and each time a run may be late.
      expect(delayMs).toBeLessThanOrEqual(30 * MINUTE_MS + 2 * MAX_DELAY_MS);
    }
  });
});

test("a connection with more due polls than a run makes does not delay another connection's poll", async () => {
  const polls: string[] = [];
  const simulation: Simulation = makeWorkersSimulation({
    exchange: ({ accountId, n }) => accepted(`theirs-${accountId}-${n}`),
    poll: (id) => {
      polls.push(id);
      return answered(404, {});
    },
  });
  for (let n = 0; n < 350; n++) await simulation.accept({ accountId: `many-${n}`, n });
  await simulation.drain();
  await simulation.accept({ accountId: "other", n: 1, connectionId: "cn_2" });
  await simulation.drain();
  simulation.pass(15 * MINUTE_MS);
  await simulation.sweep();
  expect(polls).toHaveLength(100);
  expect(polls).toContain("theirs-other-1");
  // The next runs poll the others, each once.
  for (let run = 0; run < 5; run++) {
    simulation.pass(MINUTE_MS);
    await simulation.sweep();
  }
  expect(polls).toHaveLength(351);
  expect(new Set(polls).size).toBe(351);
});

test("a connection whose rate limit is reached is not polled again in the run, and others are", async () => {
  const polls: string[] = [];
  const simulation: Simulation = makeWorkersSimulation({
    exchange: ({ accountId, n }) => accepted(`theirs-${accountId}-${n}`),
    poll: (id) => {
      polls.push(id);
      return id.includes("limited")
        ? answered(429, {}, { "retry-after": "600" })
        : answered(404, {});
    },
  });
  for (let n = 0; n < 20; n++) {
    await simulation.accept({ accountId: `limited-${n}`, n });
    await simulation.accept({ accountId: `other-${n}`, n, connectionId: "cn_2" });
  }
  await simulation.drain();
  simulation.pass(15 * MINUTE_MS);
  await simulation.sweep();
  expect(polls.filter((id) => id.includes("other"))).toHaveLength(20);
  const limited = () => polls.filter((id) => id.includes("limited"));
  // At most the calls that were made before the first answer came.
  expect(limited().length).toBeLessThanOrEqual(10);
  const before = limited().length;
  for (let run = 0; run < 9; run++) {
    simulation.pass(MINUTE_MS);
    await simulation.sweep();
  }
  expect(limited()).toHaveLength(before);
});

test("waiting requests that time out delay neither a lane nor a lost schedule", async () => {
  let writes = 0;
  const gapMs = 48 * HOUR_MS;
  const simulation: Simulation = makeWorkersSimulation({
    rules: { ...rules, pace: { minGapMs: gapMs, maxGapMs: gapMs } },
    step: (call, { who, name }) => {
      // A write takes its time, so that a run cannot end all the requests.
      if (who === "sweep" && name === "replace") {
        writes++;
        simulation.pass(40);
      }
      return call();
    },
  });
  const accounts = 4;
  for (let a = 0; a < accounts; a++) {
    for (let n = 0; n < 500; n++) await simulation.accept({ accountId: `hot-${a}`, n });
    simulation.pass(SECOND_MS);
  }
  await simulation.drain();
  simulation.pass(23 * HOUR_MS);
  const victim = await victims(simulation, HOUR_MS + 30 * SECOND_MS);
  simulation.pass(HOUR_MS - MINUTE_MS);
  writes = 0;
  await minutes(simulation, 4);
  await victim.expectInTime();
  // The backlog was there: the runs had no time to end it.
  expect(writes).toBeGreaterThan(1_000);
});

describe("An index that is behind", () => {
  test("one run of the sweep processes everything that is due, although the index stays as it was", async () => {
    const simulation: Simulation = makeWorkersSimulation({ rules });
    const atMs = simulation.clock.businessMs() + HOUR_MS;
    const ids: string[] = [];
    for (let n = 0; n < 900; n++) {
      const account = { accountId: `a-${n}`, n };
      ids.push((await simulation.accept({ ...account, scheduledMs: atMs })).requestId);
    }
    await simulation.drain();
    simulation.schedules.clear();
    simulation.pass(HOUR_MS + 2 * MINUTE_MS);
    simulation.stored.freezeIndexes();
    const { joined, failed } = await simulation.sweep();
    expect({ joined, failed }).toEqual({ joined: ids.length, failed: [] });
    // Seen again, they are left alone.
    expect((await simulation.sweep()).joined).toBe(0);
    simulation.stored.thawIndexes();
    await simulation.drain();
    const found = await Promise.all(ids.map((id) => simulation.find(id)));
    expect(found.filter(({ status }) => status === "SUCCEEDED")).toHaveLength(ids.length);
  });

  test("a lane gets one wake-up message of the sweep, although the index shows it as due again", async () => {
    const simulation: Simulation = makeWorkersSimulation({});
    for (let n = 0; n < 300; n++) await simulation.accept({ accountId: `a-${n}`, n });
    // All messages are lost.
    simulation.queue.length = 0;
    simulation.pass(2 * MINUTE_MS);
    simulation.stored.freezeIndexes();
    expect((await simulation.sweep()).wokenLanes).toBe(300);
    simulation.pass(SECOND_MS);
    expect((await simulation.sweep()).wokenLanes).toBe(0);
  });
});
