import {
  ConflictException,
  ResourceNotFoundException,
  ValidationException,
} from "@aws-sdk/client-scheduler";
import type { Faults } from "../engine/faults.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";

interface ScheduleInput {
  Name: string;
  ScheduleExpression: string;
  ScheduleExpressionTimezone?: string;
  State?: "ENABLED" | "DISABLED";
  Target: { Input: string };
}

/** Milliseconds after its time at which a schedule fires, and with a fault. */
const FIRES_MS = { usual: [0, 3_000], late: [20_000, 59_000], early: [-2_000, 0] } as const;

const $metadata = { httpStatusCode: 400 };

/** What Scheduler replaces in a message by the time for which it planned the firing. */
const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";

/** EventBridge Scheduler: its schedules fire late or twice, and early by a wrong clock. */
export function makeScheduler(of: {
  loop: Loop;
  faults: Faults;
  random: Random;
  target: (body: string) => void;
  /** Told of each message of a recurring schedule. */
  onRecurred: (body: string) => void;
}) {
  const { loop, faults, random, target, onRecurred } = of;
  const schedules = new Map<string, ScheduleInput>();

  /** Fires at this time, if the schedule is still the same then; a one-time schedule is deleted. */
  function fireAt(schedule: ScheduleInput, plannedMs: number, fire: () => void): void {
    const fault = faults.draw("schedule.fires", { late: 30, duplicate: 30, skew: 100 });
    const kind = fault === "late" ? "late" : fault === "skew" ? "early" : "usual";
    loop.at(plannedMs + random.int(FIRES_MS[kind][0], FIRES_MS[kind][1]), () => {
      if (schedules.get(schedule.Name) !== schedule) return;
      if (isOnce(schedule)) schedules.delete(schedule.Name);
      fire();
      if (fault === "duplicate") loop.after(random.int(...FIRES_MS.late), fire);
    });
  }

  /** The times for which a schedule plans firings. @throws ValidationException */
  function timesIn({ Name, ScheduleExpression, ...more }: ScheduleInput): number[] {
    if ((more.ScheduleExpressionTimezone ?? "UTC") !== "UTC") throw new Error("only UTC is known");
    const at = /^at\((.+)\)$/.exec(ScheduleExpression)?.[1];
    const times =
      at === undefined ? timesOf(ScheduleExpression, loop.nowMs()) : [Date.parse(`${at}Z`)];
    if (times) return times;
    throw new ValidationException({ Message: Name, message: Name, $metadata });
  }

  function store(schedule: ScheduleInput, times: readonly number[]) {
    const { Name, State = "ENABLED", Target } = schedule;
    schedules.set(Name, schedule);
    for (const ms of State === "ENABLED" ? times : []) {
      if (isOnce(schedule)) {
        fireAt(schedule, ms, () => target(Target.Input));
        continue;
      }
      const time = new Date(ms).toISOString().replace(".000Z", "Z");
      const message = Target.Input.replace(SCHEDULED_TIME, time);
      fireAt(schedule, ms, () => {
        onRecurred(message);
        target(message);
      });
    }
    return { ScheduleArn: `arn:aws:scheduler:::${Name}` };
  }

  return {
    operations: {
      CreateScheduleCommand(input: ScheduleInput) {
        const times = timesIn(input);
        const { Name } = input;
        if (schedules.has(Name)) {
          throw new ConflictException({ Message: Name, message: Name, $metadata });
        }
        return store(input, times);
      },
      UpdateScheduleCommand(input: ScheduleInput) {
        const times = timesIn(input);
        const { Name } = input;
        if (!schedules.has(Name)) {
          throw new ResourceNotFoundException({ Message: Name, message: Name, $metadata });
        }
        return store(input, times);
      },
      DeleteScheduleCommand({ Name }: { Name: string }) {
        if (schedules.delete(Name)) return {};
        throw new ResourceNotFoundException({ Message: Name, message: Name, $metadata });
      },
    },
  };
}

const isOnce = ({ ScheduleExpression }: ScheduleInput) => ScheduleExpression.startsWith("at(");

/** The times of today from now on, of minutes in one hour of every day (UTC); no other expressions are known. */
function timesOf(expression: string, nowMs: number): number[] | undefined {
  const [, minutes, hour] = /^cron\(([\d,]+) (\d+) \* \* \? \*\)$/.exec(expression) ?? [];
  if (minutes === undefined || hour === undefined) return undefined;
  const midnightMs = new Date(nowMs).setUTCHours(0, 0, 0, 0);
  return minutes
    .split(",")
    .map((minute) => midnightMs + (Number(hour) * 60 + Number(minute)) * 60_000)
    .filter((ms) => ms >= nowMs);
}
