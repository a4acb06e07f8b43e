import type { CreateScheduleCommandInput, FlexibleTimeWindow } from "@aws-sdk/client-scheduler";
import { assertTargetArn } from "../eventbridge/target-delivery.ts";
import { AwsError, required, validationError } from "../protocol.ts";
import { parseScheduleExpression, type ScheduleExpression } from "./schedule-expression.ts";
import { isTimeZone } from "./time-zone.ts";

/** A schedule in its wire format: instants are seconds. */
export type ScheduleRequest = Omit<CreateScheduleCommandInput, "StartDate" | "EndDate"> & {
  StartDate?: number;
  EndDate?: number;
};

/**
 * Checks a schedule as CreateSchedule does.
 *
 * @throws ValidationException
 */
export function readSchedule(request: ScheduleRequest): ScheduleExpression {
  if (!/^[0-9a-zA-Z-_.]{1,64}$/.test(required(request.Name, "name"))) {
    throw validationError(
      `1 validation error detected: Value '${request.Name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]{1,64}$`,
    );
  }
  assertWindow(required(request.FlexibleTimeWindow, "flexibleTimeWindow"));
  const target = required(request.Target, "target");
  required(target.RoleArn, "target.roleArn");
  assertTargetArn(target.Arn);
  const timeZone = request.ScheduleExpressionTimezone ?? "UTC";
  if (!isTimeZone(timeZone)) {
    throw validationError(`Invalid Schedule Expression Timezone ${timeZone}.`);
  }
  const text = required(request.ScheduleExpression, "scheduleExpression");
  const expression = parseScheduleExpression(text, timeZone);
  if (!expression) throw validationError(`Invalid Schedule Expression ${text}.`);
  return expression;
}

function assertWindow(window: FlexibleTimeWindow): void {
  const minutes = window.MaximumWindowInMinutes;
  const isValid =
    window.Mode === "OFF"
      ? minutes === undefined
      : window.Mode === "FLEXIBLE" && minutes !== undefined && minutes >= 1 && minutes <= 1_440;
  if (!isValid) {
    throw validationError(
      "FlexibleTimeWindow must be OFF, or FLEXIBLE with MaximumWindowInMinutes between 1 and 1440.",
    );
  }
}

export function scheduleNotFound(name: string): AwsError {
  return new AwsError("ResourceNotFoundException", `Schedule ${name} does not exist.`, {
    status: 404,
  });
}
