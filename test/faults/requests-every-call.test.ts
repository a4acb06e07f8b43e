import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Fault } from "../support/fakes/aws-faults.ts";
import {
  type FaultyRequestsRun,
  startFaultyRequestsRun,
} from "../support/runs/faulty-requests-run.ts";
import { LONG_TEST_TIMEOUT_MS, WAIT_TIMEOUT_MS } from "../support/wait-timeout.ts";

const MINUTE_MS = 60_000;

// Each case waits for leases and sweeps.
vi.setConfig({ testTimeout: LONG_TEST_TIMEOUT_MS });

/** Real time: more than a worker needs for one submission on a busy machine. */
const LEASE_MS = 20_000;

const SENDERS = 4;

/** Business time per real time. */
const SPEED = 600;

let run: FaultyRequestsRun;
beforeAll(async () => {
  // Every message has its own batch, so that a fault affects its own case only.
  run = await startFaultyRequestsRun({
    speed: SPEED,
    batchSize: 1,
    visibilitySeconds: LEASE_MS / 1_000 + 2,
    maxReceives: 50,
    // Every five real seconds: it repairs losses, and does not do the work of the other functions.
    sweepMinutes: (5 * SPEED) / 60,
    settings: {
      laneLeaseSeconds: LEASE_MS / 1_000,
      outboxGraceSeconds: LEASE_MS / 1_000,
      submitTimeoutSeconds: 4,
      // Shorter than the longest delay of SQS, so that `submit` itself sends the next wake-up.
      laneHoldSeconds: 600,
      scheduleLeadSeconds: 0,
      clientRequestsPerSecond: 10_000,
      // Ten real seconds: then a poll fetches a result whose webhook could not be matched.
      firstPollSeconds: 6_000,
    },
  });
  // Half a real second between the answer to a submission and its result.
  await run.behave({ delayMs: [5 * MINUTE_MS, 5 * MINUTE_MS] });
});
afterAll(() => run.close());

/** Faults that end by themselves. With EVERY_FAULT=1 all faults, whose leases and timeouts must end first. */
const faults: readonly Fault[] = [
  ...(process.env.EVERY_FAULT === "1"
    ? ([
        "crash-before",
        "crash-after",
        "timeout-not-applied",
        "timeout-applied",
        "internal",
      ] as const)
    : []),
  "throttle",
];

/** Texts that identify one of several calls of an operation. */
const KEY = '"bodySha256"';
const JOIN = "lastPlace";
const stored = (status: string) => `"status":"${status}"`;
const ACCOUNT = '"pk":';
const TAKES_OVER = "leaseUntilRealMs = :until";
const BINDS = "requestId = :mine";
const RELEASES = "releasedBy";
const STARTED_IS_OUT = '"isStarted":true,"prompts":[],"outbox":[]';

type Kind = "at once" | "scheduled" | "large" | "two";

/** All calls to AWS that `api` and `submit` make for one request. */
const callsOf: Record<
  Kind,
  readonly (readonly [from: "api" | "submit", operation: string, which?: string])[]
> = {
  "at once": [
    ["api", "PutItem", KEY],
    ["api", "UpdateItem", JOIN],
    ["api", "PutItem", stored("QUEUED")],
    ["api", "SendMessage"],
    ["api", "PutItem", ACCOUNT],
    ["submit", "BatchGetItem"],
    ["submit", "PutEvents", "workflow.created"],
    ["submit", "BatchWriteItem", "workflow.created"],
    ["submit", "PutItem", stored("QUEUED")],
    ["submit", "UpdateItem", TAKES_OVER],
    ["submit", "Query"],
    ["submit", "GetItem", ACCOUNT],
    ["submit", "PutItem", stored("SUBMITTING")],
    ["submit", "UpdateItem", BINDS],
    ["submit", "PutItem", stored("RUNNING")],
    ["submit", "UpdateItem", RELEASES],
    ["submit", "PutEvents", "workflow.started"],
    ["submit", "BatchWriteItem", "workflow.started"],
    ["submit", "PutItem", STARTED_IS_OUT],
  ],
  scheduled: [
    ["api", "PutItem", stored("SCHEDULED")],
    ["api", "CreateSchedule"],
    ["api", "SendMessage"],
    ["submit", "UpdateItem", JOIN],
    ["submit", "GetItem"],
    ["submit", "PutItem", stored("QUEUED")],
  ],
  // Its params are stored in S3.
  large: [
    ["api", "PutObject"],
    ["submit", "GetObject"],
  ],
  // Only a lane in which another request waits is processed again.
  two: [["submit", "SendMessage"]],
};

interface Case {
  kind: Kind;
  from: "api" | "submit";
  operation: string;
  which: string | undefined;
  fault: Fault;
  accountId: string;
}

const cases: Case[] = faults.flatMap((fault) =>
  Object.entries(callsOf).flatMap(([kind, calls]) =>
    calls.map(([from, operation, which], n) => ({
      kind: kind as Kind,
      from,
      operation,
      which,
      fault,
      accountId: `${kind.replace(" ", "-")}.${fault}.${n}.`,
    })),
  ),
);

/** An SDK client makes three attempts before a call fails. */
const timesOf = (fault: Fault) => (fault === "throttle" || fault === "internal" ? 3 : 1);

/** Reads that a process makes once and caches: their faults affect every cold start. */
function planColdStarts() {
  const { keyId, connections } = run.run.seed;
  const weLink = connections.find(({ provider }) => provider === "we-link");
  const reads = [
    { from: "api", operation: "GetItem", matching: keyId },
    { from: "api", operation: "Query" },
    { from: "submit", operation: "GetItem", matching: weLink?.connectionId ?? "" },
    { from: "submit", operation: "GetSecretValue" },
    { from: "submit", operation: "UpdateItem", matching: "untilRealMs = :until" },
  ];
  return faults.flatMap((fault) =>
    reads.map((read) => ({
      name: `${read.from} ${read.operation} ${fault} at a cold start`,
      plan: run.proxy.plan({ ...read, fault, times: timesOf(fault) }),
    })),
  );
}

interface Accepted {
  requestId: string;
  scheduledMs: number;
}

/** Repeats an accept with an idempotency key until it is answered 202, as a client does. */
async function accept(of: Case, n: number): Promise<Accepted> {
  const scheduledMs = of.kind === "scheduled" ? run.businessMs() + 120 * MINUTE_MS : 0;
  const body = {
    accountId: of.accountId,
    action: "connect",
    params: of.kind === "large" ? { text: "x".repeat(61_500) } : { n },
    ...(scheduledMs > 0 ? { scheduled: new Date(scheduledMs).toISOString() } : {}),
  };
  for (let attempt = 0; attempt < 30; attempt++) {
    if (attempt > 0) await sleep(50);
    const headers = { "idempotency-key": `${of.accountId}${n}` };
    const { status, body: accepted } = await run.request(body, headers);
    if (status === 202) return { requestId: accepted.requestId, scheduledMs };
  }
  throw new Error(`${of.accountId} was never accepted`);
}

/** If `submit` is late, `reconcile` makes its calls. */
const callersOf = { api: ["api"], submit: ["submit", "reconcile"] } as const;

async function play(one: Case) {
  const { operation, which, fault, accountId } = one;
  const matching = which === ACCOUNT ? accountId : run.lane(accountId);
  const plans = callersOf[one.from].map((from) =>
    run.proxy.plan({ from, operation, which, fault, times: timesOf(fault), matching }),
  );
  const account = (what: "pause" | "resume") =>
    run.native("POST", `/v1/accounts/${accountId}/${what}`);
  // Both requests wait when a worker first reads the lane.
  if (one.kind === "two") {
    await run.native("PUT", `/v1/accounts/${accountId}`, { provider: "we-link" });
    await account("pause");
  }
  const accepted = [await accept(one, 1)];
  if (one.kind === "two") {
    accepted.push(await accept(one, 2));
    await account("resume");
  }
  return { one, accepted, isStruck: () => plans.some((plan) => plan.struck() > 0) };
}

/** Resolves a request in UNKNOWN by the provider's list of submissions, as a person would. */
async function settleUnknown(requestId: string, accountId: string): Promise<void> {
  const taken = (await run.submissions(accountId)).filter(({ status }) => status === 200);
  const others = await run.native<{ items: { providerRequestId?: string }[] }>(
    "GET",
    `/v1/requests?accountId=${encodeURIComponent(accountId)}`,
  );
  const known = others.body.items.map(({ providerRequestId }) => providerRequestId);
  const ours = taken.find(({ providerRequestId }) => !known.includes(providerRequestId));
  const providerRequestId = ours?.providerRequestId;
  const as = providerRequestId ? { as: "submitted", providerRequestId } : { as: "not-submitted" };
  await run.native("POST", `/v1/requests/${requestId}/resolve`, as);
}

const types = ["workflow.created", "workflow.started", "workflow.completed"] as const;

/** The events that the bus always carries for a request that has ended. */
const certain = ["workflow.created", "workflow.completed"] as const;

/** Returns when the bus has carried the first and the last event of a request, or after a long time. */
async function published(requestId: string, accountId: string): Promise<void> {
  const from = Date.now();
  const isPublished = () => certain.every((type) => run.copies(requestId, type).length > 0);
  while (!isPublished() && Date.now() < from + 3 * WAIT_TIMEOUT_MS) {
    await sleep(1_000);
    const mayBeUnknown = run.copies(requestId, "workflow.completed").length === 0;
    const { status } = mayBeUnknown ? await run.stored(requestId) : {};
    if (status === "UNKNOWN") await settleUnknown(requestId, accountId);
  }
}

test(`R4 every fault of every AWS call of an accept and a submission (${cases.length} cases) loses no request and submits none twice, and each event has one id and body`, async () => {
  const coldStarts = planColdStarts();
  const waiting = [...cases];
  const played: Awaited<ReturnType<typeof play>>[] = [];
  const send = async () => {
    for (let one = waiting.shift(); one; one = waiting.shift()) played.push(await play(one));
  };
  await Promise.all(Array.from({ length: SENDERS }, send));

  const rows = await Promise.all(
    played.flatMap(({ one, accepted, isStruck }) =>
      accepted.map(async ({ requestId, scheduledMs }) => {
        await published(requestId, one.accountId);
        const copies = types.map((type) => run.copies(requestId, type));
        return {
          case: `${one.from} ${one.operation} ${one.accountId}`,
          accountId: one.accountId,
          scheduledMs,
          requests: accepted.length,
          status: (await run.stored(requestId)).status,
          copies: copies.map((of) => of.length),
          bodies: copies.map((of) => new Set(of).size),
          struck: isStruck(),
        };
      }),
    ),
  );
  const submissions = (await run.submissions()).filter(({ status }) => status === 200);
  const sent = (row: (typeof rows)[number]) =>
    submissions.filter(({ accountId }) => accountId === row.accountId);

  const missed = [
    ...rows.filter(({ struck }) => !struck).map((row) => row.case),
    ...coldStarts.filter(({ plan }) => plan.struck() === 0).map(({ name }) => name),
  ];
  const twice = rows.filter(({ copies }) => copies.some((count) => count > 1));
  console.log(
    `${rows.length} requests, ${submissions.length} submissions, not made: ${missed.join(", ") || "none"}; ${twice.length} requests with an event more than once:\n${twice
      .map(
        (row) =>
          `${row.case} created ${row.copies[0]} started ${row.copies[1]} completed ${row.copies[2]}`,
      )
      .join("\n")}`,
  );
  // On a busy machine another write sometimes comes first, and the call of the case is not made.
  expect(missed.length).toBeLessThanOrEqual(rows.length / 10);
  expect(rows.filter(({ status }) => status !== "SUCCEEDED")).toEqual([]);
  expect(rows.filter((row) => sent(row).length !== row.requests)).toEqual([]);
  expect(
    rows.filter(({ bodies: [created, , completed] }) => created !== 1 || completed !== 1),
  ).toEqual([]);
  // There is no workflow.started if the worker died with the answer and the webhook brought the result.
  expect(rows.filter(({ bodies: [, started = 0] }) => started > 1)).toEqual([]);
  const early = (row: (typeof rows)[number]) =>
    sent(row).some(({ at }) => Date.parse(at) < row.scheduledMs);
  expect(rows.filter(early)).toEqual([]);
});
