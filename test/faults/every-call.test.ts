import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../local/run/seed.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import type { Fault } from "../support/fakes/aws-faults.ts";
import { deliver, linkedApiWebhook } from "../support/fakes/sender.ts";
import { type FaultyRun, startFaultyRun } from "../support/runs/faulty-run.ts";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

/** As a webhook above 60 KB, whose body and event travel by S3. */
const LARGE_BYTES = 70_000;
const SENDERS = 8;

let run: FaultyRun;
beforeAll(async () => {
  // Every webhook in a batch of its own: a fault strikes its own case alone.
  run = await startFaultyRun({
    ingestDeadlineMs: 2_300,
    connectionCache: 0,
    consumeTimeout: 7,
    // Longer than the function can live, as deployed, and over when its message comes again.
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

/** Which of the calls of one operation is meant, by what only that one says. */
const NOTES = "eventId";
const RECORDS = "publishedBy";
const GIVES_BACK = "outboxAt = ";
const TAKES_OVER = "leaseUntilMs <= ";

/** What a webhook makes the functions call, in order of first use: the test below sees to it that this is all. */
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
  /** A fault strikes between publishing and recording: the one duplicate that G2 allows. */
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

/** Calls that are made only after a first fault: giving a claim back, and taking one over. */
const afterAFault: Case[] = faults.flatMap((fault) => {
  const consume = (operation: string, first: Fault, which?: string) => ({
    from: "consume",
    operation,
    which,
    fault: first,
  });
  return [
    {
      name: `PutEvents throttle, then giving back ${fault}`,
      id: nextId(),
      bytes: 0,
      strikes: [consume("PutEvents", "throttle"), consume("UpdateItem", fault, GIVES_BACK)],
      mayRepeat: false,
    },
    {
      name: `PutItem crash-after, then taking over ${fault}`,
      id: nextId(),
      bytes: LARGE_BYTES,
      strikes: [consume("PutItem", "crash-after"), consume("UpdateItem", fault, TAKES_OVER)],
      mayRepeat: false,
    },
  ];
});

/** One case in five: each call, each fault, but not each of both. With EVERY_FAULT=1 all. */
const cases = [...everyCall, ...afterAFault].filter(
  (_, at) => process.env.EVERY_FAULT === "1" || at % 5 === 0,
);

/** An SDK client tries three times before it says that a call failed. */
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

/** Waits until nothing is under way, then compares what was acked with what the bus carried. */
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

test("a cold ingest and each fault of Secrets Manager: 0 lost, none twice", async () => {
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
  "these are all calls that a %s webhook makes",
  async (size) => {
    const expected = callsOf[size].map(([caller, operation]) => `${caller} ${operation}`);
    const makeCalls = async () => {
      const from = run.proxy.calls.length;
      const body = linkedApiWebhook(nextId(), size === "large" ? LARGE_BYTES : 0);
      await deliver(run.inboundUrl("linked-api"), body);
      await run.quiet();
      const made = run.proxy.calls.slice(from).map((call) => `${call.from} ${call.operation}`);
      // A function that has just been started reads the secret, too.
      return made.filter((call) => call !== "ingest GetSecretValue");
    };
    // On a busy machine a call is repeated now and then: not of every webhook.
    await expect.poll(makeCalls).toEqual(expected);
  },
);

test(
  `every AWS call of a webhook, by every fault (${cases.length} cases): 0 lost, duplicates only between publishing and recording`,
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
            // Reading a connection names nothing else: such a case gets a connection of its own.
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
