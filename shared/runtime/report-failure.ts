import { failures } from "../contracts/failures.ts";
import { type LogMessage, logMessages } from "../contracts/log-messages.ts";
import { type MessageFailure, toMessageFailure } from "../core/message-failure.ts";
import type { LogFields, LogLevel, Telemetry } from "./telemetry.ts";

/** Logs one line at the level of the failure's code. Counts an INTERNAL_ERROR. */
export function reportFailure(
  telemetry: Telemetry,
  message: LogMessage,
  failure: MessageFailure,
  fields: LogFields = {},
): void {
  write(telemetry, failures[failure.code].logLevel, message, failure, fields);
}

/**
 * Reports a message that stays in its queue, and counts it as failed. Not counted is what another
 * worker has claimed or will begin, and what no retry mends: the alarm of the dead letters tells it.
 */
export function reportFailedMessage(
  telemetry: Telemetry,
  failure: MessageFailure,
  fields: LogFields,
): void {
  reportFailure(telemetry, logMessages.messageProcessingFailed, failure, fields);
  const isLeft = failure.code === "CLAIM_HELD" || failure.code === "OUT_OF_TIME";
  const isParked = failures[failure.code].disposition === "park";
  if (!isLeft && !isParked) telemetry.count("MessageFailed");
}

/** Reports many failures of one run: one line for each different one, with their count. */
export function reportFailures(
  telemetry: Telemetry,
  message: LogMessage,
  all: readonly MessageFailure[],
): void {
  const different = Map.groupBy(
    all,
    ({ code, detail, error }) => `${code} ${detail} ${error?.stack}`,
  );
  for (const same of different.values()) {
    const [failure] = same;
    if (failure) reportFailure(telemetry, message, failure, { count: same.length });
  }
}

/** Reports events that stay in their outbox, and counts them. */
export function reportUnpublished(telemetry: Telemetry, all: readonly MessageFailure[]): void {
  reportFailures(telemetry, logMessages.eventNotPublished, all);
  if (all.length > 0) telemetry.count("PublishFailed", all.length);
}

/** Counts the events that were published, and reports those that stay in their outbox. */
export function reportPublished(
  telemetry: Telemetry,
  { published, failures }: { published: number; failures: readonly MessageFailure[] },
): void {
  if (published > 0) telemetry.count("EventPublished", published);
  reportUnpublished(telemetry, failures);
}

/** Reports an error after which the work goes on, or is completed by a later run, with its stack and cause. */
export function reportNonFatalError(telemetry: Telemetry, error: unknown): void {
  const failure = toMessageFailure(error);
  const level = failure.code === "INTERNAL_ERROR" ? "error" : "warn";
  // A thrown value that is not an Error may contain customer data: it is not logged.
  const reported = error instanceof Error ? { ...failure, error } : failure;
  write(telemetry, level, logMessages.nonFatalError, reported);
}

function write(
  telemetry: Telemetry,
  level: LogLevel,
  message: LogMessage,
  { code, detail, error }: MessageFailure,
  fields: LogFields = {},
): void {
  telemetry.log(level, message, { ...fields, code, detail, ...(error ? { error } : {}) });
  if (code === "INTERNAL_ERROR") telemetry.count("InternalError");
}
