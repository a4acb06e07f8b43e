import { ListSchedulesCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { laneId, newRequestId } from "../../shared/core/requests/acceptance/request-id.ts";
import type { Fault } from "../support/fakes/aws-faults.ts";
import {
  type FaultyRequestsRun,
  startFaultyRequestsRun,
} from "../support/runs/faulty-requests-run.ts";
import { runs } from "../support/runs/runs.ts";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

const SPEED = 600;
const MINUTE_MS = 60_000;

/** A text that only the write of a request in this status contains. */
const stored = (status: string) => `"status":"${status}"`;

let run: FaultyRequestsRun;
let scheduler: SchedulerClient;
let scenarios: {
  left: Left;
  lost: Awaited<ReturnType<typeof losesAnswer>>;
  retried: Awaited<ReturnType<typeof retries>>;
  named: Awaited<ReturnType<typeof acceptNames>>;
};
beforeAll(async () => {
  run = await startFaultyRequestsRun({
    speed: SPEED,
    batchSize: 1,
    settings: { scheduleLeadSeconds: 0, clientRequestsPerSecond: 10_000 },
  });
  scheduler = new SchedulerClient(localAws(run.run.addresses.awsUrl));
  // The accepted requests wait for the sweep or their time while the other rows run.
  scenarios = {
    left: await leaveAll(),
    lost: await losesAnswer(),
    retried: await retries(),
    named: await acceptNames(),
  };
}, LONG_TEST_TIMEOUT_MS);
afterAll(async () => {
  scheduler.destroy();
  await run.close();
});

const connect = (accountId: string, more: object = {}, key?: string) =>
  run.request(
    { accountId, action: "connect", ...more },
    key === undefined ? {} : { "idempotency-key": key },
  );

const inMinutes = (minutes: number) =>
  new Date(run.businessMs() + minutes * MINUTE_MS).toISOString();

describe("accepts with the same Idempotency-Key", () => {
  test("C1 twenty accepts with one Idempotency-Key, and a later one, give one request, one answer and one submission, and another body is answered 409", async () => {
    const body = { params: { text: "C1" } };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => connect("C1", body, "C1-key")),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const [requestId = "", ...others] = new Set(answers.map((answer) => answer.body.requestId));
    expect(others).toEqual([]);
    const done = await run.reaches(requestId, "SUCCEEDED");
    await run.event(requestId, "workflow.completed");

    const again = await connect("C1", body, "C1-key");
    expect([again.status, again.body]).toEqual([202, done]);
    for (const other of [{ params: { text: "another" } }, { ...body, scheduled: inMinutes(60) }]) {
      expect(await connect("C1", other, "C1-key")).toMatchObject({ status: 409 });
    }
    expect(await connect("C1 of another", body, "C1-key")).toMatchObject({ status: 409 });
    expect(await run.submissions("C1")).toHaveLength(1);
    expect(run.copies(requestId, "workflow.created")).toHaveLength(1);
    expect(run.copies(requestId, "workflow.completed")).toHaveLength(1);
  });

  test("C1 two bodies race for one Idempotency-Key: one becomes the request, and the other is answered 409 each time", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => connect("C1 race", { params: { n: n % 2 } }, "C1-race")),
    );
    const winners = answers.filter(({ status }) => status === 202);
    expect(winners).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(10);
    const ids = new Set(winners.map(({ body }) => body.requestId));
    expect(ids.size).toBe(1);
    const [requestId = ""] = ids;
    await run.reaches(requestId, "SUCCEEDED");
    expect(await run.submissions("C1 race")).toHaveLength(1);
  });
});

interface Leaving {
  accountId: string;
  status: number;
  scheduledMs: number;
}
type Left = Record<(typeof leavings)[number]["accountId"], Leaving>;

/** A fault during an accept that the client does not repeat. */
const leavings: readonly {
  accountId: string;
  row: string;
  operation: string;
  which?: string;
  fault: Fault;
  times?: number;
  /** The status that the client receives. */
  status: number;
  isScheduled?: true;
}[] = [
  {
    accountId: "C2-enqueue-fails",
    row: "C2 the record is written and enqueuing it fails: the request is accepted and sent",
    operation: "SendMessage",
    fault: "internal",
    times: 3,
    status: 202,
  },
  {
    accountId: "C2-enqueue-crash",
    row: "C2 the API crashes between the record and enqueuing it: there is no ack, and the request is sent",
    operation: "SendMessage",
    fault: "crash-before",
    status: 500,
  },
  {
    accountId: "C2-record-crash",
    row: "C2 the API crashes after the write of the record: there is no ack, and the request is sent",
    operation: "PutItem",
    which: stored("QUEUED"),
    fault: "crash-after",
    status: 500,
  },
  {
    accountId: "C2-schedule-fails",
    row: "C2 the record is written and EventBridge Scheduler refuses: the request is accepted and sent at its time",
    operation: "CreateSchedule",
    fault: "throttle",
    times: 3,
    status: 202,
    isScheduled: true,
  },
  {
    accountId: "C2-schedule-crash",
    row: "C2 the API crashes before CreateSchedule: there is no ack, and the request is sent at its time",
    operation: "CreateSchedule",
    fault: "crash-before",
    status: 500,
    isScheduled: true,
  },
  {
    accountId: "C3-crash",
    row: "C3 the API crashes after CreateSchedule was applied: there is no ack, one schedule and one submission",
    operation: "CreateSchedule",
    fault: "crash-after",
    status: 500,
    isScheduled: true,
  },
];

/** 20 real seconds: enough to accept a request and to create its schedule twice. */
const MINUTES_AHEAD = 200;

async function leaveAll(): Promise<Left> {
  const rows = await Promise.all(
    leavings.map(async (row) => [row.accountId, await leave(row, row.accountId)] as const),
  );
  return Object.fromEntries(rows) as Left;
}

/** Repeats with another account and a later time if a busy machine did not answer in time. */
async function leave(
  row: (typeof leavings)[number],
  accountId: string,
  minutesAhead = MINUTES_AHEAD,
): Promise<Leaving> {
  const { operation, which, fault, times = 1, isScheduled } = row;
  const matching = run.lane(accountId);
  const plan = run.proxy.plan({ from: "api", operation, which, fault, times, matching });
  const scheduledMs = run.businessMs() + minutesAhead * MINUTE_MS;
  const scheduled = isScheduled ? { scheduled: new Date(scheduledMs).toISOString() } : {};
  const { status } = await connect(accountId, scheduled);
  // The scheduled time has passed.
  if (status === 400) return leave(row, `${accountId}-late`, 2 * minutesAhead);
  if (status === 503 || plan.struck() < times)
    return leave(row, `${accountId}-again`, minutesAhead);
  return { accountId, status, scheduledMs };
}

async function ofAccount(accountId: string): Promise<string[]> {
  const { body } = await run.native<{ items: { requestId: string }[] }>(
    "GET",
    `/v1/requests?accountId=${accountId}`,
  );
  return body.items.map(({ requestId }) => requestId);
}

describe("a stored request is processed although its accept was not finished", () => {
  test.each(leavings.map((row) => [row.row, row] as const))("%s", async (_, row) => {
    const { accountId, status, scheduledMs } = scenarios.left[row.accountId] as Leaving;
    expect(status).toBe(row.status);
    const [requestId = "", ...others] = await ofAccount(accountId);
    expect(others).toEqual([]);
    await run.reaches(requestId, "SUCCEEDED");
    await run.event(requestId, "workflow.completed");
    const submissions = await run.submissions(accountId);
    expect(submissions).toHaveLength(1);
    if (row.isScheduled) {
      expect(Date.parse(submissions[0]?.at ?? "")).toBeGreaterThanOrEqual(Math.floor(scheduledMs));
    }
  });

  test("C2 the API crashes between the lane's position and the record: no request is accepted, and the account's next request is sent", async () => {
    run.proxy.plan({
      from: "api",
      operation: "PutItem",
      which: stored("QUEUED"),
      fault: "crash-before",
      matching: run.lane("C2-place"),
    });
    expect((await connect("C2-place", { params: { n: 1 } })).status).toBe(500);
    const { status, body } = await connect("C2-place", { params: { n: 2 } });
    expect(status).toBe(202);
    await run.reaches(body.requestId, "SUCCEEDED");
    const submissions = await run.submissions("C2-place");
    expect(submissions.map((one) => (one.body as { n: number }).n)).toEqual([2]);
  });
});

/** Repeats a call that a busy machine did not answer in time, as a client does. */
async function connectUntilAnswered(...call: Parameters<typeof connect>) {
  for (;;) {
    const answer = await connect(...call);
    if (answer.status < 500) return answer;
  }
}

const schedulesOf = async (NamePrefix: string) =>
  (await scheduler.send(new ListSchedulesCommand({ NamePrefix }))).Schedules ?? [];

/** Accepts a request whose CreateSchedule is applied and whose answer is lost. */
async function losesAnswer() {
  const matching = run.lane("C3");
  const lost = run.proxy.plan({ operation: "CreateSchedule", fault: "timeout-applied", matching });
  const { status, body } = await connect("C3", { scheduled: inMinutes(MINUTES_AHEAD) });
  return { status, requestId: body.requestId, struck: lost.struck() };
}

/** The same with a crash of the API: the client repeats the call. */
async function retries() {
  const matching = run.lane("C3-again");
  run.proxy.plan({ operation: "CreateSchedule", fault: "crash-after", matching });
  const body = { scheduled: inMinutes(MINUTES_AHEAD) };
  const first = await connect("C3-again", body, "C3-key");
  const stored = await ofAccount("C3-again");
  const second = await connectUntilAnswered("C3-again", body, "C3-key");
  const statuses = [first.status, second.status];
  return { statuses, stored, requestId: second.body.requestId };
}

/** Whether each call was applied. All of them contain one schedule name and one client token. */
function madeSchedule(requestId: string): boolean[] {
  const calls = run.proxy.calls.filter(
    (call) => call.operation === "CreateSchedule" && call.content.includes(requestId),
  );
  for (const { content } of calls) {
    expect(content).toContain(`/schedules/${requestId} `);
    expect(content).toContain(`"ClientToken":"${requestId}"`);
  }
  return calls.map(({ applied }) => applied);
}

describe("CreateSchedule is applied, and its answer is lost", () => {
  test("C3 the answer to CreateSchedule is lost and the SDK retries with the same token: one schedule, one submission", async () => {
    const { status, struck, requestId } = scenarios.lost;
    expect([status, struck]).toEqual([202, 1]);
    expect(madeSchedule(requestId)).toEqual([true, true]);
    await run.reaches(requestId, "SUCCEEDED");
    expect(await run.submissions("C3")).toHaveLength(1);
    expect(await schedulesOf(requestId)).toEqual([]);
  });

  test("C3 the API crashes before the ack and the client retries with its key: the same request, one schedule, one submission", async () => {
    const { statuses, stored, requestId } = scenarios.retried;
    expect(statuses).toEqual([500, 202]);
    expect(stored).toEqual([requestId]);
    expect(madeSchedule(requestId)).toEqual([true]);
    await run.reaches(requestId, "SUCCEEDED");
    expect(await run.submissions("C3-again")).toHaveLength(1);
    expect(await schedulesOf(requestId)).toEqual([]);
  });
});

describe("scheduled times over the API", () => {
  test.each([
    "2020-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.000Z",
    "2027-02-29T12:00:00.000Z",
    "2027-03-28T02:30:00.000+01:00",
    "2027-03-28T02:30:00[Europe/Kiev]",
  ])(
    "C5 the scheduled time %s is answered 400 with the name of the field, and no request is stored",
    async (scheduled) => {
      const { status, text } = await connect("C5", { scheduled });
      expect(status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({ errors: [{ field: "scheduled" }] });
      expect(await ofAccount("C5")).toEqual([]);
    },
  );
});

const names = [
  "two words, a tab\tand a line\nbreak",
  "Zoë 🚀 \u202emirrored\u202c e\u0301",
  "..%2f%2e%2e\\#&+;=%",
  "x".repeat(300),
  "漢".repeat(300),
];

/** An immediate and a scheduled request of each account. */
async function acceptNames() {
  const answers: Awaited<ReturnType<typeof connect>>[] = [];
  for (const [n, accountId] of names.entries()) {
    answers.push(await connectUntilAnswered(accountId, { params: {} }, `C16-name-${n}`));
    // A busy machine accepts a request late: the time is read before each call.
    const later = { params: {}, scheduled: inMinutes(3 * MINUTES_AHEAD) };
    answers.push(await connectUntilAnswered(accountId, later, `C16-scheduled-${n}`));
  }
  return answers;
}

describe("accounts with unusual names", () => {
  const { numRuns: ACCOUNTS } = runs(100_000);

  const owner = { clientId: "cl_1", provider: "we-link", connectionId: "cn_1" } as const;

  /** The form of a schedule's name: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html */
  const scheduleName = /^[0-9a-zA-Z-_.]{1,64}$/;

  test("C16 lane ids and schedule names are hashes of the allowed form, and no two accounts share one", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 512 }),
      fc.string({
        unit: fc.constantFrom("e\u0301", "👩‍👩‍👧", "🇩🇪", "漢", "Ω", "ｱ"),
        maxLength: 40,
      }),
      // Parts whose plain concatenations would be equal.
      fc
        .array(fc.constantFrom("a", "#", " ", "/", "\\", '"', ",", "\u0000"))
        .map((of) => of.join("")),
    );
    const parts = fc.record({ clientId: text, connectionId: text, accountId: text });
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const lanes = [one, other].map((of) => laneId({ ...owner, ...of }));
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(lanes[0] === lanes[1]).toBe(isSame);
        for (const lane of lanes) {
          expect(newRequestId(lane, "0".repeat(20))).toMatch(scheduleName);
        }
      }),
      runs(1_000),
    );
  });

  test(`C16 ${ACCOUNTS} accounts have ${ACCOUNTS} lanes`, () => {
    const lanes = Array.from({ length: ACCOUNTS }, (_, n) =>
      laneId({ ...owner, accountId: `account ${n}` }),
    );
    expect(new Set(lanes).size).toBe(ACCOUNTS);
  });

  test("C16 accounts with Unicode, blanks or the longest name have their own lanes, and their immediate and scheduled requests are sent", async () => {
    const answers = scenarios.named;
    expect(answers.map(({ status }) => status)).toEqual(names.flatMap(() => [202, 202]));
    for (const { body } of answers) await run.reaches(body.requestId, "SUCCEEDED");
    const submissions = await run.submissions();
    const counts = names.map((name) => submissions.filter((one) => one.accountId === name).length);
    expect(counts).toEqual(names.map(() => 2));
    expect(new Set(answers.map(({ body }) => body.requestId.slice(0, 27))).size).toBe(names.length);
    // Each account is managed under its encoded id: cloud-snitch#13, fireprox#44.
    for (const accountId of names) {
      const path = `/v1/accounts/${encodeURIComponent(accountId)}`;
      expect(await run.native("GET", path)).toMatchObject({ status: 200, body: { accountId } });
      expect(await run.native("POST", `${path}/pause`)).toMatchObject({
        body: { status: "paused" },
      });
      expect(await run.native("POST", `${path}/resume`)).toMatchObject({
        body: { status: "active" },
      });
    }
  });

  test.each(["urn:li:member/1", ".", "..", "a\u0000b", "a?b"])(
    "C16 an account %j, which no path can name, is refused before its first use in both ways in",
    async (accountId) => {
      const native = await connect(accountId);
      expect([native.status, JSON.parse(native.text).errors]).toEqual([
        400,
        [expect.objectContaining({ field: "accountId" })],
      ]);
      const { status, text } = await run.weLink("connect", { accountId });
      expect([status, JSON.parse(text).message]).toEqual([
        400,
        expect.stringContaining("accountId: must not"),
      ]);
    },
  );
});
