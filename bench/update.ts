import { appendFileSync, cpSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { sendSteadily } from "./events/load.ts";
import { connectReceiver } from "./events/receiver.ts";
import { markerIn } from "./requests/orders.ts";
import { makeApi } from "./run/api.ts";
import { type BenchRun, startBenchRun } from "./run/bench-run.ts";
import { everySeconds, makeReport, percentile } from "./run/report.ts";
import { makeSimulatorControl, tookEffect } from "./run/simulator.ts";

const usage = `node bench/update.ts [options]

Updates every function to another build while webhooks and requests come in, at first for a tenth of
the invocations and then for all, and goes back. Nothing may be lost, refused or submitted twice.

  --rate N       webhooks a second (30)
  --requests N   requests a second (5)
  --seconds N    for so long (60)`;

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "30" },
    requests: { type: "string", default: "5" },
    seconds: { type: "string", default: "60" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const [rate, requestRate, seconds] = [values.rate, values.requests, values.seconds].map(Number) as [
  number,
  number,
  number,
];

/** Real time that is given to what is under way when the last message has been sent. */
const DRAIN_MS = 180_000;
const ACCOUNTS = 50;
/** The line that each environment of the other build prints when it starts. */
const OTHER_BUILD = "the other build";

interface StoredEvent {
  id: string;
  data: { requestId?: string };
}

const report = makeReport(
  `An update and a rollback under ${rate} webhooks and ${requestRate} requests a second`,
);

/** Copies the assembly of the run with code that says which build it is. */
function otherBuild(run: BenchRun): string {
  const assembly = run.assembly();
  const other = join(dirname(assembly), "assembly-other");
  cpSync(assembly, other, { recursive: true });
  for (const entry of readdirSync(other)) {
    if (!entry.startsWith("asset.")) continue;
    appendFileSync(
      join(other, entry, "index.js"),
      `console.log(${JSON.stringify(OTHER_BUILD)});\n`,
    );
  }
  return other;
}

async function update(run: BenchRun, assemblyDir: string, share: number): Promise<number> {
  const startMs = performance.now();
  const response = await fetch(`${run.local.consoleUrl}/_control/update`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ assemblyDir, share }),
  });
  if (!response.ok) throw new Error(await response.text());
  return performance.now() - startMs;
}

async function measure(run: BenchRun): Promise<void> {
  const { local } = run;
  const api = makeApi(local);
  const simulator = makeSimulatorControl(local);
  // Business time: at any time some requests run at the provider, and some wait for it.
  await simulator.behave({ delayMs: [1_000, 60_000] });
  const { endpoints, send } = await connectReceiver(run);
  const refused: string[] = [];
  const requestIds = new Map<string, string>();

  async function request(id: string) {
    const account = Number(id.split("-").at(-1)) % ACCOUNTS;
    const response = await fetch(`${local.apiUrl}/v1/requests`, {
      method: "POST",
      headers: { "content-type": "application/json", ...api.authorization },
      body: JSON.stringify({
        ...{ provider: "we-link", accountId: `bench-${account}`, action: "connect" },
        params: { profile_id: id },
      }),
    });
    const text = await response.text();
    if (response.status !== 202) throw new Error(`request ${id} was answered ${response.status}`);
    requestIds.set(id, (JSON.parse(text) as { requestId: string }).requestId);
    return { id, atMs: 0, ackMs: 0 };
  }

  async function listEvents(): Promise<StoredEvent[]> {
    const all: StoredEvent[] = [];
    for (let cursor = ""; ; ) {
      const page = await api.call<{ items: StoredEvent[]; nextCursor?: string }>(
        `/v1/events?limit=100${cursor}`,
      );
      all.push(...page.items);
      if (page.nextCursor === undefined) return all;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
    }
  }

  /** Nothing is repeated: a refusal counts. */
  const counted = (one: (id: string) => ReturnType<typeof send>) => (id: string) =>
    one(id).catch((error: Error) => {
      refused.push(error.message);
      return { id, atMs: 0, ackMs: 0 };
    });

  const other = otherBuild(run);
  const first = run.assembly();
  const steps = [
    { at: 0.2, name: "a tenth to the other build", assembly: other, share: 0.1 },
    { at: 0.4, name: "everything to the other build", assembly: other, share: 1 },
    { at: 0.7, name: "back to the first build", assembly: first, share: 1 },
  ];
  const startMs = performance.now();
  const stop = everySeconds(10, () => report.note(`${endpoints.posts.length} received`));
  const updating = (async () => {
    for (const { at, name, assembly, share } of steps) {
      await setTimeout(Math.max(0, startMs + at * seconds * 1_000 - performance.now()));
      const running = (await api.list("RUNNING")).length;
      const tookMs = await update(run, assembly, share);
      report.figure(name, `${(tookMs / 1_000).toFixed(1)} s; ${running} requests at the provider`);
    }
  })();
  const webhooks = rate * seconds;
  const requests = requestRate * seconds;
  const [sent] = await Promise.all([
    sendSteadily(counted(send), { name: "event", count: webhooks, perSecond: rate }),
    sendSteadily(counted(request), { name: "request", count: requests, perSecond: requestRate }),
    updating,
  ]);
  const tookSeconds = (performance.now() - startMs) / 1_000;
  const accepted = webhooks + requests - refused.length;
  await until(async () => {
    const views = await api.list();
    return views.length >= requestIds.size && views.every(({ status }) => status === "SUCCEEDED");
  });
  // A webhook is one event; a request is created, started and completed.
  let events: StoredEvent[] = [];
  await until(async () => {
    events = await listEvents();
    const ids = new Set(endpoints.posts.map(({ id }) => id));
    const isComplete = events.length >= accepted + 2 * requestIds.size;
    return isComplete && ids.size >= events.length;
  });
  const drainedSeconds = (performance.now() - startMs) / 1_000;
  stop();

  const acks = sent.map(({ ackMs }) => ackMs).filter((ms) => ms > 0);
  const shares = [0.5, 0.99, 1].map((share) => percentile(acks, share).toFixed(0));
  report.figure("ack of webhooks: p50 / p99 / max", `${shares.join(" / ")} ms`);
  report.figure("events a second, sent", (events.length / tookSeconds).toFixed(1));
  report.figure(
    "events a second, until all were received",
    (events.length / drainedSeconds).toFixed(1),
  );
  const ids = new Set(endpoints.posts.map(({ id }) => id));
  report.figure("received again, with the same id", endpoints.posts.length - ids.size);
  report.check("no webhook and no request is refused", refused);
  const ofRequests = events.filter(({ data }) => data.requestId !== undefined);
  report.check(
    "every webhook that was acked is an event",
    lost(accepted - requestIds.size, events.length - ofRequests.length),
  );
  report.check(
    "every request is created, started and completed on the bus",
    lost(3 * requestIds.size, ofRequests.length),
  );
  report.check("every event is received", lost(events.length, ids.size));
  report.check(
    "every signature is right",
    endpoints.posts.flatMap(({ fault }) => fault ?? []),
  );
  const views = new Map((await api.list()).map((view) => [view.requestId, view.status]));
  report.check(
    "every request has succeeded",
    [...requestIds].filter(([, id]) => views.get(id) !== "SUCCEEDED").map(([name]) => name),
  );
  const taken = Map.groupBy((await simulator.submissions()).filter(tookEffect), ({ body }) =>
    markerIn(body),
  );
  report.check(
    "the provider got each request exactly once",
    [...requestIds.keys()].filter((name) => taken.get(name)?.length !== 1),
  );
  const functions = Object.values(run.template().Resources).filter(
    ({ Type }) => Type === "AWS::Lambda::Function",
  );
  const started = run.logged().split(OTHER_BUILD).length - 1;
  report.figure("environments of the other build", started);
  report.check("every function ran as the other build", lost(functions.length * 2, started));
  report.check("the platform reports no faults", run.faults());
  endpoints.close();
}

const lost = (expected: number, found: number) =>
  found >= expected ? [] : [`${expected - found} are missing`];

async function until(isDone: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + DRAIN_MS;
  while (!(await isDone()) && performance.now() < endMs) await setTimeout(1_000);
}

const run = await startBenchRun({
  speed: 20,
  settings: {
    paceMinSeconds: 0,
    paceMaxSeconds: 0,
    clientRequestsPerSecond: 10_000,
    inboundDeadlineMs: 4_900,
  },
});
try {
  await measure(run);
} finally {
  await run.close();
}
report.end();
process.exit();
