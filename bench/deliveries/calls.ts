import { setTimeout } from "node:timers/promises";
import { awsCalls, reportAwsCalls } from "../run/aws-calls.ts";
import type { Report } from "../run/report.ts";
import type { Behaviour } from "./endpoints.ts";
import { inTurns } from "./events.ts";
import { openLoad } from "./load.ts";
import type { BenchOptions } from "./options.ts";

/** A second or so after the last POST everything is recorded, and its messages are deleted. */
const SETTLING_MS = 3_000;
const LIGHT_PER_SECOND = 2;
const LIGHT_PART = 0.1;

/** What one delivery that succeeds at once costs, at light and at steady load. */
export async function runCalls(report: Report, options: BenchOptions): Promise<void> {
  const steady = { perSecond: options.rate, deliveries: options.deliveries };
  const light = {
    perSecond: LIGHT_PER_SECOND,
    deliveries: Math.round(options.deliveries * LIGHT_PART),
  };
  for (const endpoints of [1, 20]) {
    const behaviours = Array.from({ length: endpoints }, (): Behaviour => "healthy");
    const load = await openLoad(report, { ...options, behaviours });
    await load.warmUp();
    for (const { perSecond, deliveries } of [light, steady]) {
      const inPlaces = inTurns(load.places, {
        load: `at-${perSecond}`,
        each: Math.round(deliveries / endpoints),
      });
      const events = inPlaces.filter((event) => event !== undefined);
      load.events.push(...events);
      const before = await awsCalls(load.run.local);
      await load.bus.putSteadily(inPlaces, { perSecond });
      await load.until(() => load.arrived(events).length === events.length, 30);
      await setTimeout(SETTLING_MS);
      const after = await awsCalls(load.run.local);
      report.note(
        `${events.length} deliveries to ${endpoints} endpoints at ${perSecond} a second:`,
      );
      reportAwsCalls(report, { before, after, count: events.length, unit: "delivery" });
    }
    await load.close();
  }
}
