import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { InvalidRequest } from "../../shared/core/input/invalid-request.ts";
import {
  type FaultyRequestsRun,
  startFaultyRequestsRun,
} from "../support/runs/faulty-requests-run.ts";
import { runs } from "../support/runs/runs.ts";
import {
  makeWorkersSimulation,
  type WorkersSimulation,
} from "../support/simulations/workers-simulation.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** `SCHEDULED_REQUESTS=100000 npx vitest run test/faults/requests-schedule.test.ts -t C7` runs C7 at the size of the fault matrix. */
const REQUESTS = Number(process.env.SCHEDULED_REQUESTS ?? runs(50_000).numRuns);

const accountId = "account";

/** One request that is scheduled three hours ahead. */
async function scheduledSimulation(of: Parameters<typeof makeWorkersSimulation>[0] = {}) {
  const simulation = makeWorkersSimulation(of);
  const atMs = simulation.clock.businessMs() + 3 * HOUR_MS;
  const { requestId } = await simulation.accept({ accountId, n: 1, scheduledMs: atMs });
  await simulation.drain();
  // The test fires the schedules itself.
  simulation.schedules.clear();
  const due = { v: 1, kind: "due", requestId } as const;
  return { simulation, atMs, requestId, due, fire: () => simulation.makeWorker().handle([due]) };
}

const status = async (simulation: WorkersSimulation, requestId: string) =>
  (await simulation.find(requestId)).status;

describe("a scheduled request is submitted once and never early (G7)", () => {
  test.each([
    ["an hour", HOUR_MS],
    ["15 minutes and a second", 15 * MINUTE_MS + SECOND_MS],
    ["14 minutes", 14 * MINUTE_MS],
    ["a millisecond", 1],
  ])(
    "C4 the schedule fires early by %s: no request is sent early, and the request is sent at its time",
    async (_, earlyMs) => {
      const { simulation, atMs, requestId, fire } = await scheduledSimulation();
      await simulation.runUntil(atMs - earlyMs);
      await fire();
      await simulation.runUntil(atMs - 1);
      expect(simulation.calls).toEqual([]);
      expect(await status(simulation, requestId)).toBe("SCHEDULED");
      await simulation.runUntil(atMs + 150 * SECOND_MS);
      expect(simulation.calls).toHaveLength(1);
      expect(simulation.calls[0]?.fromMs).toBeGreaterThanOrEqual(atMs);
    },
  );

  test("C4 the schedule fires twice at once, in every interleaving, and again a minute late: there is one submission", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (s) => {
        let isScheduled = false;
        const { simulation, atMs, requestId, due, fire } = await scheduledSimulation({
          step: (call, { who, name }) =>
            isScheduled ? s.schedule(call(), `${who} ${name}`) : call(),
        });
        await simulation.runUntil(atMs);
        isScheduled = true;
        const firings = ["one", "other"].map((who) => simulation.makeWorker({ who }).handle([due]));
        await s.waitFor(Promise.all(firings));
        isScheduled = false;
        await simulation.runUntil(atMs + MINUTE_MS);
        await fire();
        await simulation.runUntil(atMs + HOUR_MS);
        expect(simulation.calls).toHaveLength(1);
        expect(await status(simulation, requestId)).toBe("SUCCEEDED");
      }),
      runs(1_000),
    );
  });

  test("C4 a schedule that fires 60 s late sends the request then, and without any firing the sweep sends it within 150 s", async () => {
    for (const lateMs of [MINUTE_MS, undefined]) {
      const { simulation, atMs, fire } = await scheduledSimulation();
      await simulation.runUntil(atMs + (lateMs ?? 0));
      if (lateMs !== undefined) await fire();
      await simulation.runUntil(atMs + 150 * SECOND_MS);
      expect(simulation.calls).toHaveLength(1);
    }
  });
});

describe("scheduled times", () => {
  const { TZ } = process.env;
  afterEach(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });

  const accepted: [what: string, now: string, scheduled: string][] = [
    ["in the hour that Europe skips", "2027-03-27T12:00:00Z", "2027-03-28T01:30:00.000Z"],
    ["in the hour that Europe has twice", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z"],
    ["in the hour that New York skips", "2027-03-13T12:00:00Z", "2027-03-14T07:30:00.000Z"],
    ["on a leap day", "2028-02-28T12:00:00Z", "2028-02-29T12:00:00.5Z"],
    ["at the turn of a year", "2026-12-31T12:00:00Z", "2026-12-31T23:59:59.999Z"],
  ];

  test.each(accepted)(
    "C5 a time %s is the same instant in every time zone of the machine",
    async (_, now, scheduled) => {
      const atMs = Date.parse(scheduled);
      for (const zone of ["UTC", "Europe/Kyiv", "America/New_York", "Asia/Kathmandu"]) {
        process.env.TZ = zone;
        const simulation = makeWorkersSimulation({});
        simulation.pass(Date.parse(now) - simulation.clock.businessMs());
        await simulation.accept({ accountId, n: 1, scheduled });
        expect([...simulation.schedules.values()]).toEqual([
          Math.ceil(atMs / SECOND_MS) * SECOND_MS,
        ]);
        await simulation.drain();
        simulation.pass(atMs - MINUTE_MS - simulation.clock.businessMs());
        await simulation.runUntil(atMs + MINUTE_MS);
        expect(simulation.calls).toHaveLength(1);
        expect(simulation.calls[0]?.fromMs).toBeGreaterThanOrEqual(atMs);
        expect(simulation.calls[0]?.fromMs).toBeLessThan(atMs + SECOND_MS);
      }
    },
  );

  const now = "2026-06-25T12:00:00.000Z";
  const refused: [what: string, scheduled: string][] = [
    ["the past", "2026-06-25T11:59:59.999Z"],
    ["now", now],
    ["a millisecond less than two hours ahead", "2026-06-25T13:59:59.999Z"],
    ["more than a year ahead", "2027-06-26T12:00:00.001Z"],
    ["year 9999", "9999-12-31T23:59:59.000Z"],
    ["29 February of a year that is not a leap year", "2027-02-29T12:00:00.000Z"],
    ["a leap second", "2026-06-30T23:59:60.000Z"],
    ["hour 24", "2026-06-26T24:00:00.000Z"],
    ["a local offset", "2026-06-26T12:00:00.000+02:00"],
    ["a time zone's name", "2026-06-26T12:00:00[Europe/Kyiv]"],
    ["a time zone's former name", "2026-06-26T12:00:00 Europe/Kiev"],
    ["a time without a zone", "2026-06-26T12:00:00.000"],
  ];

  test.each(refused)(
    "C5 the scheduled time %s is refused with the name of the field, and no request is stored",
    async (_, scheduled) => {
      const simulation = makeWorkersSimulation({});
      expect(new Date(simulation.clock.businessMs()).toISOString()).toBe(now);
      const answer = await simulation
        .accept({ accountId, n: 1, scheduled })
        .catch((error) => error);
      expect(answer).toBeInstanceOf(InvalidRequest);
      expect((answer as InvalidRequest).errors.map(({ field }) => field)).toEqual(["scheduled"]);
      expect([simulation.schedules.size, simulation.queue.length]).toEqual([0, 0]);
    },
  );
});

describe("a cancelled request is silent, also when it is cancelled while its schedule fires (G9)", () => {
  test("C6 in every interleaving of a cancel and a firing, the request is either cancelled or submitted, and a cancelled one causes no call and no event", async () => {
    const seen = { CANCELLED: 0, SUCCEEDED: 0 };
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (s) => {
        let isScheduled = false;
        const { simulation, atMs, requestId, fire } = await scheduledSimulation({
          step: (call, { who, name }) =>
            isScheduled ? s.schedule(call(), `${who} ${name}`) : call(),
        });
        await simulation.runUntil(atMs);
        simulation.published.splice(0);
        isScheduled = true;
        const cancelling = s
          .schedule(Promise.resolve(), "cancel")
          .then(() => simulation.cancel(requestId))
          .then(
            () => "CANCELLED" as const,
            (error: Error) => {
              // While it is being submitted, its provider may still refuse it: this one does not.
              const code = expect.stringMatching(/^(CONFLICT|DEPENDENCY_DOWN)$/);
              expect(error).toMatchObject({ code });
              return "SUCCEEDED" as const;
            },
          );
        const [outcome] = await s.waitFor(Promise.all([cancelling, fire()]));
        isScheduled = false;
        await simulation.runUntil(atMs + HOUR_MS);
        seen[outcome]++;
        const isCancelled = outcome === "CANCELLED";
        expect(await status(simulation, requestId)).toBe(outcome);
        expect(simulation.calls).toHaveLength(isCancelled ? 0 : 1);
        if (isCancelled) expect(simulation.published).toEqual([]);
      }),
      runs(3_000),
    );
    expect(Math.min(seen.CANCELLED, seen.SUCCEEDED)).toBeGreaterThan(10);
  });
});

describe(`${REQUESTS} requests at 09:00:00`, () => {
  const ACCOUNTS = REQUESTS / 40;
  /** Half of all requests belong to one account. */
  const HOT = REQUESTS / 2;

  test(`C7 all schedules fire in one minute, one account's ${HOT} first: each account's first request is sent at its firing, the next ones in the account's own gaps, and the number of requests makes no firing more expensive`, async () => {
    let steps = 0;
    const simulation = makeWorkersSimulation({
      rules: { accountWaitingLimit: REQUESTS },
      step: (call) => {
        steps++;
        return call();
      },
    });
    const atMs = simulation.clock.businessMs() + 21 * HOUR_MS;
    const ids: string[] = [];
    for (let n = 0; n < REQUESTS; n++) {
      const of = n < HOT ? "hot" : `account ${n % (ACCOUNTS - 1)}`;
      const { requestId } = await simulation.accept({ accountId: of, n, scheduledMs: atMs });
      ids.push(requestId);
    }
    simulation.queue.splice(0);
    simulation.schedules.clear();
    simulation.pass(atMs - simulation.clock.businessMs());
    steps = 0;
    const worker = simulation.makeWorker();
    for (let at = 0; at < REQUESTS; at += 10) {
      const batch = ids.slice(at, at + 10);
      const failed = await worker.handle(
        batch.map((requestId) => ({ v: 1, kind: "due", requestId }) as const),
      );
      expect(failed).toEqual([]);
    }
    // Joining a lane, sending its wake-up, and processing it if it was idle.
    expect(steps / REQUESTS).toBeLessThan(5);
    const callsOf = () => Map.groupBy(simulation.calls, (call) => call.accountId);
    expect(callsOf().size).toBe(ACCOUNTS);
    // The longest gap, and 30 s until the sweep counts a lane as overlooked.
    await simulation.runUntil(atMs + 2 * MINUTE_MS);
    const twice = [...callsOf().values()].filter((calls) => calls.length > 1);
    expect(twice).toHaveLength(ACCOUNTS);
    // Requests whose schedules fire at one time are ordered by joining only.
    for (const calls of twice) {
      const order = calls.map(({ n }) => n);
      expect(order).toEqual(order.toSorted((one, other) => one - other));
    }
  });
});

describe("a cancel on a local run", () => {
  const SPEED = 600;
  let run: FaultyRequestsRun;
  beforeAll(async () => {
    run = await startFaultyRequestsRun({
      speed: SPEED,
      settings: { scheduleLeadSeconds: 0, clientRequestsPerSecond: 10_000 },
    });
  });
  afterAll(() => run.close());

  /** Real time from now to the scheduled time. It grows while the machine is slow to accept a request. */
  let aheadMs = 500;

  /** Schedules a request soon; repeats if its time had passed before it was accepted. */
  async function acceptSoon(of: string): Promise<{ requestId: string; leftMs: number }> {
    for (;;) {
      // Ten chains share the estimate: another one may change it during the call.
      const triedMs = aheadMs;
      const atMs = run.businessMs() + triedMs * SPEED;
      const scheduled = new Date(atMs).toISOString();
      const answer = await run.request({ accountId: of, action: "connect", scheduled });
      const leftMs = (atMs - run.businessMs()) / SPEED;
      aheadMs = 500 + 2 * (triedMs - leftMs);
      if (answer.status === 202) return { requestId: answer.body.requestId, leftMs };
    }
  }

  const CHAINS = 10;
  const { numRuns: PER_CHAIN } = runs(40);
  const CANCELS = CHAINS * PER_CHAIN;

  test(`C6 each of ${CANCELS} cancels at about the time of the firing is answered 200 without a submission, or 409 with one submission`, async () => {
    // A slow machine fires late: the cancels come later, until both outcomes have been seen.
    let spread = 2;
    const race = async (n: number) => {
      const of = `C6 ${n} ${spread}`;
      const { requestId, leftMs } = await acceptSoon(of);
      // From now until some time after the request is due.
      await sleep(Math.max(0, leftMs) * ((spread * n) / CANCELS));
      for (;;) {
        const { status: answer } = await run.native("DELETE", `/v1/requests/${requestId}`);
        // It is being submitted at this moment: repeat the call, says the answer.
        if (answer !== 503) return { requestId, accountId: of, answer };
        await sleep(100);
      }
    };
    const raceAll = async () => {
      const chains = Array.from({ length: CHAINS }, async (_, chain) => {
        const raced = [];
        for (let n = 0; n < PER_CHAIN; n++) raced.push(await race(n * CHAINS + chain));
        return raced;
      });
      return (await Promise.all(chains)).flat();
    };
    const rows = await raceAll();
    while (rows.every(({ answer }) => answer === 200)) {
      spread *= 4;
      rows.push(...(await raceAll()));
    }
    const submitted = rows.filter(({ answer }) => answer === 409);
    const cancelled = rows.filter(({ answer }) => answer === 200);
    await Promise.all(submitted.map(({ requestId }) => run.reaches(requestId, "SUCCEEDED")));
    const submissions = Map.groupBy(await run.submissions(), (one) => one.accountId);
    const count = (of: { accountId: string }) => submissions.get(of.accountId)?.length ?? 0;
    expect(cancelled.length + submitted.length).toBe(rows.length);
    expect(Math.min(cancelled.length, submitted.length)).toBeGreaterThan(0);
    expect(cancelled.filter((one) => count(one) !== 0)).toEqual([]);
    expect(submitted.filter((one) => count(one) !== 1)).toEqual([]);
    const shown = await Promise.all(cancelled.map(({ requestId }) => run.get(requestId)));
    expect(shown.filter((one) => one.status !== "CANCELLED")).toEqual([]);
  });
});
