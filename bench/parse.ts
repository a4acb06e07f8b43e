import { makeIngestCore } from "../test/support/fakes/ingest-core.ts";
import { hostileBodies } from "../test/support/payloads/hostile-bodies.ts";
import { makeReport } from "./run/report.ts";

/** CPU of one webhook on a core that reads the reference body in `REFERENCE_MS`. */
const MAX_CPU_MS = 50;
const REFERENCE_MS = 16;
/** They run before the compiler has optimised the code. */
const WARM_UP_RUNS = 10;
const RUNS = 30;

const report = makeReport("CPU of `ingest` for webhooks that are made to be slow to read");

/** CPU of this thread, on average. */
async function averageCpuMs(run: () => unknown): Promise<number> {
  for (let n = 0; n < WARM_UP_RUNS; n++) await run();
  const before = process.threadCpuUsage();
  for (let n = 0; n < RUNS; n++) await run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000 / RUNS;
}

const numbers = `[${"1.0e1,".repeat(38_000)}1]`;
const referenceMs = await averageCpuMs(() => JSON.parse(numbers, (_key, value) => value));
const maxMs = MAX_CPU_MS * Math.max(1, referenceMs / REFERENCE_MS);
report.figure("JSON.parse of 230 KB of numbers", `${referenceMs.toFixed(1)} ms`);

const slow: string[] = [];
for (const { name, body, headers } of hostileBodies) {
  const ms = await averageCpuMs(() => makeIngestCore().post(body, headers));
  report.figure(name, `${ms.toFixed(1)} ms`);
  if (ms > maxMs) slow.push(`${name}: ${ms.toFixed(1)} ms`);
}
report.check(`none takes more than ${maxMs.toFixed(0)} ms`, slow);
report.end();
