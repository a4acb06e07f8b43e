import { ConflictException, ResourceNotFoundException } from "@aws-sdk/client-scheduler";
import type { Faults } from "../engine/faults.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";

interface CreateInput {
  Name: string;
  ScheduleExpression: string;
  Target: { Input: string };
}

/** Milliseconds after its time at which a schedule fires, and with a fault. */
const FIRES_MS = { usual: [0, 3_000], late: [20_000, 59_000], early: [-2_000, 0] } as const;

const $metadata = { httpStatusCode: 400 };

/** One-time schedules of EventBridge Scheduler: they fire late or twice, and early by a wrong clock. */
export function makeScheduler(of: {
  loop: Loop;
  faults: Faults;
  random: Random;
  target: (body: string) => void;
}) {
  const { loop, faults, random, target } = of;
  const schedules = new Map<string, { input: string }>();

  return {
    operations: {
      CreateScheduleCommand({ Name, ScheduleExpression, Target: { Input: input } }: CreateInput) {
        if (schedules.has(Name))
          throw new ConflictException({ Message: Name, message: Name, $metadata });
        const at = /^at\((.+)\)$/.exec(ScheduleExpression)?.[1];
        if (at === undefined) throw new Error(`cannot read ${ScheduleExpression}`);
        const schedule = { input };
        schedules.set(Name, schedule);
        const fault = faults.draw("schedule.fires", { late: 30, duplicate: 30, skew: 100 });
        const kind = fault === "late" ? "late" : fault === "skew" ? "early" : "usual";
        const ms = Date.parse(`${at}Z`) + random.int(FIRES_MS[kind][0], FIRES_MS[kind][1]);
        loop.at(ms, () => {
          if (schedules.get(Name) !== schedule) return;
          schedules.delete(Name);
          target(input);
          if (fault === "duplicate") loop.after(random.int(...FIRES_MS.late), () => target(input));
        });
        return { ScheduleArn: `arn:aws:scheduler:::${Name}` };
      },
      DeleteScheduleCommand({ Name }: { Name: string }) {
        if (schedules.delete(Name)) return {};
        throw new ResourceNotFoundException({ Message: Name, message: Name, $metadata });
      },
    },
  };
}
