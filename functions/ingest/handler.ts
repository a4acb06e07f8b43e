import { ingestEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { report } from "./report.ts";
import { toCommand, toResult } from "./request.ts";

const env = readEnvironment("ingest", ingestEnv, process.env);
const telemetry = makeTelemetry("ingest", env.STACK);
const { ingestWebhook } = compose(env);

export const handler = makeHttpFunction(telemetry, async (event) => {
  const outcome = await ingestWebhook(
    toCommand(event, AbortSignal.timeout(env.SETTINGS.inboundDeadlineMs)),
  );
  report(telemetry, outcome, event.requestContext.requestId);
  return toResult(outcome);
});
