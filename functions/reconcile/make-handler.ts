import { makeFunctionTracer } from "../../shared/composition/function-tracer.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { makeScheduledFunction } from "../../shared/runtime/scheduled-function.ts";
import type { Telemetry } from "../../shared/runtime/telemetry.ts";
import { compose } from "./compose.ts";
import {
  makeObserver,
  reportAudit,
  reportDeliveries,
  reportOutbox,
  reportRequests,
} from "./report.ts";

/** Makes the handler of this function, as a cold start does. */
export function makeHandler(env: ParsedEnvironment<"reconcile">, telemetry: Telemetry) {
  const observer = makeObserver(telemetry);
  const { sweepEventOutbox, sweepRequests, sweepDeliveries, sweepAudit } = compose(env, observer);
  const tracer = makeFunctionTracer(env, observer.onNonFatalError);

  return makeScheduledFunction(telemetry, async (remainingMs) => {
    // Concurrently, so that a backlog of one sweep does not use up the time of the others.
    const [events, requests, deliveries, audit] = await Promise.all([
      sweepEventOutbox(remainingMs),
      sweepRequests(remainingMs),
      sweepDeliveries(remainingMs),
      sweepAudit(),
    ]);
    reportOutbox(telemetry, events);
    reportRequests(telemetry, requests);
    reportDeliveries(telemetry, deliveries);
    reportAudit(telemetry, audit);
    if (tracer && requests.lostAccepts.length > 0) {
      const { trace } = await import("./trace.ts");
      await trace(tracer, requests);
    }
  });
}
