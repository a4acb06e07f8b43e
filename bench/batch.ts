import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { bodyOf, makeOrders, type Order } from "./requests/orders.ts";
import { type Api, forEach, makeApi } from "./run/api.ts";
import { awsCalls } from "./run/aws-calls.ts";
import { startBenchRun } from "./run/bench-run.ts";
import { makeReport } from "./run/report.ts";

const usage = `node bench/batch.ts [options]

  --requests N     of each way (10000)
  --accounts N     that the requests are of (100)
  --batch N        requests of one batch (1000)
  --concurrency N  single requests being accepted at once (20)`;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "10000" },
    accounts: { type: "string", default: "100" },
    batch: { type: "string", default: "1000" },
    concurrency: { type: "string", default: "20" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const total = Number(values.requests);
const accounts = Number(values.accounts);
const batchSize = Number(values.batch);

const report = makeReport(
  `${total} requests of ${accounts} accounts: one by one, and in batches of ${batchSize}`,
);

interface Answer {
  accepted: number;
  items: { status: number; request?: { requestId: string } }[];
}

const keyOf = (key: string) => ({ "idempotency-key": key });

async function oneByOne(api: Api, orders: readonly Order[]): Promise<void> {
  await forEach(orders, Number(values.concurrency), async (order) => {
    const headers = { ...api.authorization, ...keyOf(order.marker) };
    const body = bodyOf(order);
    order.requestId = (
      await api.call<{ requestId: string }>("/v1/requests", { headers, body })
    ).requestId;
  });
}

const inBatches = (hasItemKeys: boolean) => async (api: Api, orders: readonly Order[]) => {
  for (let at = 0; at < orders.length; at += batchSize) {
    const some = orders.slice(at, at + batchSize);
    const body = {
      requests: some.map((order) => ({
        ...bodyOf(order),
        ...(hasItemKeys ? { idempotencyKey: order.marker } : {}),
      })),
    };
    const headers = { ...api.authorization, ...keyOf(`batch-${at}`) };
    const answer = await api.call<Answer>("/v1/requests/batch", { headers, body });
    for (const [n, { request }] of answer.items.entries()) {
      const order = some[n];
      if (order && request) order.requestId = request.requestId;
    }
  }
};

type Counts = Awaited<ReturnType<typeof awsCalls>>;
type Row = { calls: number; entries: number };

/** The calls of `api`, and those with which `submit` publishes the events, for each operation. */
function callsOf(after: Counts, before: Counts, of: "Api" | "Submit"): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const [call, { calls, entries }] of Object.entries(after)) {
    const [caller = "", operation = ""] = call.split(" ");
    if (!caller.startsWith(`Ackwire${of}Function`) || call.endsWith("(empty)")) continue;
    const { calls: earlier = 0, entries: earlierEntries = 0 } = before[call] ?? {};
    if (calls > earlier) {
      rows.set(operation, { calls: calls - earlier, entries: entries - earlierEntries });
    }
  }
  return rows;
}

const writesIn = (rows: ReadonlyMap<string, Row>) =>
  ["dynamodb:PutItem", "dynamodb:UpdateItem"].reduce(
    (sum, name) => sum + (rows.get(name)?.calls ?? 0),
    0,
  );

async function measure(
  name: string,
  accept: (api: Api, orders: readonly Order[]) => Promise<void>,
): Promise<{ writes: number }> {
  const run = await startBenchRun({
    speed: 1,
    settings: {
      // One submission of each account: what is counted is the acceptance.
      paceMinSeconds: 86_400,
      paceMaxSeconds: 86_400,
      accountWaitingLimit: 100_000,
      clientRequestsPerSecond: 10_000,
    },
  });
  try {
    const api = makeApi(run.local);
    const orders = makeOrders({ accounts, perAccount: total / accounts, linkedAccounts: 0 });
    const before = await awsCalls(run.local);
    const startedMs = performance.now();
    await accept(api, orders);
    const acceptedS = (performance.now() - startedMs) / 1000;
    const after = await whenPublished(() => awsCalls(run.local), before);
    const api_ = callsOf(after, before, "Api");
    const submit = callsOf(after, before, "Submit");
    report.note(`${name}, accepted in ${acceptedS.toFixed(1)} s`);
    for (const [who, rows] of [
      ["api", api_],
      ["submit", submit],
    ] as const) {
      for (const [operation, { calls }] of [...rows].sort(([, a], [, b]) => b.calls - a.calls)) {
        report.figure(`    ${who} ${operation}`, calls);
      }
    }
    const sum = [...api_.values()].reduce((all, { calls }) => all + calls, 0);
    report.figure("  calls of api per request", (sum / total).toFixed(3));
    report.figure("  writes of api per request", (writesIn(api_) / total).toFixed(3));
    const ids = new Set(orders.flatMap(({ requestId }) => requestId ?? []));
    report.check(
      `${name}: each request is accepted, with an id of its own`,
      ids.size === total ? [] : [`${ids.size} ids`],
    );
    report.check(`${name}: the run printed no fault`, run.faults());
    return { writes: writesIn(api_) };
  } finally {
    await run.close();
  }
}

/** The counts when all events are published and nothing was written for some seconds. */
async function whenPublished(read: () => Promise<Counts>, before: Counts): Promise<Counts> {
  let last = await read();
  for (let quiet = 0; quiet < 3; ) {
    await setTimeout(2_000);
    const now = await read();
    const archived = callsOf(now, before, "Submit").get("dynamodb:BatchWriteItem")?.entries ?? 0;
    const isSame = JSON.stringify(worked(now)) === JSON.stringify(worked(last));
    quiet = isSame && archived >= total ? quiet + 1 : 0;
    last = now;
  }
  return last;
}

const worked = (counts: Counts) =>
  Object.entries(counts).filter(
    ([call]) => /^Ackwire(Api|Submit)/.test(call) && !/empty/.test(call),
  );

const single = await measure("one by one, each with a key", oneByOne);
const batches = await measure("in batches, each with a key", inBatches(false));
const withKeys = await measure("in batches, each request with a key too", inBatches(true));
report.check(
  "a batch makes no more writes for a request than one by one",
  [batches, withKeys]
    .filter(({ writes }) => writes > single.writes)
    .map(({ writes }) => `${writes} instead of ${single.writes}`),
);
report.end();
process.exit();
