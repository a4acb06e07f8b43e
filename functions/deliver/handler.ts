import { deliverEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { makeHandler } from "./make-handler.ts";

const env = readEnvironment("deliver", deliverEnv, process.env);

export const handler = makeHandler(
  env,
  makeTelemetry("deliver", env),
  process.env.AWS_LAMBDA_RUNTIME_API,
);
