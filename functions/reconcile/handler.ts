import { reconcileEnv } from "../../shared/contracts/env.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeScheduledFunction } from "../../shared/runtime/scheduled-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import { makeObserver, reportDeliveries, reportOutbox, reportRequests } from "./report.ts";

const env = readEnvironment("reconcile", reconcileEnv, process.env);
const telemetry = makeTelemetry("reconcile", env.STACK);
const { sweepEventOutbox, sweepRequests, sweepDeliveries } = compose(env, makeObserver(telemetry));

export const handler = makeScheduledFunction(telemetry, async (remainingMs) => {
  // Concurrently, so that a backlog of one sweep does not use up the time of the others.
  const [events, requests, deliveries] = await Promise.all([
    sweepEventOutbox(remainingMs),
    sweepRequests(remainingMs),
    sweepDeliveries(remainingMs),
  ]);
  reportOutbox(telemetry, events);
  reportRequests(telemetry, requests);
  reportDeliveries(telemetry, deliveries);
});
