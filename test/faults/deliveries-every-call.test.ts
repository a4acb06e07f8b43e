import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { forEachConcurrent } from "../../shared/core/for-each-concurrent.ts";
import type { Fault } from "../support/fakes/aws-faults.ts";
import { verified } from "../support/fakes/webhook-receiver.ts";
import {
  type FaultyDeliveriesRun,
  type Subscriber,
  startFaultyDeliveriesRun,
} from "../support/runs/faulty-deliveries-run.ts";
import {
  answersOf,
  type Expected,
  ended,
  type ScenarioName,
  scenarios,
} from "../support/scenarios/delivery-scenarios.ts";
import {
  callsAfterFault,
  type DeliveryCall,
  deliveryCalls,
  sharedReads,
  unlisted,
} from "../support/simulations/delivery-calls.ts";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

const isEvery = process.env.EVERY_FAULT === "1";

const SECOND_MS = 1_000;

/** Scenarios that run concurrently. Most of their time is waiting, but a busy machine must not make them wait for each other. */
const AT_ONCE = isEvery ? 60 : 20;

let run: FaultyDeliveriesRun;
beforeAll(async () => {
  run = await startFaultyDeliveriesRun({
    speed: 600,
    settings: {
      // One of the delays exceeds 15 minutes by some real seconds, so that the sweep sends the message.
      deliveryDelaysSeconds: "5,60,60,60,60,4800,60",
      deliveryTimeoutSeconds: 1.5,
      // Longer than a POST and the time that must be left at its start, also on a busy machine.
      deliveryLeaseSeconds: 10,
      claimLeaseSeconds: 4,
      outboxGraceSeconds: 3,
    },
    fanoutVisibilitySeconds: 3,
    // Longer than the lease, as in a deployed stack.
    attemptsVisibilitySeconds: isEvery ? 15 : 11,
  });
});
afterAll(() => run?.close());

/** Less than the timeout of the SDK. */
const SLOW = { slowMs: isEvery ? 1_500 : 300 };

/** Batch calls can fail for some entries although the call succeeds. */
const ENTRY_FAILS = { entryFails: "InternalFailure" };
const ofEntries = ["PutEvents", "SendMessageBatch"];

/** Not applied: refused, failed, reset. Applied: answer late, lost, lost permanently. And: the worker is killed. */
const faults: readonly Fault[] = [
  "throttle",
  "internal",
  "reset-before",
  SLOW,
  "timeout-applied",
  "reset-after",
  "crash-before",
  "crash-after",
];

const nameOf = (fault: Fault) =>
  typeof fault === "string" ? fault : Object.keys(fault).join().replace("Ms", "");

/** Repetitions of a fault. The SDK makes three attempts before a call fails; we repeat a refused message. */
const timesOf = (fault: Fault) => {
  if (fault === ENTRY_FAILS) return 2;
  return ["throttle", "internal", "reset-before", "reset-after"].includes(nameOf(fault)) ? 3 : 1;
};

interface Case {
  name: string;
  scenario: ScenarioName;
  strikes: { call: DeliveryCall; fault: Fault }[];
}

const nameOfStrike = ({ call, fault }: Case["strikes"][number]) =>
  `${call.from} ${call.operation} ${call.which.join(" ")} ${nameOf(fault)}`;

function caseOf(strikes: Case["strikes"]): Case {
  const parts = strikes.map(nameOfStrike);
  return {
    name: parts.join(", then "),
    scenario: strikes[0]?.call.scenario ?? "is delivered",
    strikes,
  };
}

/** A case is played again while one of its faults did not strike. */
const MOST_PLAYS = 4;

const everyCase = (): Case[] => [
  ...deliveryCalls.flatMap((call) => {
    const more = ofEntries.includes(call.operation) ? [ENTRY_FAILS] : [];
    return [...faults, ...more].map((fault) => caseOf([{ call, fault }]));
  }),
  ...callsAfterFault.flatMap(([first, then, fault]) =>
    faults.map((second) =>
      caseOf([
        { call: first, fault },
        { call: then, fault: second },
      ]),
    ),
  ),
];

/**
 * One fault for each call, one after the other. The longest scenario gets all of its faults at
 * once, and they are short, as is the fault of a message whose loss would be noticed late.
 */
function quickCases(): Case[] {
  const isLong = ({ scenario }: DeliveryCall) => scenario === "fails for good";
  const short = deliveryCalls.filter((call) => !isLong(call));
  return [
    caseOf(deliveryCalls.filter(isLong).map((call) => ({ call, fault: SLOW }))),
    ...short.map((call, n) =>
      caseOf([
        { call, fault: call.isRepairedBySweep ? SLOW : (faults[n % faults.length] ?? SLOW) },
      ]),
    ),
  ];
}

const cases: readonly Case[] = isEvery ? everyCase() : quickCases();

/** A POST is repeated only if the worker could not record its result. */
const mayPostAgain = ({ strikes }: Case) =>
  strikes.some(
    ({ call, fault }) =>
      call.isRecord &&
      ["throttle", "internal", "reset-before", "crash-before"].includes(nameOf(fault)),
  );

/** Applies to the first matching call. */
function planSharedReads() {
  return sharedReads.flatMap((read) =>
    (isEvery ? faults : [SLOW]).map((fault) => ({
      name: `${read.from} ${read.operation} ${read.which.join(" ")} ${nameOf(fault)}`,
      plan: run.proxy.plan({ ...read, fault, times: timesOf(fault) }),
    })),
  );
}

/** @param name of the subscriber: each play has its own */
async function play(one: Case, name: string) {
  const subscriber = await run.subscriber(name, answersOf[one.scenario]);
  const plans: ReturnType<typeof run.proxy.plan>[] = [];
  const arm = () => {
    for (const { call, fault } of one.strikes) {
      const { from, operation, which, after } = call;
      const matching = subscriber.isNamedIn;
      const times = timesOf(fault);
      plans.push(run.proxy.plan({ from, operation, which, after, fault, times, matching }));
    }
  };
  const startedMs = Date.now();
  const limits = { subscriber, mayPostAgain: mayPostAgain(one) };
  const results = await scenarios[one.scenario]({ run, subscriber, arm }).then(
    (expected) => Promise.all(expected.map((of) => resultOf(of, limits))),
    (error: Error) => [[error.message]],
  );
  return {
    one,
    case: `${one.scenario}: ${one.name}`,
    missed: () =>
      one.strikes.filter((_, at) => plans[at]?.struck() === 0).map((of) => nameOfStrike(of)),
    violations: [...results.flat(), ...oneIdEach(subscriber)],
    posts: subscriber.endpoint.posts.length,
    tookMs: Date.now() - startedMs,
  };
}

/** Returns the violations of a delivery that has ended. */
async function resultOf(
  expected: Expected,
  { subscriber, mayPostAgain }: { subscriber: Subscriber; mayPostAgain: boolean },
): Promise<string[]> {
  const { event, deliveryId, status, reason } = expected;
  const delivery = await ended(run, expected);
  const posts = subscriber.endpoint.posts.filter(({ id }) => id === event.id);
  const attempts = delivery?.attemptHistory.length ?? 0;
  const failures = subscriber.eventsOfType("delivery.failed").map(({ id }) => id);
  const isPublished = failures.includes(`delivery.failed:${deliveryId}:${delivery?.cycle}`);
  const isVerified = posts.every((post) => {
    try {
      return verified(post, subscriber.secret());
    } catch {
      return false;
    }
  });
  const invariants = {
    [`is ${delivery?.status} (${delivery?.reason})`]:
      delivery?.status === status && delivery.reason === reason,
    "has an unpublished failure": delivery?.unpublishedFailures.length === 0,
    [`has ${isPublished ? "a" : "no"} delivery.failed`]: isPublished === (status === "failed"),
    "was never received": status !== "delivered" || posts.length > 0,
    "was received with other bytes": posts.every(({ body }) => body === event.envelope),
    "was received without a valid signature": isVerified,
    [`was received ${posts.length} times for ${attempts} attempts`]:
      posts.length <= attempts + (mayPostAgain ? 1 : 0),
    "had more than 8 attempts": (delivery?.attemptsInCycle ?? 0) <= 8,
  };
  return Object.entries(invariants).flatMap(([name, holds]) =>
    holds ? [] : [`${event.id} ${name}`],
  );
}

/** Events that are published twice have the same bytes. */
function oneIdEach(subscriber: Subscriber): string[] {
  const received = ["delivery.failed", "webhook.disabled"].flatMap(subscriber.eventsOfType);
  const bodies = new Map<string, Set<string>>();
  for (const detail of received) {
    bodies.set(detail.id, (bodies.get(detail.id) ?? new Set()).add(JSON.stringify(detail)));
  }
  return [...bodies].flatMap(([id, { size }]) => (size > 1 ? [`${id} has ${size} bodies`] : []));
}

test(
  `D every fault of every AWS call of deliveries (${cases.length} cases) loses no delivery, and each event has one id and the same bytes`,
  async () => {
    const shared = planSharedReads();
    // Faults of the same call are spread out: a killed sweep also delays the work of other cases.
    const place = (n: number) => (n * 97) % cases.length;
    const numbers = [...cases.keys()].toSorted((a, b) => place(a) - place(b));
    const rows: Awaited<ReturnType<typeof play>>[] = [];
    /** The faults of a case that struck in none of its plays; those of a pair must strike in one play. */
    const missedOf = (one: Case) => {
      const plays = rows.filter((row) => row.one === one).map((row) => row.missed());
      return one.strikes.length === 2
        ? (plays.toSorted((a, b) => a.length - b.length)[0] ?? [])
        : plays.reduce((left, missed) => left.filter((name) => missed.includes(name)));
    };
    const playAll = (which: readonly number[], nth: number) =>
      forEachConcurrent(which, AT_ONCE, async (n) => {
        const one = cases[n];
        if (one) rows.push(await play(one, `case-${n}-${nth}`));
      });
    await playAll(numbers, 1);
    // Another function may make a call first, or another case's fault may kill the sweep.
    for (let nth = 2; nth <= MOST_PLAYS; nth++) {
      // The record of a delivery's end comes after it.
      await sleep(2_000);
      const again = numbers.filter((n) => missedOf(cases[n] as Case).length > 0);
      await playAll(again, nth);
    }

    const missed = () => [
      ...cases.flatMap((one) => missedOf(one).map((call) => `${call} in: ${one.name}`)),
      ...shared.filter(({ plan }) => plan.struck() === 0).map(({ name }) => name),
    ];
    const slowest = rows.toSorted((a, b) => b.tookMs - a.tookMs).slice(0, 10);
    console.log(
      [
        `${cases.length} cases, ${rows.length} plays, ${run.proxy.calls.length} calls; without their fault: ${missed().length}`,
        ...missed(),
        "slowest:",
        ...slowest.map((row) => `${Math.round(row.tookMs / SECOND_MS)} s ${row.case}`),
      ].join("\n"),
    );
    expect(rows.filter(({ violations }) => violations.length > 0)).toEqual([]);
    expect(missed()).toEqual([]);
    expect(unlisted(run.proxy.calls)).toEqual([]);
    // An event that fails is not hidden for the whole visibility timeout.
    expect(
      run.proxy.calls.filter(({ operation }) => operation === "ChangeMessageVisibilityBatch"),
    ).not.toEqual([]);
    expect(await run.deadLetters()).toBe(0);
  },
  LONG_TEST_TIMEOUT_MS,
);
