import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { logMessages } from "../contracts/log-messages.ts";
import type { Telemetry } from "./telemetry.ts";
import { telemetryMiddleware } from "./telemetry-middleware.ts";

/** A function that a schedule invokes. `remainingMs` returns the time left before its timeout. */
export function makeScheduledFunction(
  telemetry: Telemetry,
  handle: (remainingMs: () => number) => Promise<void>,
) {
  return middy<unknown, void>()
    .use(telemetryMiddleware(telemetry, logMessages.scheduledRunFailed))
    .handler((_event, context: Context) => handle(() => context.getRemainingTimeInMillis()));
}
