import fc from "fast-check";
import { expect, test } from "vitest";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import { makeJoinWhenDue } from "../../shared/core/requests/lanes/join-when-due.ts";
import { makeLaneScheduler } from "../../shared/core/requests/lanes/lane-scheduler.ts";
import type { LaneStore } from "../../shared/core/requests/state/lane-ports.ts";
import type { RequestStore } from "../../shared/core/requests/state/ports.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeSubmitQueue } from "../support/fakes/submit-queue.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const owner = newOwner();
const { texts } = makeRequestParts({ ...owner, provider: "we-link" });
const SECOND_MS = 1_000;

type Wrap = <Port extends object>(port: Port) => Port;

/** The scheduled requests of one lane, at a time when all of them are due. */
async function setUp(times: readonly { scheduledMs: number; createdMs: number }[]) {
  const clock = makeTestClock(0);
  const memory = makeMemoryRequests({ clock, retentionMs: 1e9 });
  const records = times.map((of) => requestRecord(owner, { status: "SCHEDULED", ...of }));
  for (const record of records) await memory.requests.create(record);
  clock.passBusiness(3_600 * SECOND_MS);
  const sent: SubmitMessage[] = [];

  /** The use case of one process. Each of its calls of a store may be wrapped. */
  function worker(wrap: Wrap = (port) => port) {
    const requests: RequestStore = wrap(memory.requests);
    const lanes: LaneStore = wrap(memory.lanes);
    const laneScheduler = makeLaneScheduler({
      lanes,
      submitQueue: makeSubmitQueue(async (message) => void sent.push(message)),
      nowMs: clock.businessMs,
      graceMs: 60 * SECOND_MS,
      onNonFatalError: (error) => expect.fail(String(error)),
    });
    return makeJoinWhenDue({
      requests,
      lanes,
      writer: makeRequestWriter({ requests, texts }),
      laneScheduler,
      context: () => ({ nowMs: clock.businessMs(), nowRealMs: 0, rules: requestRules }),
    });
  }
  const queued = async () => {
    const { waiting } = await memory.requests.readQueue(records[0]?.lane ?? "", 1_000);
    return waiting.map(({ requestId }) => requestId);
  };
  return { records, worker, queued, sent };
}

/** By scheduled time, then by acceptance. */
function inOrder(records: readonly ReturnType<typeof requestRecord>[]): string[] {
  return records
    .toSorted(
      (one, other) =>
        (one.scheduledMs ?? 0) - (other.scheduledMs ?? 0) || one.createdMs - other.createdMs,
    )
    .map(({ requestId }) => requestId);
}

// agronholm/apscheduler#325
test("Requests of one lane that are due at one moment join by scheduled time and acceptance, whichever schedule fires first", async () => {
  const time = fc.record({
    // Of one second: EventBridge Scheduler fires all of them at its end.
    scheduledMs: fc.constantFrom(900, 800, 700, 600, 500, 400).map((ms) => 60_000 + ms),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(time, { minLength: 2, maxLength: 8 }),
      fc.scheduler(),
      async (times, scheduler) => {
        const { records, worker, queued } = await setUp(
          times.map(({ scheduledMs }, n) => ({ scheduledMs, createdMs: n / 4 })),
        );
        const wrap: Wrap = (port) =>
          Object.fromEntries(
            Object.entries(port).map(([name, call]) => [name, scheduler.scheduleFunction(call)]),
          ) as typeof port;
        // Every schedule fires at once, in a process of its own.
        const firings = records.map((record) => worker(wrap)(record));
        await scheduler.waitFor(Promise.all(firings));
        expect(await queued()).toEqual(inOrder(records));
      },
    ),
    { numRuns: 200 },
  );
});

test("Of six requests that are due at the same instant, the one whose schedule fires joins behind those that were accepted before it", async () => {
  const { records, worker, queued } = await setUp(
    Array.from({ length: 6 }, (_, n) => ({ scheduledMs: 60_000, createdMs: n })),
  );
  const joinWhenDue = worker();
  for (const n of [4, 1, 5, 0, 3, 2]) {
    await joinWhenDue(records[n] as never);
    const joined = await queued();
    expect(joined).toContain(records[n]?.requestId);
    expect(joined).toEqual(inOrder(records).slice(0, joined.length));
  }
});

test("A request that is not due, has joined or was cancelled joins with no other", async () => {
  const { records, worker, queued } = await setUp([
    { scheduledMs: 3_599_000, createdMs: 1 },
    { scheduledMs: 3_600_001, createdMs: 0 },
  ]);
  const [due, later] = records;
  const joinWhenDue = worker();
  expect(await joinWhenDue(later as never)).toBeUndefined();
  expect(await queued()).toEqual([]);
  expect(await joinWhenDue(due as never)).toEqual({ wakesLane: true, isUnfinished: false });
  expect(await joinWhenDue(due as never)).toBeUndefined();
  expect(await queued()).toEqual([due?.requestId]);
});

test("A call joins a limited number of requests, in order, and says that it must be repeated", async () => {
  const { records, worker, queued } = await setUp(
    Array.from({ length: 120 }, (_, n) => ({ scheduledMs: 60_000, createdMs: n })),
  );
  const joinWhenDue = worker();
  const last = records.at(-1) as never;
  expect(await joinWhenDue(last)).toEqual({ wakesLane: true, isUnfinished: true });
  expect(await queued()).toEqual(inOrder(records).slice(0, 50));
  expect(await joinWhenDue(last)).toMatchObject({ isUnfinished: true });
  expect(await joinWhenDue(last)).toMatchObject({ isUnfinished: false });
  expect(await queued()).toEqual(inOrder(records));
});
