import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { latenciesOf, repeating, sendSteadily } from "./events/load.ts";
import { profilesWritten, selfTimes, signalProfilers } from "./events/profiles.ts";
import { arrived, connectReceiver } from "./events/receiver.ts";
import { type BenchRun, startBenchRun } from "./run/bench-run.ts";
import { watchCores } from "./run/machine.ts";
import { billedUnits, shortName, unitsSince } from "./run/measured-units.ts";
import { childrenOf, processTimes, secondsSince } from "./run/process-times.ts";
import { everySeconds, makeReport, percentile } from "./run/report.ts";

const usage = `node bench/events.ts [options]

An event end to end: a provider's webhook comes in over HTTP, and a signed webhook goes out.
Prints latencies and the processor time of each function and of the local run.

  --rate N       webhooks a second (20)
  --seconds N    for so long, after a warm-up (30)
  --warm-up N    webhooks before (300)
  --profile DIR  writes a CPU profile of each process, after the warm-up, and prints the self time by
                 package; a profile costs processor time itself`;

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "20" },
    seconds: { type: "string", default: "30" },
    "warm-up": { type: "string", default: "300" },
    profile: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const [rate, seconds, warmUp] = [values.rate, values.seconds, values["warm-up"]].map(Number) as [
  number,
  number,
  number,
];

const profileDir = values.profile === undefined ? undefined : resolve(values.profile);
if (profileDir) mkdirSync(profileDir, { recursive: true });

const report = makeReport(`Events end to end, ${rate} a second`);

async function measure(run: BenchRun): Promise<void> {
  const { local, pid } = run;
  const { endpoints, send } = await connectReceiver(run);
  await sendSteadily(repeating(send), { name: "warm-up", count: warmUp, perSecond: rate });
  await arrived(endpoints, warmUp);
  const units = await billedUnits(local);
  if (profileDir) signalProfilers(pid());
  const busy = watchCores();
  const before = processTimes(pid());
  const count = rate * seconds;
  const stop = everySeconds(10, () => report.note(`${endpoints.posts.length - warmUp} received`));
  const sent = await sendSteadily(send, { name: "event", count, perSecond: rate });
  await arrived(endpoints, warmUp + count);
  stop();
  const times = secondsSince(before, processTimes(pid()));
  if (profileDir) await reportProfiles(pid(), profileDir, count);
  report.figure("cores busy", `${(busy() * 100).toFixed(0)} %`);
  const shares = [0.5, 0.99, 1];
  const percentiles = (ms: readonly number[]) =>
    `${shares.map((share) => percentile(ms, share).toFixed(0)).join(" / ")} ms`;
  report.figure("ack: p50 / p99 / max", percentiles(sent.map(({ ackMs }) => ackMs)));
  const latencies = latenciesOf(sent, endpoints.posts.slice(warmUp));
  report.figure("in to received: p50 / p99 / max", percentiles(latencies));
  const perEvent = (sum: number) => `${((sum * 1_000) / count).toFixed(2)} ms`;
  const functions = [...times].filter(([name]) => name !== "local run");
  for (const [name, sum] of functions.toSorted(([, one], [, other]) => other - one)) {
    report.figure(`  CPU per event: ${name}`, perEvent(sum));
  }
  const sum = functions.reduce((all, [, one]) => all + one, 0);
  report.figure("CPU per event: functions", perEvent(sum));
  report.figure("CPU per event: local run", perEvent(times.get("local run") ?? 0));
  const work = unitsSince(units, await billedUnits(local)).filter(
    ({ caller, item }) =>
      item.startsWith("dynamodb.") && caller !== "other" && !/Reconcile/.test(caller),
  );
  for (const { caller, operation, item, resource = "", units: of } of work) {
    const name = `  ${shortName(caller)} ${operation} ${resource.replace(/.*(Table)[0-9A-F]{8}-?\w*/, "")}`;
    report.figure(name, `${(of / count).toFixed(2)} ${item.replace("dynamodb.", "")} units`);
  }
  for (const item of ["dynamodb.write", "dynamodb.read"] as const) {
    const all = work.filter((row) => row.item === item);
    const perOne = all.reduce((total, row) => total + row.units, 0) / count;
    report.figure(`units per event: ${item}`, perOne.toFixed(2));
  }
  const received = new Set(endpoints.posts.map(({ id }) => id)).size;
  const lost = warmUp + count - received;
  report.check("every event is received", lost === 0 ? [] : [`${lost} are missing`]);
  const faults = endpoints.posts.flatMap(({ fault }) => fault ?? []);
  report.check("every signature is right", faults);
  report.check("no event is received twice", endpoints.posts.length > received ? ["some"] : []);
  report.check("the platform reports no faults", run.faults());
  endpoints.close();
}

/** Prints the packages with the most self time. */
async function reportProfiles(pid: number, directory: string, count: number): Promise<void> {
  signalProfilers(pid);
  await profilesWritten(directory, 1 + childrenOf(pid).length);
  for (const [name, shares] of selfTimes(directory)) {
    const sum = shares.reduce((total, { ms }) => total + ms, 0);
    report.figure(`profile of ${name}`, `${(sum / count).toFixed(2)} ms per event`);
    for (const { name: place, ms } of shares.slice(0, 15)) {
      report.figure(`  ${place}`, `${((100 * ms) / sum).toFixed(1)} %`);
    }
  }
}

const run = await startBenchRun({
  speed: 1,
  settings: {},
  ...(profileDir === undefined
    ? {}
    : {
        main: fileURLToPath(new URL("./events/profiled-run.ts", import.meta.url)),
        env: { BENCH_PROFILE_DIR: profileDir },
      }),
});
try {
  await measure(run);
} finally {
  await run.close();
}
report.end();
process.exit();
