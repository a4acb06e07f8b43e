import { watchCores } from "../run/machine.ts";
import type { Report } from "../run/report.ts";
import type { Behaviour } from "./endpoints.ts";
import { type BenchEvent, inTurns, makeEvent } from "./events.ts";
import { latenciesMs, percentiles, ratios } from "./latency.ts";
import { type Load, openLoad } from "./load.ts";
import type { BenchOptions } from "./options.ts";
import { stages } from "./stages.ts";

const OTHERS = 10;
/** The flood goes to the last endpoint. */
const FLOODED = OTHERS;

/** Longer than it takes to put any flood, and to measure. */
const MAX_SECONDS = 1_200;

/** Time until the light load is stable. */
const LEAD_SECONDS = 10;

interface Side {
  name: string;
  /** Of the flooded endpoint, before the flood and from its beginning on; no flood without it. */
  flooded?: { before: Behaviour; during: Behaviour };
}

interface Measured {
  /** Put while the flood was being put and made into deliveries. */
  meanwhileMs: number[];
  /** Put while the flood waited. */
  afterwardsMs: number[];
}

/** What one endpoint that hangs does to the others, known as dead or healthy until then. */
export async function runFlood(report: Report, options: BenchOptions): Promise<void> {
  const none = await runSide(report, options, { name: "without a flood" });
  const sides: Side[] = [
    { name: "dead endpoint", flooded: { before: "hangs", during: "hangs" } },
    { name: "suddenly dead endpoint", flooded: { before: "healthy", during: "hangs" } },
    ...(options.withControl
      ? [{ name: "healthy endpoint", flooded: { before: "healthy", during: "healthy" } } as const]
      : []),
  ];
  for (const side of sides) {
    const { meanwhileMs, afterwardsMs } = await runSide(report, options, side);
    report.figure(`${side.name}, meanwhile / without`, ratios(meanwhileMs, none.afterwardsMs));
    report.figure(`${side.name}, afterwards / without`, ratios(afterwardsMs, none.afterwardsMs));
  }
}

async function runSide(report: Report, options: BenchOptions, side: Side): Promise<Measured> {
  report.note(`${side.name}:`);
  const behaviours = Array.from({ length: OTHERS }, (): Behaviour => "healthy");
  if (side.flooded) behaviours.push(side.flooded.before);
  const load = await openLoad(report, { ...options, behaviours });
  try {
    await load.warmUp();
    const trickle = startTrickle(load, options.rate);
    await load.pass(LEAD_SECONDS);
    const floodMs = now();
    if (side.flooded) {
      load.endpoints.behave(FLOODED, side.flooded.during);
      await putFlood(load, options.deliveries);
    }
    const calmMs = now();
    const busy = watchCores();
    await load.pass(options.seconds);
    load.note(`cores ${(busy() * 100).toFixed(0)} % busy afterwards`);
    const put = await trickle.stop();
    const allArrived = await load.until(() => load.arrived(put).length === put.length, 60);
    report.check(`${side.name}: all of the others' arrived`, allArrived ? [] : ["they did not"]);
    report.check(`${side.name}: the run printed no fault`, load.run.faults());
    return await show(report, { ...options, load, side, put, floodMs, calmMs });
  } finally {
    await load.close();
  }
}

/** Puts events for the other endpoints one after the other until it is stopped; returns the events. */
function startTrickle(load: Load, perSecond: number) {
  const stop = new AbortController();
  const events = inTurns(load.places.slice(0, OTHERS), {
    load: "trickle",
    each: Math.round((perSecond * MAX_SECONDS) / OTHERS),
  }).filter((event) => event !== undefined);
  const putting = load.bus.putSteadily(events, { perSecond, signal: stop.signal });
  return {
    async stop(): Promise<BenchEvent[]> {
      stop.abort();
      await putting;
      const put = events.filter(({ putMs }) => putMs !== undefined);
      load.events.push(...put);
      return put;
    },
  };
}

async function show(
  report: Report,
  of: {
    load: Load;
    side: Side;
    speed: number;
    put: BenchEvent[];
    floodMs: number;
    calmMs: number;
  },
): Promise<Measured> {
  const { load, side, speed, put, floodMs, calmMs } = of;
  const { posts } = load.endpoints;
  const meanwhile = put.filter(({ putMs = 0 }) => putMs >= floodMs && putMs < calmMs);
  const afterwards = put.filter(({ putMs = 0 }) => putMs >= calmMs);
  const measured = {
    meanwhileMs: latenciesMs(meanwhile, posts),
    afterwardsMs: latenciesMs(afterwards, posts),
  };
  if (side.flooded) {
    const atFlooded = posts.filter(({ endpoint }) => endpoint === FLOODED).length;
    report.figure(`${side.name}: POSTs at it`, atFlooded);
    report.figure(`${side.name}: others meanwhile`, percentiles(measured.meanwhileMs));
    const parts = await stages(load, meanwhile, speed);
    for (const [name, part] of Object.entries(parts)) report.figure(`  ${name}`, part);
  }
  report.figure(`${side.name}: others afterwards`, percentiles(measured.afterwardsMs));
  return measured;
}

/** As fast as the bus answers two; returns when each of them is a delivery that waits. */
async function putFlood(load: Load, deliveries: number): Promise<void> {
  const subscriber = load.places[FLOODED];
  if (!subscriber) throw new Error("no subscriber to flood");
  const flood = Array.from({ length: deliveries }, (_, n) =>
    makeEvent({ subscriber, name: `flood-${n}` }),
  );
  const half = Math.ceil(flood.length / 2);
  await Promise.all([load.bus.put(flood.slice(0, half)), load.bus.put(flood.slice(half))]);
  load.events.push(...flood);
  load.note(`${deliveries} put`);
  await load.untilFannedOut();
  load.note("and made into deliveries");
}

const now = () => performance.timeOrigin + performance.now();
