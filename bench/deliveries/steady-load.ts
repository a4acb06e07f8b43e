import { watchCores, watchEmulators } from "../run/machine.ts";
import type { Report } from "../run/report.ts";
import type { Behaviour } from "./endpoints.ts";
import { type BenchEvent, inTurns } from "./events.ts";
import { latenciesMs, percentiles } from "./latency.ts";
import { type Load, openLoad } from "./load.ts";
import { mixture } from "./mixture.ts";
import type { BenchOptions } from "./options.ts";
import { stages } from "./stages.ts";

/**
 * So long it takes until the sick are known for what they are, and the workers
 * that are left to them have started: processes of this machine, all at once.
 */
const SETTLING_MS = 30_000;

/**
 * Warms everything up, and puts the events of a load one after the other. The
 * places that are healthy in the mixture are measured, whatever the other places contain.
 */
export async function runSteadyLoad(
  report: Report,
  options: BenchOptions,
  side: { name: string; behaviours: readonly (Behaviour | undefined)[] },
): Promise<{ load: Load; latencies: number[] }> {
  report.note(`${side.name}:`);
  const load = await openLoad(report, { ...options, behaviours: side.behaviours });
  await load.warmUp();
  const each = Math.round(options.deliveries / mixture.length);
  const inPlaces = inTurns(load.places, { load: "steady", each });
  const events = inPlaces.filter((event) => event !== undefined);
  load.events.push(...events);
  const busy = watchCores();
  const answersMs = watchEmulators(load.run.local);
  await load.bus.putSteadily(inPlaces, { perSecond: options.rate });
  const probedMs = answersMs();
  const healthy = events.filter(({ endpoint }) => mixture[endpoint] === "healthy");
  const startMs = events[0]?.putMs ?? 0;
  const isSettled = ({ putMs = 0 }: BenchEvent) => putMs >= startMs + SETTLING_MS;
  const measured = healthy.filter(isSettled);
  const settling = healthy.filter((event) => !isSettled(event));
  await load.until(() => load.arrived(healthy).length === healthy.length, 30);
  load.note(`all put; cores ${(busy() * 100).toFixed(0)} % busy meanwhile`);
  if (measured.length === 0) throw new Error(`Nothing is put after ${SETTLING_MS / 1_000} s`);
  const latencies = latenciesMs(measured, load.endpoints.posts);
  const settlingMs = latenciesMs(settling, load.endpoints.posts);
  report.figure(`${side.name}, its first ${SETTLING_MS / 1_000} s`, percentiles(settlingMs));
  report.figure(`${side.name}: put to POST (p50 / p95 / p99)`, percentiles(latencies));
  const parts = await stages(load, measured, options.speed);
  for (const [name, part] of Object.entries(parts)) report.figure(`  ${name}`, part);
  report.figure("  an easy AWS call meanwhile", percentiles(probedMs));
  return { load, latencies };
}
