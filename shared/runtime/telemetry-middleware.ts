import type { MiddlewareObj } from "@middy/core";
import type { LogMessage } from "../contracts/log-messages.ts";
import { toMessageFailure } from "../core/message-failure.ts";
import { reportFailure } from "./report-failure.ts";
import type { Telemetry } from "./telemetry.ts";

/**
 * Writes the metrics of each invocation, and reports an error that ends one:
 * one line with its code, the error, its stack and its cause.
 */
export function telemetryMiddleware<Event, Result>(
  telemetry: Telemetry,
  failedMessage: LogMessage,
): MiddlewareObj<Event, Result> {
  // Both bodies are blocks: a value that a middleware returns would replace the handler's result.
  return {
    after: () => {
      telemetry.flush();
    },
    onError: ({ error }) => {
      const failure = toMessageFailure(error);
      // Another value than an Error could contain content.
      const reported = error instanceof Error ? { ...failure, error } : failure;
      reportFailure(telemetry, failedMessage, reported);
      telemetry.flush();
    },
  };
}
