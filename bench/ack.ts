import { randomBytes } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { awsCalls, reportAwsCalls } from "./run/aws-calls.ts";
import { type BenchRun, startBenchRun } from "./run/bench-run.ts";
import { makeReport, percentile } from "./run/report.ts";

const usage = `node bench/ack.ts [options]

  --connections N  10
  --rounds N       of each handler, in alternation (10)
  --requests N     a round (500)
  --accounts N     that the requests are of (100)`;

const { values } = parseArgs({
  options: {
    connections: { type: "string", default: "10" },
    rounds: { type: "string", default: "10" },
    requests: { type: "string", default: "500" },
    accounts: { type: "string", default: "100" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const connections = Number(values.connections);
const rounds = Number(values.rounds);
const perRound = Number(values.requests);
const accounts = Number(values.accounts);

const report = makeReport(
  `The ack of POST /v1/requests over ${connections} connections: ours against a hand-written handler`,
);
const main = fileURLToPath(new URL("./ack/prepared-run.ts", import.meta.url));
const settings = { clientRequestsPerSecond: 10_000, accountWaitingLimit: 100_000 };
const bareKey = `bench_${randomBytes(16).toString("hex")}`;
const agent = new Agent({ keepAlive: true, maxSockets: connections });

interface Side {
  name: string;
  run: BenchRun;
  key: string;
  latenciesMs: number[];
  roundsMs: number[];
}

async function open(name: "ours" | "bare"): Promise<Side> {
  const env = { BENCH_HANDLER: name, BENCH_KEY: bareKey };
  const run = await startBenchRun({ speed: 1, settings, main, env });
  const key = name === "bare" ? bareKey : run.local.apiKey;
  return { name, run, key, latenciesMs: [], roundsMs: [] };
}

/** As many as there are connections at once, each as soon as the one before is answered. */
async function load({ run, key }: Side, count: number): Promise<number[]> {
  const latenciesMs: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < count) {
        const body = JSON.stringify({
          provider: "we-link",
          accountId: `ack-${next++ % accounts}`,
          action: "connect",
          params: { profile_id: "someone", note: "A note of the usual length. ".repeat(8) },
        });
        const startedMs = performance.now();
        const status = await post(`${run.local.apiUrl}/v1/requests`, key, body);
        latenciesMs.push(performance.now() - startedMs);
        if (status !== 202) throw new Error(`answered ${status}`);
      }
    }),
  );
  return latenciesMs;
}

function post(url: string, key: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      authorization: `Bearer ${key}`,
    };
    httpRequest(url, { method: "POST", agent, headers }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    })
      .on("error", reject)
      .end(body);
  });
}

const sides: Side[] = [];
try {
  for (const name of ["bare", "ours"] as const) sides.push(await open(name));
  for (const side of sides) await load(side, 4 * perRound);
  const before = await Promise.all(sides.map(({ run }) => awsCalls(run.local)));
  for (let round = 0; round < rounds; round++) {
    // The side that was first in one round is second in the next.
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const startedMs = performance.now();
      side.latenciesMs.push(...(await load(side, perRound)));
      side.roundsMs.push(performance.now() - startedMs);
    }
  }
  for (const [index, { name, run, latenciesMs, roundsMs }] of sides.entries()) {
    const totalMs = roundsMs.reduce((sum, ms) => sum + ms, 0);
    const [p50, p99] = [0.5, 0.99].map((share) => percentile(latenciesMs, share).toFixed(1));
    report.figure(`${name}: p50 / p99`, `${p50} / ${p99} ms`);
    report.figure(`${name}: acks a second`, ((1000 * rounds * perRound) / totalMs).toFixed(0));
    const after = await awsCalls(run.local);
    reportAwsCalls(report, {
      before: before[index] ?? {},
      after,
      count: rounds * perRound,
      unit: "request",
    });
  }
  const [bare, ours] = sides;
  const ratio = (share: number) =>
    percentile(ours?.latenciesMs ?? [], share) / percentile(bare?.latenciesMs ?? [], share);
  const sum = (side: Side | undefined) => side?.roundsMs.reduce((a, b) => a + b, 0) ?? Number.NaN;
  report.figure("p50, ours / bare", ratio(0.5).toFixed(2));
  const samples = Object.fromEntries(
    sides.map(({ name, roundsMs }) => [`${name}, ms of a round`, roundsMs]),
  );
  report.goal({
    ...{ id: "P6", name: `p99 of the ack, ${connections} connections, of bare` },
    ...{ value: ratio(0.99), unit: "×", goal: { atMost: 1.3 }, samples },
  });
  report.goal({
    ...{ id: "P6", name: `acks a second, ${connections} connections, of bare` },
    ...{ value: sum(bare) / sum(ours), unit: "×", goal: { atLeast: 0.8 } },
  });
} finally {
  agent.destroy();
  for (const { run } of sides) await run.close();
}
report.end();
process.exit();
