import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { logMessages } from "../contracts/log-messages.ts";
import type { Telemetry } from "./telemetry.ts";

/** A function that a schedule starts. `remainingMs` tells how long this run may still go on. */
export function makeScheduledFunction(
  telemetry: Telemetry,
  handle: (remainingMs: () => number) => Promise<void>,
) {
  return middy<unknown, void>()
    .use({
      // In braces: what a middleware returns would replace the handler's answer.
      after: () => {
        telemetry.flush();
      },
      onError: (request) => {
        const error = request.error ?? undefined;
        telemetry.log("error", logMessages.scheduledRunFailed, error ? { error } : {});
        telemetry.flush();
      },
    })
    .handler((_event, context: Context) => handle(() => context.getRemainingTimeInMillis()));
}
