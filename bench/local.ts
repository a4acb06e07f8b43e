import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { forEachConcurrent } from "../shared/core/for-each-concurrent.ts";
import { makeEmptyFunction } from "./local/empty-function.ts";
import { type BenchRun, startBenchRun } from "./run/bench-run.ts";
import { attachConsumer } from "./run/bus.ts";
import { makeReport, percentile } from "./run/report.ts";
import { makeSimulatorControl } from "./run/simulator.ts";

const usage = `node bench/local.ts [options]

  --webhooks N      sent over 20 connections (2000)
  --submissions N   that the simulator takes (10000)
  --messages N      that a mapping gives to an empty function (5000)`;

const { values } = parseArgs({
  options: {
    webhooks: { type: "string", default: "2000" },
    submissions: { type: "string", default: "10000" },
    messages: { type: "string", default: "5000" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const [webhooks, submissions, messages] = [
  values.webhooks,
  values.submissions,
  values.messages,
].map(Number) as [number, number, number];

/** In which a provider must be answered. */
const ANSWER_LIMIT_MS = 2_500;
/** After which the bench gives up. */
const LIMIT_MS = 600_000;
const SUBMISSIONS_LIMIT_MS = 60_000;
const LIST_LIMIT_MS = 3_000;
const MIN_MESSAGES_PER_SECOND = 500;

const report = makeReport("How fast the local run is");

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

async function measureWebhooks(run: BenchRun): Promise<void> {
  const { inboundUrl = "" } =
    run.local.connections.find(({ provider }) => provider === "linked-api") ?? {};
  const bus = await attachConsumer(run.local);
  const latenciesMs: number[] = [];
  const refused: string[] = [];
  const startedMs = performance.now();
  await forEachConcurrent(numbers(webhooks), 20, async (n) => {
    const sentMs = performance.now();
    const { status } = await fetch(inboundUrl, {
      method: "POST",
      body: JSON.stringify({
        id: `workflow.completed:wf-${n}`,
        type: "workflow.completed",
        createdAt: "2026-06-25T12:00:00.000Z",
        data: { workflowId: `wf-${n}`, accountId: "acc", status: "completed", result: { n } },
      }),
    });
    latenciesMs.push(performance.now() - sentMs);
    if (status !== 200) refused.push(`webhook ${n} was answered ${status}`);
  });
  while (bus.events() < webhooks - refused.length) {
    if (performance.now() - startedMs > LIMIT_MS) {
      throw new Error(`${bus.events()} of ${webhooks} events arrived`);
    }
    await setTimeout(50);
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  await bus.close();
  const [p50, p99, max] = [0.5, 0.99, 1].map((share) => percentile(latenciesMs, share).toFixed(0));
  report.figure("ack of a webhook: p50 / p99 / max", `${p50} / ${p99} / ${max} ms`);
  report.figure("webhooks a second, to the bus", (webhooks / seconds).toFixed(0));
  const late = latenciesMs.filter((ms) => ms > ANSWER_LIMIT_MS).map((ms) => `${ms.toFixed(0)} ms`);
  report.check(`each webhook is acked within ${ANSWER_LIMIT_MS} ms`, [...refused, ...late]);
}

async function measureSimulator(run: BenchRun): Promise<void> {
  const simulator = makeSimulatorControl(run.local);
  await simulator.behave({ delayMs: [1e9, 1e9] });
  const startedMs = performance.now();
  await forEachConcurrent(numbers(submissions), 8, async (n) => {
    await fetch(`${run.local.providerUrl}/api/v1/connect`, {
      method: "POST",
      headers: { "x-api-key": "bench", "x-api-secret": "bench" },
      body: JSON.stringify({ accountId: `acc-${n % 8}`, profile_id: "p" }),
    });
  });
  const takenMs = performance.now() - startedMs;
  const listed = await simulator.submissions();
  const listedMs = performance.now() - startedMs - takenMs;
  report.figure("submissions at the simulator", `${submissions} in ${takenMs.toFixed(0)} ms`);
  report.figure("listed", `${listed.length} in ${listedMs.toFixed(0)} ms`);
  report.check("they are taken and listed in time", [
    ...(listed.length === submissions ? [] : [`${listed.length} are listed`]),
    ...(takenMs < SUBMISSIONS_LIMIT_MS ? [] : [`taken in ${takenMs.toFixed(0)} ms`]),
    ...(listedMs < LIST_LIMIT_MS ? [] : [`listed in ${listedMs.toFixed(0)} ms`]),
  ]);
}

async function measureMapping(): Promise<void> {
  const empty = await makeEmptyFunction();
  try {
    await empty.send(messages);
    const perSecond = messages / (await empty.workOffSeconds());
    report.figure("messages a second, to an empty function", perSecond.toFixed(0));
    report.check(
      `a mapping gives a function ${MIN_MESSAGES_PER_SECOND} messages a second`,
      perSecond >= MIN_MESSAGES_PER_SECOND ? [] : [`${perSecond.toFixed(0)}`],
    );
  } finally {
    await empty.close();
  }
}

const run = await startBenchRun({ speed: 1, settings: {} });
try {
  await measureWebhooks(run);
  await measureSimulator(run);
} finally {
  await run.close();
}
await measureMapping();
report.end();
