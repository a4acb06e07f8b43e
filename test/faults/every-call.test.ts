import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import type { Fault } from "../support/fakes/aws-faults.ts";
import { deliver, linkedApiWebhook } from "../support/fakes/sender.ts";
import { type FaultyRun, startFaultyRun } from "../support/runs/faulty-run.ts";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

/** A webhook above 60 KB: its body and its event are stored in S3. */
const LARGE_BYTES = 70_000;
const SENDERS = 8;

let run: FaultyRun;
beforeAll(async () => {
  // Every webhook has its own batch, so that a fault affects its own case only.
  run = await startFaultyRun({
    ingestDeadlineMs: 2_300,
    connectionCache: 0,
    consumeTimeout: 7,
    // Longer than the function's timeout, as in a deployed stack, and over when the message is received again.
    lease: 8,
    visibility: 9,
    batchSize: 1,
    maxReceives: 50,
  });
});
afterAll(() => run.close());

const faults = [
  "throttle",
  "internal",
  "timeout-applied",
  "timeout-not-applied",
  "crash-before",
  "crash-after",
] as const satisfies Fault[];

/** Identifies one of several calls of an operation by a text that only this call contains. */
const NOTES = "eventId";
const RECORDS = "publishedBy";
const RELEASES = "outboxAt = ";
const TAKES_OVER = "leaseUntilMs <= ";

/** All calls to AWS that a webhook causes, in order of first use. A test below checks that the list is complete. */
const callsOf: Record<"small" | "large", readonly (readonly [string, string, string?])[]> = {
  small: [
    ["ingest", "GetItem"],
    ["ingest", "SendMessage"],
    ["consume", "GetItem"],
    ["consume", "BatchGetItem"],
    ["consume", "UpdateItem", NOTES],
    ["consume", "PutItem"],
    ["consume", "PutEvents"],
    ["consume", "UpdateItem", RECORDS],
  ],
  large: [
    ["ingest", "GetItem"],
    ["ingest", "PutObject"],
    ["ingest", "SendMessage"],
    ["consume", "GetObject"],
    ["consume", "GetItem"],
    ["consume", "BatchGetItem"],
    ["consume", "UpdateItem", NOTES],
    ["consume", "PutObject"],
    ["consume", "PutItem"],
    ["consume", "PutEvents"],
    ["consume", "UpdateItem", RECORDS],
  ],
};

interface Case {
  name: string;
  id: string;
  bytes: number;
  strikes: { from: string; operation: string; which?: string | undefined; fault: Fault }[];
  /** Whether the fault is between publishing and recording: the only duplicate that G2 allows. */
  mayRepeat: boolean;
}

const mayRepeat = (operation: string, fault: string, which?: string) =>
  (operation === "PutEvents" && ["timeout-applied", "crash-after"].includes(fault)) ||
  (which === RECORDS && !["timeout-applied", "crash-after"].includes(fault));

let ids = 0;
const nextId = () => `case-${++ids}-`;

const everyCall: Case[] = (["small", "large"] as const).flatMap((size) =>
  callsOf[size].flatMap(([from, operation, which]) =>
    faults.map((fault) => ({
      name: `${size}: ${from} ${operation} ${which ?? ""} ${fault}`,
      id: nextId(),
      bytes: size === "large" ? LARGE_BYTES : 0,
      strikes: [{ from, operation, which, fault }],
      mayRepeat: from === "consume" && mayRepeat(operation, fault, which),
    })),
  ),
);

/** Calls that are made only after a first fault: releasing a claim, and taking one over. */
const afterAFault: Case[] = faults.flatMap((fault) => {
  const consume = (operation: string, first: Fault, which?: string) => ({
    from: "consume",
    operation,
    which,
    fault: first,
  });
  return [
    {
      name: `PutEvents throttle, then release ${fault}`,
      id: nextId(),
      bytes: 0,
      strikes: [consume("PutEvents", "throttle"), consume("UpdateItem", fault, RELEASES)],
      mayRepeat: false,
    },
    {
      name: `PutItem crash-after, then takeover ${fault}`,
      id: nextId(),
      bytes: LARGE_BYTES,
      strikes: [consume("PutItem", "crash-after"), consume("UpdateItem", fault, TAKES_OVER)],
      mayRepeat: false,
    },
  ];
});

/** One case in five: each call and each fault, but not each combination. With EVERY_FAULT=1 all. */
const cases = [...everyCall, ...afterAFault].filter(
  (_, at) => process.env.EVERY_FAULT === "1" || at % 5 === 0,
);

/** An SDK client makes three attempts before a call fails. */
const timesOf = (fault: Fault) => (fault === "throttle" || fault === "internal" ? 3 : 1);

async function play(one: Case, inboundUrl: string, matching = one.id) {
  const plans = one.strikes.map(({ from, operation, which, fault }) =>
    run.proxy.plan({
      from,
      operation,
      which,
      fault,
      times: timesOf(fault),
      ...(operation === "GetSecretValue" ? {} : { matching }),
    }),
  );
  const attempts = await deliver(inboundUrl, linkedApiWebhook(one.id, one.bytes));
  return { one, attempts, plans };
}

type Played = Awaited<ReturnType<typeof play>>;

/** Waits until no webhook is in progress, then compares the acked webhooks with the events on the bus. */
async function settle(played: Played[]) {
  await run.quiet();
  const rows = played.map(({ one, attempts, plans }) => {
    const events = run.eventsOf(one.id);
    return {
      case: one.name,
      answers: attempts.map(({ status }) => status).join(" "),
      struck: plans.every((plan) => plan.struck() > 0),
      events: events.length,
      different: new Set(events).size,
      mayRepeat: one.mayRepeat,
    };
  });
  expect(rows.filter(({ struck }) => !struck)).toEqual([]);
  expect(rows.filter(({ answers }) => !answers.endsWith("200"))).toEqual([]);
  expect(rows.filter(({ events }) => events === 0)).toEqual([]);
  expect(rows.filter(({ different }) => different > 1)).toEqual([]);
  expect(rows.filter(({ events, mayRepeat }) => events > (mayRepeat ? 2 : 1))).toEqual([]);
}

test("each fault of Secrets Manager at a cold start of ingest loses no webhook and publishes no event twice", async () => {
  const played: Played[] = [];
  for (const fault of faults) {
    // The crash makes the next attempt a cold start, which must read the secret.
    const strikes = [
      { from: "ingest", operation: "SendMessage", fault: "crash-before" as const },
      { from: "ingest", operation: "GetSecretValue", fault },
    ];
    if (played.length === 0) strikes.shift();
    const one = {
      name: `GetSecretValue ${fault}`,
      id: nextId(),
      bytes: 0,
      strikes,
      mayRepeat: false,
    };
    played.push(await play(one, run.inboundUrl("linked-api")));
  }
  await settle(played);
});

test.each(["small", "large"] as const)(
  "the list of the AWS calls of a %s webhook is complete",
  async (size) => {
    const expected = callsOf[size].map(([caller, operation]) => `${caller} ${operation}`);
    const all: string[] = [];
    const makeCalls = async () => {
      const from = run.proxy.calls.length;
      const body = linkedApiWebhook(nextId(), size === "large" ? LARGE_BYTES : 0);
      await deliver(run.inboundUrl("linked-api"), body);
      await run.quiet();
      const made = run.proxy.calls.slice(from).map((call) => `${call.from} ${call.operation}`);
      all.push(...made);
      // A function that has just started reads the secret too.
      return made.filter((call) => call !== "ingest GetSecretValue");
    };
    // On a busy machine the SDK may repeat a call, but not for every webhook.
    await expect.poll(makeCalls).toEqual(expected);
    const listed = new Set([...expected, "ingest GetSecretValue"]);
    expect(all.filter((call) => !listed.has(call))).toEqual([]);
  },
);

test(
  `every fault of every AWS call of a webhook (${cases.length} cases) loses no event, and duplicates arise only between publishing and recording`,
  async () => {
    const administration = await composeAdministration({
      outputs: run.outputs,
      aws: localAws(run.addresses.awsUrl),
    });
    const { clientId } = run.seed;
    const waiting = [...cases];
    const played: Played[] = [];
    await Promise.all(
      Array.from({ length: SENDERS }, async () => {
        for (let one = waiting.shift(); one; one = waiting.shift()) {
          const readsConnection = one.strikes.some(
            ({ from, operation }) => from === "ingest" && operation === "GetItem",
          );
          if (readsConnection) {
            // The read of a connection contains only the connection's id: such a case has its own connection.
            const { connectionId, inboundPath } = await administration.createConnection({
              clientId,
              provider: "linked-api",
            });
            played.push(await play(one, `${run.addresses.apiUrl}${inboundPath}`, connectionId));
          } else played.push(await play(one, run.inboundUrl("linked-api")));
        }
      }),
    );
    await settle(played);
  },
  LONG_TEST_TIMEOUT_MS,
);
