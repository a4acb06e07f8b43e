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

  /** Fires at this time, if the schedule is still the same then. */
  function fireAt(schedule: ScheduleInput, plannedMs: number, fire: () => void): void {
    const fault = faults.draw("schedule.fires", { late: 30, duplicate: 30, skew: 100 });
    const kind = fault === "late" ? "late" : fault === "skew" ? "early" : "usual";
    loop.at(plannedMs + random.int(FIRES_MS[kind][0], FIRES_MS[kind][1]), () => {
      if (schedules.get(schedule.Name) !== schedule) return;
      fire();
      if (fault === "duplicate") loop.after(random.int(...FIRES_MS.late), fire);
    });
  }

  function plan(schedule: ScheduleInput): void {
    const { Name, ScheduleExpression: expression, State = "ENABLED", Target } = schedule;
    const at = /^at\((.+)\)$/.exec(expression)?.[1];
    if (at !== undefined) {
      fireAt(schedule, Date.parse(`${at}Z`), () => {
        schedules.delete(Name);
        target(Target.Input);
      });
      return;
    }
    const plannedTimes = timesOf(expression, loop.nowMs());
    if (!plannedTimes) throw new ValidationException({ Message: Name, message: Name, $metadata });
    for (const ms of State === "ENABLED" ? plannedTimes : []) {
      const time = new Date(ms).toISOString().replace(".000Z", "Z");
      const message = Target.Input.replace(SCHEDULED_TIME, time);
      fireAt(schedule, ms, () => {
        onRecurred(message);
        target(message);
      });
    }
  }

  return {
    operations: {
      CreateScheduleCommand(input: ScheduleInput) {
        const { Name } = input;
        if (schedules.has(Name))
          throw new ConflictException({ Message: Name, message: Name, $metadata });
        schedules.set(Name, input);
        plan(input);
        return { ScheduleArn: `arn:aws:scheduler:::${Name}` };
      },
      UpdateScheduleCommand(input: ScheduleInput) {
        const { Name } = input;
        if (!schedules.has(Name))
          throw new ResourceNotFoundException({ Message: Name, message: Name, $metadata });
        schedules.set(Name, input);
        plan(input);
        return { ScheduleArn: `arn:aws:scheduler:::${Name}` };
      },
      DeleteScheduleCommand({ Name }: { Name: string }) {
        if (schedules.delete(Name)) return {};
        throw new ResourceNotFoundException({ Message: Name, message: Name, $metadata });
      },
    },
  };
}

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
