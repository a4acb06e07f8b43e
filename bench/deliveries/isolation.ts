import type { Report } from "../run/report.ts";
import { percentiles, ratios } from "./latency.ts";
import { allHealthy, healthyAlone, mixture } from "./mixture.ts";
import type { BenchOptions } from "./options.ts";
import { runSteadyLoad } from "./steady-load.ts";

/** Each in fresh local runs, in turns, so that changes of the machine's load affect all sides. */
export async function runIsolation(report: Report, options: BenchOptions): Promise<void> {
  const sides = [
    { name: "healthy alone", behaviours: healthyAlone, all: [] as number[] },
    { name: "beside the sick", behaviours: mixture, all: [] as number[] },
    ...(options.withControl
      ? [{ name: "beside as many healthy", behaviours: allHealthy, all: [] as number[] }]
      : []),
  ];
  for (let round = 0; round < options.rounds; round++) {
    // Who begins alternates too.
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const { load, latencies } = await runSteadyLoad(report, options, side);
      side.all.push(...latencies);
      await load.close();
      report.check(`${side.name}: the run printed no fault`, load.run.faults());
    }
  }
  const [alone, sick, control] = sides;
  for (const { name, all } of sides) report.figure(`${name}, all rounds`, percentiles(all));
  const against = { "healthy alone": alone, "beside as many healthy": control };
  for (const [name, side] of Object.entries(against)) {
    if (side && sick) report.figure(`beside the sick / ${name}`, ratios(sick.all, side.all));
  }
}
