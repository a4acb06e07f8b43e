import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { acceptAll, makeOrders, markerIn, type Order } from "./requests/orders.ts";
import { makeApi } from "./run/api.ts";
import { awsCalls, reportAwsCalls } from "./run/aws-calls.ts";
import { startBenchRun } from "./run/bench-run.ts";
import { attachConsumer } from "./run/bus.ts";
import { checkLanes } from "./run/lane-checks.ts";
import { everySeconds, makeReport, percentile, spread } from "./run/report.ts";
import { makeSimulatorControl, type Submission, tookEffect } from "./run/simulator.ts";

const usage = `node bench/scheduled.ts [options]

  --requests N            all for the same minute (10000)
  --accounts N            500
  --speed N               business time (20)
  --lead SECONDS          real time from the first accept to that minute (180)
  --accept-concurrency N  requests being accepted at once (20)
  --patience SECONDS      without any progress, until it gives up (120)`;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "10000" },
    accounts: { type: "string", default: "500" },
    speed: { type: "string", default: "20" },
    lead: { type: "string", default: "180" },
    "accept-concurrency": { type: "string", default: "20" },
    patience: { type: "string", default: "120" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const accounts = Number(values.accounts);
const total = Number(values.requests);
const speed = Number(values.speed);
const MINUTE_MS = 60_000;
const PACE_MIN_MS = 30_000;
const LANE_HOLD_MS = 3_600_000;
const DAYS_30 = 2_592_000;

const report = makeReport(
  `${total} requests of ${accounts} accounts, scheduled for one minute, at speed ${speed}`,
);
const run = await startBenchRun({
  speed,
  settings: {
    queueTimeoutSeconds: DAYS_30,
    resultTimeoutSeconds: DAYS_30,
    unknownTimeoutSeconds: DAYS_30,
    scheduleLeadSeconds: 0,
    clientRequestsPerSecond: 10_000,
  },
});
const api = makeApi(run.local);
const simulator = makeSimulatorControl(run.local);
const orders = makeOrders({ accounts, perAccount: total / accounts, linkedAccounts: 0 });
const bus = await attachConsumer(run.local);
await simulator.behave({ delayMs: [1_000, 60_000] });

const startedMs = performance.now();
const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(0);
const leadMs = Number(values.lead) * 1000 * speed;
const minuteMs = Math.ceil(((await simulator.nowMs()) + leadMs) / MINUTE_MS) * MINUTE_MS;
const scheduledMs = new Map(
  orders.map(({ marker }) => [marker, minuteMs + Math.floor(Math.random() * MINUTE_MS)]),
);
const scheduledOf = ({ marker }: Order) => new Date(scheduledMs.get(marker) ?? 0).toISOString();
const accepted = () => orders.filter(({ requestId }) => requestId !== undefined).length;
const stopProgress = everySeconds(10, () =>
  report.note(`${seconds()} s: ${accepted()} accepted, ${bus.completed()} completed`),
);

try {
  const callsBefore = await awsCalls(run.local);
  await acceptAll(api, orders, {
    concurrency: Number(values["accept-concurrency"]),
    withKeys: false,
    scheduledOf,
  }).catch((error: unknown) => {
    // A time that has passed is refused.
    report.note("not all were accepted before their minute? Then give a longer --lead");
    throw error;
  });
  report.note(`${seconds()} s: all accepted`);
  report.check(
    "all were accepted before their minute",
    (await simulator.nowMs()) < minuteMs ? [] : ["too late: give a longer --lead"],
  );
  await allEnded();
  const callsAfter = await awsCalls(run.local);
  stopProgress();
  report.figure("from the first accept to the last result", `${seconds()} s`);
  await checkScheduled();
  reportAwsCalls(report, {
    before: callsBefore,
    after: callsAfter,
    count: total,
    unit: "request",
  });
} finally {
  stopProgress();
  await bus.close();
  await run.close();
}
report.end();
process.exit();

async function allEnded(): Promise<void> {
  let last = { completed: 0, atMs: 0 };
  while (bus.completed() < total) {
    await setTimeout(500);
    const isWaiting = (await simulator.nowMs()) < minuteMs;
    if (isWaiting || bus.completed() !== last.completed) {
      last = { completed: bus.completed(), atMs: Date.now() };
    }
    if (Date.now() - last.atMs > Number(values.patience) * 1000) return;
  }
}

async function checkScheduled(): Promise<void> {
  const submissions = await simulator.submissions();
  const taken = Map.groupBy(submissions.filter(tookEffect), ({ body }) => markerIn(body));
  const atMs = ({ at }: Submission) => Date.parse(at);
  report.check(
    "each was submitted, exactly once",
    orders
      .filter(({ marker }) => taken.get(marker)?.length !== 1)
      .map(({ marker }) => `${marker}: ${taken.get(marker)?.length ?? 0} times`),
  );
  report.check(
    "none came before its time",
    submissions
      .filter((call) => atMs(call) < (scheduledMs.get(markerIn(call.body)) ?? 0))
      .map((call) => `${markerIn(call.body)}: ${call.at}`),
  );
  const views = new Map((await api.list()).map((view) => [view.requestId, view]));
  report.check(
    "each has ended as it was asked to",
    orders
      .filter(({ requestId, mustEnd }) => views.get(requestId ?? "")?.status !== mustEnd)
      .map(({ marker, requestId }) => `${marker}: ${views.get(requestId ?? "")?.status}`),
  );
  const byMarker = new Map(orders.map((order) => [order.marker, order]));
  const faults = checkLanes(
    submissions,
    ({ body }) => views.get(byMarker.get(markerIn(body))?.requestId ?? ""),
    { paceMinMs: PACE_MIN_MS, laneHoldMs: LANE_HOLD_MS },
  );
  report.check("one in flight per account", faults.overlaps);
  report.check(`at least ${PACE_MIN_MS / 1000} s between an answer and the next`, faults.gaps);

  const realMs = (ms: number) => (ms - minuteMs) / speed;
  const joined = [...views.values()].flatMap(({ joinedAt, scheduled }) =>
    joinedAt && scheduled ? [Date.parse(joinedAt) - Date.parse(scheduled)] : [],
  );
  const late = [0.5, 0.99, 1].map((share) => (percentile(joined, share) / speed / 1000).toFixed(1));
  report.figure("joined its lane after its time (real)", `${late.join(" / ")} s  p50 / p99 / max`);
  const lanes = [...Map.groupBy(submissions.filter(tookEffect), ({ accountId }) => accountId)];
  const firsts = lanes.map(([, calls]) => realMs(Math.min(...calls.map(atMs))));
  const lasts = lanes.map(([, calls]) => realMs(Math.max(...calls.map(atMs))));
  report.figure("first submission of each account (real)", `${spread(firsts)}  min / median / max`);
  report.figure("last submission of each account (real)", `${spread(lasts)}  min / median / max`);
  report.check(
    "no account starved: each is done within twice the median account's time",
    lanes
      .filter((_, index) => (lasts[index] ?? 0) > 2 * percentile(lasts, 0.5))
      .map(([accountId]) => accountId),
  );
  report.check("the run printed no fault", run.faults());
}
