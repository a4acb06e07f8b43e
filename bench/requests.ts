import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { checkRequests } from "./requests/checks.ts";
import { acceptAll, makeLinkedAccounts, makeOrders } from "./requests/orders.ts";
import { settleUnknown } from "./requests/settle-unknown.ts";
import { makeApi } from "./run/api.ts";
import { awsCalls, reportAwsCalls } from "./run/aws-calls.ts";
import { startBenchRun } from "./run/bench-run.ts";
import { attachConsumer } from "./run/bus.ts";
import { everySeconds, makeReport } from "./run/report.ts";
import { makeSimulatorControl } from "./run/simulator.ts";

const usage = `node bench/requests.ts [options]

  --accounts N            200
  --per-account N         requests of each account (25)
  --linked-api N          accounts of these that are Linked API's (0)
  --speed N               business time (600)
  --kills N               kill -9 of everything on the way, so often (0)
  --accept-concurrency N  requests being accepted at once (20)
  --lost-answers RATE     of the provider's answers that never come (0)
  --clean                 a simulator without faults: no duplicates, drops or 429s
  --without-keys          no Idempotency-Key
  --patience SECONDS      without any progress, until it gives up (300)
  --keep                  leave the run's directory behind`;

const { values } = parseArgs({
  options: {
    accounts: { type: "string", default: "200" },
    "per-account": { type: "string", default: "25" },
    "linked-api": { type: "string", default: "0" },
    speed: { type: "string", default: "600" },
    kills: { type: "string", default: "0" },
    "accept-concurrency": { type: "string", default: "20" },
    "lost-answers": { type: "string", default: "0" },
    clean: { type: "boolean", default: false },
    "without-keys": { type: "boolean", default: false },
    patience: { type: "string", default: "300" },
    keep: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const accounts = Number(values.accounts);
const perAccount = Number(values["per-account"]);
const linkedAccounts = Number(values["linked-api"]);
const kills = Number(values.kills);
const total = accounts * perAccount;
const mayLoseAnswers = kills > 0 || Number(values["lost-answers"]) > 0;

const DAYS_30 = 2_592_000;
const report = makeReport(
  `${total} requests of ${accounts} accounts (${linkedAccounts} of Linked API) at speed ${values.speed}, ${kills} kills`,
);

const run = await startBenchRun({
  speed: Number(values.speed),
  // The machine is what is slow here: nothing may end by a timeout.
  settings: {
    queueTimeoutSeconds: DAYS_30,
    resultTimeoutSeconds: DAYS_30,
    unknownTimeoutSeconds: DAYS_30,
  },
  keepsData: kills > 0,
  keepsDirectory: values.keep,
});
const api = makeApi(run.local);
const simulator = makeSimulatorControl(run.local);
const orders = makeOrders({ accounts, perAccount, linkedAccounts });
await makeLinkedAccounts(api, orders);
const bus = await attachConsumer(run.local);
const misbehaves = { duplicateRate: 0.2, dropRate: 0.1, tooManyRequestsRate: 0.05 };
await simulator.behave({
  ...(values.clean ? {} : misbehaves),
  delayMs: [1_000, 60_000],
  lostAnswerRate: Number(values["lost-answers"]),
});

const callsBefore = await awsCalls(run.local);
const startedMs = performance.now();
const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(0);
const accepted = () => orders.filter(({ requestId }) => requestId !== undefined).length;
let killed = 0;
const stopProgress = everySeconds(10, () =>
  report.note(`${seconds()} s: ${accepted()} accepted, ${bus.completed()} completed`),
);
const accepting = acceptAll(api, orders, {
  concurrency: Number(values["accept-concurrency"]),
  withKeys: !values["without-keys"],
}).then(() => report.note(`${seconds()} s: all accepted`));

/** Kills it each time another part of the work is done. */
async function killOnTheWay(): Promise<void> {
  for (; killed < kills; killed++) {
    const atCompleted = (total * (2 * killed + 1)) / (2 * kills);
    while (bus.completed() < atCompleted) await setTimeout(100);
    report.note(`${seconds()} s: kill -9 at ${accepted()} accepted, ${bus.completed()} completed`);
    await run.killAndRestart();
    report.note(`${seconds()} s: up again`);
  }
}

/** Until every request has ended; what is UNKNOWN when all else is done is settled by hand. */
async function allEnded(): Promise<{ resolved: string[]; isStuck: boolean }> {
  const resolved: string[] = [];
  let last = { completed: -1, atMs: Date.now() };
  while (bus.completed() < total) {
    await setTimeout(500);
    const completed = bus.completed();
    if (completed !== last.completed) last = { completed, atMs: Date.now() };
    const quietMs = Date.now() - last.atMs;
    if (quietMs > Number(values.patience) * 1000) return { resolved, isStuck: true };
    if (mayLoseAnswers && quietMs > 15_000 && accepted() === total) {
      const settled = await settleUnknown(api, simulator, orders);
      if (settled.length > 0) report.note(`${seconds()} s: ${settled.length} settled by hand`);
      resolved.push(...settled);
    }
  }
  return { resolved, isStuck: false };
}

try {
  const killing = killOnTheWay();
  const { resolved, isStuck } = await allEnded();
  if (!isStuck) await Promise.all([accepting, killing]);
  stopProgress();
  report.figure("from the first request to the last result", `${seconds()} s`);
  report.figure("answers of the API asked for again", JSON.stringify(api.retries));
  if (kills === 0) {
    const after = await awsCalls(run.local);
    reportAwsCalls(report, { before: callsBefore, after, count: total, unit: "request" });
  }
  await checkRequests({
    report,
    run,
    api,
    simulator,
    bus,
    orders,
    resolved,
    mayLoseAnswers,
    kills,
  });
} finally {
  stopProgress();
  await bus.close();
  await run.close();
}
report.end();
process.exit();
