import {
  ConflictException,
  ResourceNotFoundException,
  ValidationException,
} from "@aws-sdk/client-scheduler";
import type { Faults } from "../engine/faults.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";
import { type RecurringTimes, readTimes, type ScheduleTimes } from "./schedule-times.ts";

interface ScheduleInput {
  Name: string;
  ScheduleExpression: string;
  ScheduleExpressionTimezone?: string;
  FlexibleTimeWindow?: { Mode?: string; MaximumWindowInMinutes?: number };
  State?: "ENABLED" | "DISABLED";
  ActionAfterCompletion?: "NONE" | "DELETE";
  ClientToken?: string;
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
  /** Told of each recurring schedule that is set, with its message. */
  onRecurringSet: (body: string) => void;
}) {
  const { loop, faults, random, target, onRecurred, onRecurringSet } = of;
  const schedules = new Map<string, ScheduleInput>();

  /** Fires at this time, if the schedule is still the same then; a one-time one may be deleted. */
  function fireAt(schedule: ScheduleInput, plannedMs: number, fire: () => void): void {
    const fault = faults.draw("schedule.fires", { late: 30, duplicate: 30, skew: 100 });
    const kind = fault === "late" ? "late" : fault === "skew" ? "early" : "usual";
    loop.at(plannedMs + random.int(FIRES_MS[kind][0], FIRES_MS[kind][1]), () => {
      if (schedules.get(schedule.Name) !== schedule) return;
      if (endsWithFiring(schedule)) schedules.delete(schedule.Name);
      fire();
      if (fault === "duplicate") loop.after(random.int(...FIRES_MS.late), fire);
    });
  }

  /** Plans what a schedule fires until the day ends (UTC), and then what it fires the next day. */
  function planDay(schedule: ScheduleInput, times: RecurringTimes, fromMs: number): void {
    const endMs = new Date(fromMs).setUTCHours(24, 0, 0, 0);
    for (const ms of times.within(fromMs, endMs)) {
      const message = messageOf(schedule, ms);
      fireAt(schedule, ms, () => {
        onRecurred(message);
        target(message);
      });
    }
    loop.at(endMs, () => {
      if (schedules.get(schedule.Name) === schedule) planDay(schedule, times, endMs);
    });
  }

  /** @throws ValidationException */
  function timesOf(input: ScheduleInput): ScheduleTimes {
    const { Name, ScheduleExpression, ScheduleExpressionTimezone: timeZone = "UTC" } = input;
    const isValid = /^[0-9a-zA-Z-_.]{1,64}$/.test(Name) && isWithoutWindow(input);
    const times = isValid
      ? readTimes(ScheduleExpression, { timeZone, setMs: loop.nowMs() })
      : undefined;
    return times ?? refuse(Name);
  }

  function store(input: ScheduleInput, times: ScheduleTimes) {
    // A copy: the same input, sent again, is another schedule.
    const schedule = { ...input };
    const isEnabled = schedule.State !== "DISABLED";
    if (times.kind === "recurring") onRecurringSet(schedule.Target.Input);
    schedules.set(schedule.Name, schedule);
    if (isEnabled && times.kind === "once") {
      const message = messageOf(schedule, times.atMs);
      fireAt(schedule, times.atMs, () => target(message));
    }
    if (isEnabled && times.kind === "recurring") planDay(schedule, times, loop.nowMs());
    return answerOf(schedule);
  }

  return {
    operations: {
      CreateScheduleCommand(input: ScheduleInput) {
        const times = timesOf(input);
        const { Name, ClientToken } = input;
        const known = schedules.get(Name);
        if (known && ClientToken !== undefined && known.ClientToken === ClientToken) {
          return answerOf(known);
        }
        if (known) throw new ConflictException({ Message: Name, message: Name, $metadata });
        if (times.kind === "once" && times.atMs <= loop.nowMs()) refuse(Name);
        return store(input, times);
      },
      UpdateScheduleCommand(input: ScheduleInput) {
        const times = timesOf(input);
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

const answerOf = ({ Name }: ScheduleInput) => ({ ScheduleArn: `arn:aws:scheduler:::${Name}` });

const endsWithFiring = ({ ScheduleExpression, ActionAfterCompletion }: ScheduleInput) =>
  ScheduleExpression.startsWith("at(") && ActionAfterCompletion === "DELETE";

function messageOf({ Target }: ScheduleInput, plannedMs: number): string {
  const time = `${new Date(plannedMs).toISOString().slice(0, 19)}Z`;
  return Target.Input.replaceAll(SCHEDULED_TIME, time);
}

/** @throws Error for a valid flexible window, which the product does not use */
function isWithoutWindow({ FlexibleTimeWindow: window = {} }: ScheduleInput): boolean {
  const { Mode, MaximumWindowInMinutes: minutes } = window;
  if (Mode === "FLEXIBLE" && minutes !== undefined) {
    throw new Error("flexible time windows are not simulated");
  }
  return Mode === "OFF" && minutes === undefined;
}

/** @throws ValidationException */
function refuse(Name: string): never {
  throw new ValidationException({ Message: Name, message: Name, $metadata });
}
