import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startBenchRun } from "./run/bench-run.ts";
import { attachConsumer } from "./run/bus.ts";
import { shortName } from "./run/measured-units.ts";
import { type ProcessTime, processTimes } from "./run/process-times.ts";
import { everySeconds, makeReport } from "./run/report.ts";

const usage = `node bench/publish-kills.ts [options]

Kills processes of the functions that publish, again and again, under a load of webhooks that match
no request. Checks that every event is on the bus, and counts second publishes of one event.

  --rate N       webhooks a second (30)
  --seconds N    for so long (60)
  --every N      milliseconds between two kills (500)`;

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "30" },
    seconds: { type: "string", default: "60" },
    every: { type: "string", default: "500" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const [rate, seconds, everyMs] = [values.rate, values.seconds, values.every].map(Number) as [
  number,
  number,
  number,
];

/** `relay` is in the stack of `bench/stream/` only. */
const PUBLISHING = /^Ackwire(Consume|Relay)Function/;
const DRAIN_MS = 600_000;

const report = makeReport(`Kills of the functions that publish, ${rate} events a second`);
const run = await startBenchRun({ speed: 1, settings: {} });

/** Kills the process of each publishing function that has worked most since the last call. */
function makeKiller() {
  let before = processTimes(run.pid());
  const kills = new Map<string, number>();
  return {
    kills: () => [...kills].map(([name, count]) => `${shortName(name)} ${count}`).join(", "),
    killBusiest(): void {
      const known = new Map(before.map(({ pid, seconds: spent }) => [pid, spent]));
      before = processTimes(run.pid());
      const spentBy = (one: ProcessTime) => one.seconds - (known.get(one.pid) ?? 0);
      const publishing = before.filter(({ name }) => PUBLISHING.test(name));
      for (const [name, of] of Map.groupBy(publishing, (one) => one.name)) {
        const [busiest] = of.toSorted((a, b) => spentBy(b) - spentBy(a));
        if (!busiest) continue;
        process.kill(busiest.pid, "SIGKILL");
        kills.set(name, (kills.get(name) ?? 0) + 1);
      }
    },
  };
}

async function send(inboundUrl: string, n: number): Promise<void> {
  const body = JSON.stringify({
    id: `workflow.completed:wf-${n}`,
    type: "workflow.completed",
    createdAt: new Date().toISOString(),
    data: { workflowId: `wf-${n}`, accountId: "acc", status: "completed", result: {} },
  });
  const response = await fetch(inboundUrl, { method: "POST", body });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`webhook ${n} was answered ${response.status}`);
}

try {
  const { local } = run;
  const bus = await attachConsumer(local, "workflow.completed");
  const linkedApi = local.connections.find(({ provider }) => provider === "linked-api");
  const killer = makeKiller();
  const killing = setInterval(killer.killBusiest, everyMs);
  const count = rate * seconds;
  const startMs = performance.now();
  const sending: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    await setTimeout(Math.max(0, startMs + (n * 1_000) / rate - performance.now()));
    sending.push(send(linkedApi?.inboundUrl ?? "", n));
  }
  await Promise.all(sending);
  clearInterval(killing);
  const stop = everySeconds(20, () => report.note(`${bus.events()} of ${count} on the bus`));
  const untilMs = performance.now() + DRAIN_MS;
  while (bus.events() < count && performance.now() < untilMs) await setTimeout(250);
  stop();
  // A second publish may still be on its way.
  await setTimeout(5_000);
  report.figure("kills", killer.kills());
  report.figure("events", count);
  report.figure("second publishes", bus.published().length - bus.events());
  const lost = count - bus.events();
  report.check("every event is on the bus", lost === 0 ? [] : [`${lost} are missing`]);
  await bus.close();
} finally {
  await run.close();
}
report.end();
process.exit();
