import { setImmediate as turn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { openScheduler } from "../../../local/aws/scheduler/scheduler.ts";
import { makeBusinessTimers } from "../../../local/clock/business-timers.ts";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { makeRecurringTimers } from "../../../local/clock/recurring-timers.ts";
import { openDurableStore } from "../../../local/durable-store.ts";
import { makeLoop } from "../engine/loop.ts";
import { makeRandom, type Random } from "../engine/random.ts";
import { makeScheduler } from "../services/scheduler.ts";
import { arnOf, difference, ROLE_ARN } from "./definitions.ts";
import { leastRandom, noFaults } from "./simulated-services.ts";

/**
 * When schedules fire first: the simulated scheduler is compared with the one of a local run, each
 * on a time of its own that moves to the next firing.
 */

/** A schedule, and when it is made. */
interface Timed {
  startMs: number;
  expression: string;
  timeZone: string;
}

/** Schedules of one seed. */
export const SCHEDULES_OF_SEED = 12;

/** Firings of a schedule that are compared. */
const FIRINGS = 3;

const DAY_MS = 86_400_000;
const HORIZON_MS = 400 * DAY_MS;

/** Hours before clocks change in New York, in Berlin or on Lord Howe, or before a year ends. */
const starts = [
  "2026-03-07T22:10:30Z",
  "2026-03-28T21:10:30Z",
  "2026-04-04T10:10:30Z",
  "2026-10-03T10:10:30Z",
  "2026-10-24T21:10:30Z",
  "2026-10-31T22:10:30Z",
  "2026-12-31T20:10:30Z",
].map((text) => Date.parse(text));

const timeZones = [
  "UTC",
  "America/New_York",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "Europe/Berlin",
  "Mars/Base",
];

/**
 * Compares when the schedules of a seed fire.
 *
 * @param plant changes the schedules that the simulated scheduler gets
 * @returns what differs
 */
export async function compareFirings(
  seed: number,
  plant: (timed: Timed) => Timed = (timed) => timed,
): Promise<string[]> {
  const random = makeRandom(seed, "firings");
  const found: string[] = [];
  for (let n = 0; n < SCHEDULES_OF_SEED; n++) {
    const timed = drawTimed(random);
    const [simulated, local] = [await simulatedFirings(plant(timed)), await localFirings(timed)];
    if (isDeepStrictEqual(simulated, local)) continue;
    found.push(difference("CreateScheduleCommand", { input: timed, simulated, local }));
  }
  return found;
}

function drawTimed(random: Random): Timed {
  const startMs = random.pick(starts);
  const tomorrow = new Date(startMs + DAY_MS).toISOString().slice(0, 10);
  const [day, weekday] = random.pick([
    ["*", "?"],
    ["1,15", "?"],
    ["?", "MON-FRI"],
    ["?", "SUN"],
    ["?", "1,7"],
  ]);
  const cron = [
    random.pick(["0", "30", "15,45", "10/20", "59"]),
    random.pick(["2", "1-3", "*/6", "0,23", "*"]),
    day,
    random.pick(["*", "*", "MAR,OCT", "1-11/2"]),
    weekday,
    random.pick(["*", "*", "2026-2027", "2026"]),
  ];
  const expression = random.pick([
    `cron(${cron.join(" ")})`,
    `cron(${cron.join(" ")})`,
    `at(${tomorrow}T0${random.int(1, 3)}:${random.pick(["00", "15", "45"])}:00)`,
    `at(${new Date(startMs).toISOString().slice(0, 10)}T0${random.int(0, 9)}:00:00)`,
    `rate(${random.pick(["1 minute", "7 minutes", "5 hours", "1 day", "3 days"])})`,
    random.pick(["rate(1 minutes)", "rate(0 minutes)", "cron(60 3 * * ? *)", "at(tomorrow)"]),
  ]);
  return { startMs, expression, timeZone: random.pick(timeZones) };
}

const inputOf = ({ expression, timeZone }: Timed) => ({
  ...{ Name: "timed", GroupName: "group", ScheduleExpression: expression },
  ...{ ScheduleExpressionTimezone: timeZone, FlexibleTimeWindow: { Mode: "OFF" } },
  ActionAfterCompletion: "DELETE",
  Target: {
    ...{ Arn: arnOf("jobs"), RoleArn: ROLE_ARN },
    Input: '"<aws.scheduler.scheduled-time>"',
  },
});

const firing = (nowMs: number, message: string) => `${new Date(nowMs).toISOString()} ${message}`;

/** @returns when it fires and with which message, or the name of an error */
async function simulatedFirings(timed: Timed): Promise<string[]> {
  const loop = makeLoop(timed.startMs);
  const fired: string[] = [];
  const { operations } = makeScheduler({
    ...{ loop, faults: noFaults, random: leastRandom },
    target: (message) => fired.push(firing(loop.nowMs(), message)),
    onRecurred: () => undefined,
    onRecurringSet: () => undefined,
  });
  try {
    operations.CreateScheduleCommand(inputOf(timed) as never);
  } catch (error) {
    return [(error as Error).name];
  }
  await loop.run(timed.startMs + HORIZON_MS, () => fired.length === FIRINGS);
  return fired;
}

/** The same by the scheduler of a local run, whose time moves by jumps alone. */
async function localFirings(timed: Timed): Promise<string[]> {
  const { startMs } = timed;
  const clock = makeBusinessClock({ realMs: startMs, businessMs: startMs, speed: 0 });
  const timers = makeBusinessTimers(clock);
  const store = openDurableStore();
  const fired: string[] = [];
  const { operations, addGroup } = openScheduler({
    ...{ store, clock, timers },
    recurring: makeRecurringTimers({ store, clock, timers }),
    delivery: {
      async deliver({ payload }) {
        fired.push(firing(clock.now(), payload));
        return "settled";
      },
      onInvoke: () => undefined,
      close: () => undefined,
    },
    roles: { roleIdOf: () => "Timer", refusal: () => undefined } as never,
  });
  addGroup({
    ...{ logicalId: "Group", type: "AWS::Scheduler::ScheduleGroup" },
    properties: { Name: "group" },
  });
  try {
    operations.CreateSchedule?.(inputOf(timed) as never, undefined as never, () => undefined);
    while (fired.length < FIRINGS) {
      const dueMs = timers.firstDueAt() ?? Number.POSITIVE_INFINITY;
      if (dueMs > startMs + HORIZON_MS) break;
      clock.jump(dueMs - clock.now());
      const before = fired.length;
      while (fired.length === before) await turn();
    }
    return fired;
  } catch (error) {
    return [(error as Error).name];
  } finally {
    timers.close();
    store.close();
  }
}
