import {
  ConflictException,
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  ResourceNotFoundException,
  type SchedulerClient,
  UpdateScheduleCommand,
  ValidationException,
} from "@aws-sdk/client-scheduler";
import type { SubmitMessage } from "../contracts/messages/submit.ts";
import { sha256Hex } from "../core/crypto/digest.ts";
import type { RecurringKey, RecurringSchedules } from "../core/requests/recurring/ports.ts";
import { callDependency } from "./dependency-down.ts";
import { type ScheduleTarget, scheduleTarget } from "./scheduler-schedules.ts";

/** Scheduler replaces this by the time for which it planned the firing. */
const SCHEDULED_TIME = "<aws.scheduler.scheduled-time>";

/**
 * Recurring schedules of EventBridge Scheduler, in the group of the one-time schedules, each named
 * after its recurring request. Scheduler reads the cron expression in the request's time zone: a
 * time that a clock change skips does not fire, and one that it repeats fires once.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
 */
export function makeSchedulerRecurring(
  options: { client: SchedulerClient } & ScheduleTarget,
): RecurringSchedules {
  const { client, groupName: GroupName } = options;

  return {
    async put({ clientId, recurringId }, { cron, timeZone }, { isEnabled }) {
      const firing: SubmitMessage = {
        ...{ v: 1, kind: "recur", clientId, recurringId },
        firesAt: SCHEDULED_TIME,
      };
      const schedule: CreateScheduleCommandInput = {
        Name: nameOf({ clientId, recurringId }),
        GroupName,
        ScheduleExpression: `cron(${cron})`,
        ScheduleExpressionTimezone: timeZone,
        FlexibleTimeWindow: { Mode: "OFF" },
        State: isEnabled ? "ENABLED" : "DISABLED",
        Target: scheduleTarget(options, firing),
      };
      return callDependency("Scheduler CreateSchedule", async () => {
        try {
          await createOrUpdate(client, schedule);
          return "stored";
        } catch (error) {
          if (error instanceof ValidationException) return "invalid";
          throw error;
        }
      });
    },

    async delete(key) {
      const command = new DeleteScheduleCommand({ Name: nameOf(key), GroupName });
      await callDependency("Scheduler DeleteSchedule", async () => {
        try {
          await client.send(command);
        } catch (error) {
          if (!(error instanceof ResourceNotFoundException)) throw error;
        }
      });
    },
  };
}

async function createOrUpdate(
  client: SchedulerClient,
  schedule: CreateScheduleCommandInput,
): Promise<void> {
  try {
    await client.send(new CreateScheduleCommand(schedule));
  } catch (error) {
    if (!(error instanceof ConflictException)) throw error;
    await client.send(new UpdateScheduleCommand(schedule));
  }
}

/** Within what names may be: 64 of `[0-9a-zA-Z-_.]`. */
function nameOf({ clientId, recurringId }: RecurringKey): string {
  return `rr_${sha256Hex(`${clientId}\n${recurringId}`).slice(0, 40)}`;
}
