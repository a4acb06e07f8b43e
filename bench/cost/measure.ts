import { setTimeout } from "node:timers/promises";
import type { BilledUnit } from "../../local/aws/billing/billed-units.ts";
import type { Behaviour } from "../deliveries/endpoints.ts";
import { openLoad } from "../deliveries/load.ts";
import { awsCalls, callsOfOne } from "../run/aws-calls.ts";
import { attachConsumer } from "../run/bus.ts";
import { watchCores } from "../run/machine.ts";
import {
  billedUnits,
  idlePerSweep,
  shortName,
  unitsPerOne,
  unitsSince,
} from "../run/measured-units.ts";
import type { Report } from "../run/report.ts";
import { makeSimulatorControl } from "../run/simulator.ts";
import type { MeasuredCost } from "./bill.ts";
import { fixedUnits, metricsIn, metricsInLog } from "./fixed.ts";
import {
  addAccounts,
  type LoadContext,
  type LoadName,
  loadShapes,
  makeDeliveries,
  makeRequests,
  sendEvents,
} from "./loads.ts";
import type { Part } from "./prices.ts";

/**
 * Business time passes faster, so that the pace of the lanes takes seconds. Still faster, a busy
 * machine would be late, and the sweeps would do what is not billed when deployed.
 */
const SPEED = 4;
const ENDPOINTS = 20;
/** Three sweeps at this speed. */
const IDLE_MS = 48_000;

export interface Measured extends MeasuredCost {
  counts: Record<Part, number>;
  /** Messages of a receive that was not empty, by function. */
  batches: Record<Part, Record<string, number>>;
  /** Billed AWS calls of one, a batch being one call. */
  calls: Record<Part, number>;
}

const DAYS_30 = 2_592_000;

/**
 * Starts a local run and measures what one event, delivery and request is billed under a load,
 * and what a month costs without any.
 */
export async function measure(report: Report, name: LoadName): Promise<Measured> {
  const shape = loadShapes[name];
  const load = await openLoad(report, {
    behaviours: Array.from({ length: ENDPOINTS }, (): Behaviour => "healthy"),
    speed: SPEED,
    timeoutSeconds: 15,
    windowSeconds: shape.windowSeconds,
    settings: {
      consumeBatchWindowSeconds: shape.windowSeconds,
      queueTimeoutSeconds: DAYS_30,
      resultTimeoutSeconds: DAYS_30,
      unknownTimeoutSeconds: DAYS_30,
    },
    keepsDirectory: false,
  });
  const { local } = load.run;
  const busy = watchCores();
  try {
    const bus = await attachConsumer(local, "workflow.completed", "bench-completed");
    const context: LoadContext = { load, bus, shape };
    await makeSimulatorControl(local).behave({ delayMs: [1_000, 10_000] });
    await load.warmUp();
    await sendEvents({ ...context, shape: { ...shape, events: 20 } }, "warm");
    await makeRequests({ ...context, shape: { ...shape, accounts: 10, perAccount: 1 } }, "warm");
    await addAccounts(context, name);
    load.note(`warm; ${IDLE_MS / 1_000} s without a load`);
    const idleFrom = await billedUnits(local);
    await setTimeout(IDLE_MS);
    const idle = idlePerSweep(unitsSince(idleFrom, await billedUnits(local)));
    const queues = new Set(Object.values(local.queues).map((url) => url.split("/").at(-1) ?? ""));

    const measurePart = async (part: Part, run: typeof sendEvents) => {
      load.note(`${part} …`);
      const before = { units: await billedUnits(local), calls: await awsCalls(local) };
      const count = await run(context, name);
      const rows = unitsSince(before.units, await billedUnits(local));
      const after = await awsCalls(local);
      const batches = batchSizes(before.calls, after);
      // The load publishes the events that are delivered, with the credentials of a function.
      const without = part === "deliveries" ? ["events:PutEvents"] : [];
      const calls = callsOfOne({ before: before.calls, after, count, without });
      return { count, units: unitsPerOne(rows, { count, idle, queues }), batches, calls };
    };
    const events = await measurePart("events", sendEvents);
    const deliveries = withoutPublishing(await measurePart("deliveries", makeDeliveries));
    const requests = await measurePart("requests", makeRequests);
    const template = load.run.template();
    const metrics = new Set([...metricsIn(template), ...metricsInLog(load.run.logged())]).size;
    const each = { events, deliveries, requests };
    const ofEach = <T>(of: (part: typeof events) => T): Record<Part, T> => ({
      events: of(each.events),
      deliveries: of(each.deliveries),
      requests: of(each.requests),
    });
    await bus.close();
    report.figure(
      "cores busy, other work of the machine included",
      `${(100 * busy()).toFixed(0)} %`,
    );
    return {
      counts: ofEach(({ count }) => count),
      perOne: ofEach(({ units }) => units),
      batches: ofEach(({ batches }) => batches),
      calls: ofEach(({ calls }) => calls),
      fixed: fixedUnits(template, { idlePerSweep: idle, metrics }),
    };
  } finally {
    await load.close();
  }
}

/** Without what the load publishes. */
function withoutPublishing<Of extends { units: BilledUnit[] }>(part: Of): Of {
  return { ...part, units: part.units.filter(({ operation }) => operation !== "events:PutEvents") };
}

type Calls = Awaited<ReturnType<typeof awsCalls>>;

function batchSizes(before: Calls, after: Calls): Record<string, number> {
  const receives = Object.entries(after).flatMap(([call, { calls, entries }]) => {
    const [caller = "", operation, ...more] = call.split(" ");
    if (operation !== "sqs:ReceiveMessage" || more.length > 0 || caller === "other") return [];
    const known = before[call] ?? { calls: 0, entries: 0 };
    const size = (entries - known.entries) / (calls - known.calls);
    return Number.isFinite(size) ? [[shortName(caller), size] as const] : [];
  });
  return Object.fromEntries(receives);
}
