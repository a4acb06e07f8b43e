import { submitEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { makeHandler } from "./make-handler.ts";

const env = readEnvironment("submit", submitEnv, process.env);

export const handler = makeHandler(env, makeTelemetry("submit", env));
