import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startEndpoints } from "./deliveries/endpoints-process.ts";
import { latenciesOf, now, repeating, type Send, type Sent, sendSteadily } from "./events/load.ts";
import { bullmq } from "./peers/bullmq.ts";
import { ours } from "./peers/ours.ts";
import { outpost } from "./peers/outpost.ts";
import type { Peer, Role, RunningPeer } from "./peers/peer.ts";
import { watchCores } from "./run/machine.ts";
import { processorSeconds } from "./run/process-times.ts";
import { makeReport, percentile } from "./run/report.ts";

const usage = `node bench/peers.ts [options]

The same load and the same receiver for the local run and for other products on this machine: CPU
seconds of a thousand delivered webhooks by process, latency from the publish to the receipt, and
what is lost when the product is killed. Programs are given by environment variables:

  BullMQ + Redis     REDIS_SERVER; BULLMQ_DIR, or BullMQ is installed from npm
  Hookdeck Outpost   OUTPOST_BIN, REDIS_SERVER, RABBITMQ_SERVER, POSTGRES_BIN; as root POSTGRES_UID

A product whose programs are missing is skipped.

  --rate N        messages a second (20)
  --seconds N     for so long, after a warm-up (30)
  --warm-up N     messages before (300)
  --kills N       kills of the product in the run that follows (3)
  --only NAME     ackwire, bullmq or outpost; may be repeated`;

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "20" },
    seconds: { type: "string", default: "30" },
    "warm-up": { type: "string", default: "300" },
    kills: { type: "string", default: "3" },
    only: { type: "string", multiple: true },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const [rate, seconds, warmUp, kills] = [
  values.rate,
  values.seconds,
  values["warm-up"],
  values.kills,
].map(Number) as [number, number, number, number];

const peers: Readonly<Record<string, Peer>> = { ackwire: ours, bullmq, outpost };
/** Between two kills, and after the last one while messages are still sent. */
const KILL_EVERY_MS = 5_000;
/** After a kill, messages wait for the timeout of their claim: four minutes at most. */
const RECOVERY_MS = 300_000;

const report = makeReport(`${rate} webhooks a second, the same load and receiver for each product`);

type Endpoints = Awaited<ReturnType<typeof startEndpoints>>;

const receivedIds = ({ posts }: Endpoints) => new Set(posts.map(({ id }) => id));

/** Waits until so many different messages have arrived, or until that time has passed. */
async function arrived(endpoints: Endpoints, count: number, withinMs: number): Promise<void> {
  const untilMs = now() + withinMs;
  while (receivedIds(endpoints).size < count && now() < untilMs) await setTimeout(100);
}

function secondsByRole(peer: RunningPeer): Map<Role, number> {
  const sums = new Map<Role, number>();
  for (const { role, pid, isAlone } of peer.processes()) {
    const of = processorSeconds(pid, isAlone ? { isAlone } : {});
    sums.set(role, (sums.get(role) ?? 0) + of);
  }
  return sums;
}

async function measureSteady(peer: RunningPeer, endpoints: Endpoints): Promise<void> {
  await sendSteadily(repeating(peer.send), { name: "warm-up", count: warmUp, perSecond: rate });
  await arrived(endpoints, warmUp, 120_000);
  const had = endpoints.posts.length;
  const busy = watchCores();
  const before = secondsByRole(peer);
  const count = rate * seconds;
  const sent = await sendSteadily(peer.send, { name: "event", count, perSecond: rate });
  await arrived(endpoints, warmUp + count, 120_000);
  const after = secondsByRole(peer);
  report.figure("cores busy", `${(busy() * 100).toFixed(0)} %`);
  const percentiles = (ms: readonly number[]) =>
    `${[0.5, 0.99].map((share) => percentile(ms, share).toFixed(0)).join(" / ")} ms`;
  report.figure("ack: p50 / p99", percentiles(sent.map(({ ackMs }) => ackMs)));
  const latencies = latenciesOf(sent, endpoints.posts.slice(had));
  report.figure("publish to receipt: p50 / p99", percentiles(latencies));
  for (const [role, of] of after) {
    const spent = ((of - (before.get(role) ?? 0)) * 1_000) / count;
    report.figure(`CPU seconds of a thousand: ${role}`, spent.toFixed(2));
  }
  const lost = warmUp + count - receivedIds(endpoints).size;
  report.check("every message is received", lost === 0 ? [] : [`${lost} are missing`]);
  report.check(
    "every signature is right",
    endpoints.posts.flatMap(({ fault }) => fault ?? []),
  );
}

/** Sends until all kills are done; a message that is not acked counts as not sent. */
async function measureKills(peer: RunningPeer, endpoints: Endpoints): Promise<void> {
  const had = receivedIds(endpoints).size;
  const posted = endpoints.posts.length;
  let refused = 0;
  const tolerant: Send = async (id) => {
    try {
      return await peer.send(id);
    } catch {
      refused++;
      return { id: "", atMs: 0, ackMs: 0 };
    }
  };
  const count = (rate * (kills + 1) * KILL_EVERY_MS) / 1_000;
  const sending = sendSteadily(tolerant, { name: "killed", count, perSecond: rate });
  for (let kill = 0; kill < kills; kill++) {
    await setTimeout(KILL_EVERY_MS);
    await peer.killProduct();
  }
  const acked = (await sending).filter(({ id }: Sent) => id !== "");
  const startMs = now();
  await arrived(endpoints, had + acked.length, RECOVERY_MS);
  const recoveryS = (now() - startMs) / 1_000;
  const received = receivedIds(endpoints);
  const names = [...received];
  const lost = acked.filter(({ id }) => !names.some((name) => name.endsWith(`wf-${id}`)));
  const twice = endpoints.posts.length - posted - (received.size - had);
  report.figure(`kill -9, ${kills} times: acked; not acked`, `${acked.length}; ${refused}`);
  report.figure("  acked and never received", lost.length);
  report.figure("  received again", twice);
  report.figure("  last receipt after the last send", `${recoveryS.toFixed(0)} s`);
}

for (const [name, peer] of Object.entries(peers)) {
  if (values.only && !values.only.includes(name)) continue;
  if (peer.missing) {
    report.note(`\n${peer.name}: skipped, ${peer.missing}`);
    continue;
  }
  report.note(`\n${peer.name}: ${peer.durability}`);
  const endpoints = await startEndpoints();
  const running = await peer.start(endpoints.urlOf(0));
  try {
    endpoints.add({ n: 0, behaviour: "healthy", secret: running.secret });
    await measureSteady(running, endpoints);
    if (kills > 0) await measureKills(running, endpoints);
  } finally {
    await running.close();
    endpoints.close();
  }
}
report.end();
process.exit();
