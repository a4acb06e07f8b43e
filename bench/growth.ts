import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { BilledUnit } from "../local/aws/billing/billed-units.ts";
import { startEndpoints } from "./deliveries/endpoints-process.ts";
import { documentsOf, fill, readTemplates } from "./growth/fill.ts";
import { type Api, makeApi, type RequestView } from "./run/api.ts";
import { type BenchRun, startBenchRun } from "./run/bench-run.ts";
import { billedUnits, countSweeps, isSweep } from "./run/measured-units.ts";
import { processTimes, secondsSince } from "./run/process-times.ts";
import { makeReport } from "./run/report.ts";

const usage = `node bench/growth.ts [options]

What an operation costs while the tables grow: billed units of DynamoDB and processor time of the
functions, at several numbers of stored requests, events and deliveries.

  --sizes N,N,…   stored items of each kind (1000,10000,100000)
  --accounts N    that the requests are of (10000)
  --times N       how often each operation is measured (20)`;

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,10000,100000" },
    accounts: { type: "string", default: "10000" },
    times: { type: "string", default: "20" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const sizes = values.sizes.split(",").map(Number);
const [accounts, times] = [Number(values.accounts), Number(values.times)];

/** How much more units and CPU an operation may need at a larger size. */
const MAX_GROWTH = 1.1;
/** Pages between the first page of a list and the one that is compared with it. */
const PAGES = 20;
/** A request and its webhooks are through by then, at this speed. */
const SETTLE_MS = 3_000;
const SPEED = 60;

const growth = { units: 0, cpu: 0 };
const samples: Record<string, number[]> = {};
const report = makeReport(`Growth to ${values.sizes} stored requests, events and deliveries`);

/** Units of DynamoDB, of the sweeps or of everything else. */
function dynamoUnits(rows: readonly BilledUnit[], isCounted: (row: BilledUnit) => boolean): number {
  return rows
    .filter((row) => isCounted(row) && row.item.startsWith("dynamodb."))
    .reduce((sum, { units }) => sum + units, 0);
}

const isWork = (row: BilledUnit) => row.caller !== "other" && !isSweep(row);

interface Page {
  items: unknown[];
  nextCursor?: string;
}

const pageOf = (api: Api, list: string, cursor?: string) =>
  api.call<Page>(`/v1/${list}?limit=25${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);

/** The cursor behind so many pages. */
async function skip(api: Api, list: string): Promise<string | undefined> {
  let cursor: string | undefined;
  for (let n = 0; n < PAGES; n++) cursor = (await pageOf(api, list, cursor)).nextCursor ?? cursor;
  return cursor;
}

async function accept(api: Api, n: number): Promise<RequestView> {
  return api.call("/v1/requests", {
    body: {
      provider: "we-link",
      accountId: `new-${n}`,
      action: "connect",
      params: { profile_id: "p" },
    },
  });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await setTimeout(100);
}

/** Units and milliseconds of processor time of each operation. */
type Figures = Map<string, { units: number; cpuMs: number }>;

async function measureAll(run: BenchRun, api: Api, round: number): Promise<Figures> {
  const { local } = run;
  const figures: Figures = new Map();
  async function measure(name: string, operation: (n: number) => Promise<unknown>, settleMs = 0) {
    await operation(-1);
    await setTimeout(settleMs);
    const before = { units: await billedUnits(local), times: processTimes(run.pid()) };
    for (let n = 0; n < times; n++) await operation(n);
    await setTimeout(settleMs);
    const spent = secondsSince(before.times, processTimes(run.pid()));
    const functions = [...spent].filter(([of]) => of !== "local run" && !/Reconcile/.test(of));
    const cpuMs = functions.reduce((sum, [, seconds]) => sum + seconds * 1_000, 0) / times;
    const units =
      (dynamoUnits(await billedUnits(local), isWork) - dynamoUnits(before.units, isWork)) / times;
    figures.set(name, { units, cpuMs });
  }
  for (const list of ["requests", "events", "deliveries"]) {
    const cursor = await skip(api, list);
    await measure(`first page of ${list}`, () => pageOf(api, list));
    await measure(`page ${PAGES + 1} of ${list}`, () => pageOf(api, list, cursor));
  }
  await measure(
    "request, from accept to its end",
    async (n) => {
      const { requestId } = await accept(api, round * 1_000 + n);
      await until(async () => (await api.get(requestId)).status === "SUCCEEDED");
    },
    SETTLE_MS,
  );
  const before = await billedUnits(local);
  await until(async () => countSweeps(await billedUnits(local)) - countSweeps(before) >= 5);
  const after = await billedUnits(local);
  const sweeps = dynamoUnits(after, isSweep) - dynamoUnits(before, isSweep);
  figures.set("run of reconcile", {
    units: sweeps / (countSweeps(after) - countSweeps(before)),
    cpuMs: 0,
  });
  return figures;
}

async function main(run: BenchRun): Promise<void> {
  const { local } = run;
  const api = makeApi(local);
  const endpoints = await startEndpoints();
  const { secret } = await api.call<{ secret: string }>("/v1/webhook", {
    method: "PUT",
    body: { url: endpoints.urlOf(0) },
  });
  endpoints.add({ n: 0, behaviour: "healthy", secret });
  const { requestId } = await accept(api, 0);
  await until(async () => (await api.get(requestId)).status === "SUCCEEDED");
  await until(async () => endpoints.posts.length >= 2);
  await setTimeout(SETTLE_MS);
  const documents = documentsOf(local);
  const templates = await readTemplates(documents, local);
  const all: { size: number; figures: Figures }[] = [];
  let stored = 0;
  for (const [round, size] of sizes.entries()) {
    const onProgress = (n: number) => report.note(`${n} of ${size} stored`);
    await fill(documents, { local, templates, from: stored, to: size, accounts, onProgress });
    stored = size;
    all.push({ size, figures: await measureAll(run, api, round + 1) });
    report.note(`${size} measured`);
  }
  const [first, ...others] = all;
  for (const [name, { units, cpuMs }] of first?.figures ?? []) {
    const row = all.map(({ figures }) => figures.get(name));
    const texts = row.map((one) => `${one?.units.toFixed(2)} units`);
    report.figure(name, texts.join(" / "));
    if (cpuMs > 0) {
      report.figure(
        "  CPU of the functions",
        row.map((one) => `${one?.cpuMs.toFixed(1)} ms`).join(" / "),
      );
    }
    samples[`${name}, units at ${sizes}`] = row.map((one) => one?.units ?? Number.NaN);
    samples[`${name}, CPU ms at ${sizes}`] = row.map((one) => one?.cpuMs ?? Number.NaN);
    for (const { figures } of others) {
      const larger = figures.get(name);
      growth.units = Math.max(growth.units, (larger?.units ?? Number.NaN) / units);
      if (cpuMs > 0) growth.cpu = Math.max(growth.cpu, (larger?.cpuMs ?? Number.NaN) / cpuMs);
    }
  }
  const sizeText = `${sizes.at(-1)} stored, of ${sizes[0]}`;
  report.goal({
    ...{ id: "P7", name: `units of the operation that grows most, ${sizeText}` },
    ...{ value: growth.units, unit: "×", goal: { atMost: MAX_GROWTH }, samples },
  });
  report.goal({
    ...{ id: "P7", name: `CPU of the operation that grows most, ${sizeText}` },
    ...{ value: growth.cpu, unit: "×", goal: { atMost: MAX_GROWTH } },
  });
  endpoints.close();
}

const run = await startBenchRun({
  speed: SPEED,
  settings: { paceMinSeconds: 0, paceMaxSeconds: 0 },
});
try {
  await main(run);
} finally {
  await run.close();
}
report.end();
process.exit();
