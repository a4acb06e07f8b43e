import { parseArgs } from "node:util";
import { resolveSettings } from "../infra/settings.ts";
import { timing } from "../infra/timing.ts";
import { latenciesOf, repeating, type Send, sendSteadily } from "./events/load.ts";
import { arrived, connectReceiver } from "./events/receiver.ts";
import { type BenchRun, startBenchRun } from "./run/bench-run.ts";
import { billedUnits, isSweep, unitsSince } from "./run/measured-units.ts";
import { makeReport, percentile } from "./run/report.ts";

const usage = `node bench/windows.ts [options]

What a batch window of a queue costs and saves at light load: latency from the provider's webhook to
the signed webhook, SQS requests and invocations, with and without windows, in alternation.

  --rate N      webhooks a second (4)
  --rounds N    of each; at least 7 (7)
  --seconds N   of a round (10)`;

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "4" },
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "10" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const rate = Number(values.rate);
const rounds = Math.max(7, Number(values.rounds));
const count = rate * Number(values.seconds);

/** Seconds of the window whose effect has a goal, which the settings allow to be longer. */
const WINDOW_SECONDS = 1;

/** Settings of each side. The first one has no windows. */
const sidesOf: Readonly<Record<string, Record<string, number>>> = {
  "no window": { consumeBatchWindowSeconds: 0, deliverBatchWindowSeconds: 0 },
  "1 s of webhooks": { consumeBatchWindowSeconds: WINDOW_SECONDS, deliverBatchWindowSeconds: 0 },
  "1 s of webhooks, events and attempts": {
    consumeBatchWindowSeconds: WINDOW_SECONDS,
    deliverBatchWindowSeconds: WINDOW_SECONDS,
  },
};

interface Side {
  name: string;
  run: BenchRun;
  send: Send;
  endpoints: Awaited<ReturnType<typeof connectReceiver>>["endpoints"];
  /** Median of each round. */
  mediansMs: number[];
  latenciesMs: number[];
  /** Of all rounds. */
  requests: number;
  invocations: number;
}

async function open(name: string): Promise<Side> {
  const run = await startBenchRun({ speed: 1, settings: sidesOf[name] ?? {} });
  const connected = await connectReceiver(run);
  const counts = { requests: 0, invocations: 0 };
  return { name, run, ...connected, mediansMs: [], latenciesMs: [], ...counts };
}

async function measure(side: Side, name: string): Promise<void> {
  const { run, endpoints } = side;
  const send = name === "warm-up" ? repeating(side.send) : side.send;
  const had = endpoints.posts.length;
  const before = await billedUnits(run.local);
  const sent = await sendSteadily(send, { name, count, perSecond: rate });
  await arrived(endpoints, had + count);
  const latencies = latenciesOf(sent, endpoints.posts.slice(had));
  side.mediansMs.push(percentile(latencies, 0.5));
  side.latenciesMs.push(...latencies);
  const units = unitsSince(before, await billedUnits(run.local)).filter((row) => !isSweep(row));
  for (const { item, units: of } of units) {
    if (item === "sqs.request") side.requests += of;
    if (item === "lambda.request") side.invocations += of;
  }
}

/** The longest window of any queue, as the stack is deployed by default (s). */
function longestWindow(): number {
  const { consumeBatchWindowSeconds, deliverBatchWindowSeconds } = resolveSettings();
  const retries = timing.retriesBatchWindow.toSeconds();
  return Math.max(consumeBatchWindowSeconds, deliverBatchWindowSeconds, retries);
}

const report = makeReport(`Batch windows at light load: ${rate} webhooks a second`);
const sides: Side[] = [];
try {
  for (const name of Object.keys(sidesOf)) sides.push(await open(name));
  for (const side of sides) await measure(side, "warm-up");
  for (const side of sides) {
    Object.assign(side, { mediansMs: [], latenciesMs: [], requests: 0, invocations: 0 });
  }
  for (let round = 0; round < rounds; round++) {
    // Who is first in one round is last in the next.
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      await measure(side, `round-${round}`);
    }
  }
  const medianOf = (side: Side | undefined) => percentile(side?.mediansMs ?? [], 0.5);
  for (const side of sides) {
    const [p50, p99] = [0.5, 0.99].map((share) => percentile(side.latenciesMs, share).toFixed(0));
    const each = (sum: number) => (sum / (rounds * count)).toFixed(2);
    report.figure(
      side.name,
      `p50 / p99 ${p50} / ${p99} ms; ${each(side.requests)} SQS requests and ${each(side.invocations)} invocations per event`,
    );
    const lost = rounds * count - side.latenciesMs.length;
    report.check("  every event is received once", lost === 0 ? [] : [`${lost} are missing`]);
  }
  report.goal({
    ...{ id: "P8", name: "longest batch window of a queue, by default" },
    ...{ value: longestWindow(), unit: "s", goal: { atMost: 1 } },
  });
  report.goal({
    ...{ id: "P8", name: `median latency added by a window of 1 s, ${rate} events a second` },
    value: (medianOf(sides[1]) - medianOf(sides[0])) / 1_000,
    ...{ unit: "s", goal: { atMost: 0.5 } },
    samples: Object.fromEntries(
      sides.map(({ name, mediansMs }) => [`${name}, median ms of a round`, mediansMs]),
    ),
  });
} finally {
  for (const { endpoints, run } of sides) {
    endpoints.close();
    await run.close();
  }
}
report.end();
process.exit();
