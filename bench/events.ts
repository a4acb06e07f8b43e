import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startEndpoints } from "./deliveries/endpoints-process.ts";
import { makeApi } from "./run/api.ts";
import { type BenchRun, startBenchRun } from "./run/bench-run.ts";
import { watchCores } from "./run/machine.ts";
import { billedUnits, shortName, unitsSince } from "./run/measured-units.ts";
import { processTimes, secondsSince } from "./run/process-times.ts";
import { everySeconds, makeReport, percentile } from "./run/report.ts";

const usage = `node bench/events.ts [options]

An event end to end: a provider's webhook comes in over HTTP, and a signed webhook goes out.
Prints latencies and the processor time of each function and of the local run.

  --rate N       webhooks a second (20)
  --seconds N    for so long, after a warm-up (30)
  --warm-up N    webhooks before (300)`;

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "20" },
    seconds: { type: "string", default: "30" },
    "warm-up": { type: "string", default: "300" },
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

/** Time that the events which are still under way are given after the last one is sent. */
const DRAIN_MS = 120_000;

const report = makeReport(`Events end to end, ${rate} a second`);

interface Sent {
  id: string;
  atMs: number;
  ackMs: number;
}

const now = () => performance.timeOrigin + performance.now();

async function send(inboundUrl: string, n: string): Promise<Sent> {
  const workflowId = `wf-${n}`;
  const atMs = now();
  const response = await fetch(inboundUrl, {
    method: "POST",
    body: JSON.stringify({
      id: `workflow.completed:${workflowId}`,
      type: "workflow.completed",
      createdAt: new Date().toISOString(),
      data: {
        workflowId,
        accountId: "acc",
        status: "completed",
        result: { text: "t".repeat(400) },
      },
    }),
  });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`webhook ${n} was answered ${response.status}`);
  return { id: n, atMs, ackMs: now() - atMs };
}

/** Sends at a steady rate, whether the earlier ones are answered or not. */
async function sendSteadily(inboundUrl: string, name: string, count: number, perSecond: number) {
  const startMs = now();
  const sending: Promise<Sent>[] = [];
  for (let n = 0; n < count; n++) {
    await setTimeout(Math.max(0, startMs + (n * 1_000) / perSecond - now()));
    sending.push(send(inboundUrl, `${name}-${n}`));
  }
  return Promise.all(sending);
}

async function measure(run: BenchRun): Promise<void> {
  const { local, pid } = run;
  const { inboundUrl = "" } =
    local.connections.find(({ provider }) => provider === "linked-api") ?? {};
  const endpoints = await startEndpoints();
  const { secret } = await makeApi(local).call<{ secret: string }>("/v1/webhook", {
    method: "PUT",
    body: { url: endpoints.urlOf(0) },
  });
  endpoints.add({ n: 0, behaviour: "healthy", secret });
  const arrived = async (count: number) => {
    const untilMs = now() + DRAIN_MS;
    while (new Set(endpoints.posts.map(({ id }) => id)).size < count && now() < untilMs) {
      await setTimeout(100);
    }
  };
  await sendSteadily(inboundUrl, "warm-up", warmUp, rate);
  await arrived(warmUp);
  const units = await billedUnits(local);
  const busy = watchCores();
  const before = processTimes(pid());
  const count = rate * seconds;
  const stop = everySeconds(10, () => report.note(`${endpoints.posts.length - warmUp} received`));
  const sent = await sendSteadily(inboundUrl, "event", count, rate);
  await arrived(warmUp + count);
  stop();
  const times = secondsSince(before, processTimes(pid()));
  report.figure("cores busy", `${(busy() * 100).toFixed(0)} %`);
  const shares = [0.5, 0.99, 1];
  const percentiles = (ms: readonly number[]) =>
    `${shares.map((share) => percentile(ms, share).toFixed(0)).join(" / ")} ms`;
  report.figure("ack: p50 / p99 / max", percentiles(sent.map(({ ackMs }) => ackMs)));
  // Events arrive in about the order in which they are sent: the n-th post is compared with the n-th webhook.
  const firsts = new Map<string, number>();
  for (const { id, atMs } of endpoints.posts) if (!firsts.has(id)) firsts.set(id, atMs);
  const posts = [...firsts.values()].slice(warmUp).toSorted((a, b) => a - b);
  const latencies = posts.map((atMs, n) => atMs - (sent[n]?.atMs ?? Number.NaN));
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
  const lost = warmUp + count - firsts.size;
  report.check("every event is received", lost === 0 ? [] : [`${lost} are missing`]);
  const faults = endpoints.posts.flatMap(({ fault }) => fault ?? []);
  report.check("every signature is right", faults);
  report.check("no event is received twice", endpoints.posts.length > firsts.size ? ["some"] : []);
  report.check("the platform reports no faults", run.faults());
  endpoints.close();
}

const run = await startBenchRun({
  speed: 1,
  settings: {},
});
try {
  await measure(run);
} finally {
  await run.close();
}
report.end();
process.exit();
