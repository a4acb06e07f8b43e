import {
  ConflictException,
  CreateScheduleCommand,
  DeleteScheduleCommand,
  ResourceNotFoundException,
  type SchedulerClient,
  type Target,
} from "@aws-sdk/client-scheduler";
import type { SubmitMessage } from "../contracts/messages/submit.ts";
import type { Schedules } from "../core/requests/state/ports.ts";
import { callDependency } from "./dependency-down.ts";

/** How long Scheduler retries a target that it cannot reach. The sweep recovers the request earlier. */
const MAX_EVENT_AGE_SECONDS = 3_600;
const MAX_RETRIES = 10;

/** Where schedules are, and where they send their messages. */
export interface ScheduleTarget {
  groupName: string;
  roleArn: string;
  queueArn: string;
  deadLetterArn: string;
}

/**
 * One-time schedules of EventBridge Scheduler, each with the name of its
 * request, which is within what names may be (64 of `[0-9a-zA-Z-_.]`).
 */
export function makeSchedulerSchedules(
  options: {
    client: SchedulerClient;
    /** Is told that a schedule could not be created, before `create` throws. */
    onCreateFailed?: () => void;
  } & ScheduleTarget,
): Schedules {
  const { client, groupName: GroupName, onCreateFailed } = options;

  return {
    async create(requestId, atMs) {
      const due: SubmitMessage = { v: 1, kind: "due", requestId };
      const command = new CreateScheduleCommand({
        Name: requestId,
        GroupName,
        ClientToken: requestId,
        ScheduleExpression: `at(${upToTheSecond(atMs)})`,
        ScheduleExpressionTimezone: "UTC",
        FlexibleTimeWindow: { Mode: "OFF" },
        ActionAfterCompletion: "DELETE",
        Target: scheduleTarget(options, due),
      });
      await callDependency("Scheduler CreateSchedule", () =>
        // The name is derived from the request: an existing schedule is this one.
        client.send(command).catch(unless(ConflictException)),
      ).catch((error: unknown) => {
        onCreateFailed?.();
        throw error;
      });
    },

    async delete(requestId) {
      const command = new DeleteScheduleCommand({ Name: requestId, GroupName });
      await callDependency("Scheduler DeleteSchedule", () =>
        client.send(command).catch(unless(ResourceNotFoundException)),
      );
    },
  };
}

/** How a schedule sends this message to the submit queue. */
export function scheduleTarget(
  { queueArn, roleArn, deadLetterArn }: ScheduleTarget,
  message: SubmitMessage,
): Target {
  return {
    Arn: queueArn,
    RoleArn: roleArn,
    Input: JSON.stringify(message),
    DeadLetterConfig: { Arn: deadLetterArn },
    RetryPolicy: {
      MaximumRetryAttempts: MAX_RETRIES,
      MaximumEventAgeInSeconds: MAX_EVENT_AGE_SECONDS,
    },
  };
}

/** `at()` takes whole seconds; rounded up, so that the schedule does not fire early. */
function upToTheSecond(atMs: number): string {
  return new Date(Math.ceil(atMs / 1000) * 1000).toISOString().slice(0, 19);
}

function unless(kind: new (...args: never[]) => Error) {
  return (error: unknown): undefined => {
    if (error instanceof kind) return undefined;
    throw error;
  };
}
