import { setTimeout } from "node:timers/promises";
import type { DeliveryView } from "../../shared/contracts/http/deliveries.ts";
import { count, type Report } from "../run/report.ts";
import type { Behaviour } from "./endpoints.ts";
import { inTurns } from "./events.ts";
import { type Load, openLoad } from "./load.ts";
import type { BenchOptions } from "./options.ts";
import { deliveriesOf } from "./subscribers.ts";

const ENDPOINTS = 20;

/** A POST so long before a kill may not have been recorded: it may come again. */
const UNRECORDED_MS = 5_000;

/** What a kill took from its worker comes back with the queue's visibility timeout (90 s) at the latest. */
const PATIENCE_SECONDS = 330;

/** Kills everything on the way of many deliveries, again and again. */
export async function runKills(report: Report, options: BenchOptions): Promise<void> {
  const { deliveries, kills, rate } = options;
  const behaviours = Array.from({ length: ENDPOINTS }, (): Behaviour => "healthy");
  const load = await openLoad(report, { ...options, behaviours, keepsData: true });
  try {
    await load.warmUp();
    const each = Math.round(deliveries / ENDPOINTS);
    const inPlaces = inTurns(load.places, { load: "steady", each });
    const events = inPlaces.filter((event) => event !== undefined);
    load.events.push(...events);
    const killsMs: number[] = [];
    const putting = load.bus.putSteadily(inPlaces, { perSecond: rate });
    for (let killed = 0; killed < kills; killed++) {
      const atArrived = (events.length * (killed + 1)) / (kills + 1);
      await load.until(() => load.arrived(events).length >= atArrived, PATIENCE_SECONDS);
      load.note(`kill -9 at ${load.arrived(events).length} arrived`);
      killsMs.push(Date.now());
      await load.run.killAndRestart();
      load.note("up again");
    }
    await putting;
    await load.until(() => load.arrived(events).length === events.length, PATIENCE_SECONDS);
    load.note("all arrived");
    await check(report, load, { killsMs, views: await allEnded(load) });
  } finally {
    await load.close();
  }
}

/** What a killed worker had posted, and not recorded, is posted again when its claim is over. */
async function allEnded(load: Load): Promise<DeliveryView[]> {
  for (const giveUpAtMs = Date.now() + PATIENCE_SECONDS * 1000; ; await setTimeout(2_000)) {
    const views = (await Promise.all(load.subscribers.map(deliveriesOf))).flat();
    const isDone = views.every(({ status }) => status === "delivered");
    if (isDone || Date.now() > giveUpAtMs) return views;
  }
}

async function check(
  report: Report,
  load: Load,
  of: { killsMs: readonly number[]; views: readonly DeliveryView[] },
): Promise<void> {
  const { killsMs, views } = of;
  const { events, endpoints } = load;
  const posts = Map.groupBy(endpoints.posts, ({ id }) => id);
  report.check(
    "every event arrived, at its endpoint, with its id",
    events
      .filter(({ id, endpoint }) => !posts.get(id)?.some((post) => post.endpoint === endpoint))
      .map(({ id }) => id),
  );
  report.check(
    "and nothing but their own bytes did, signed",
    endpoints.posts.flatMap(({ id, sha256, fault }) => {
      const event = events.find((one) => one.id === id);
      return fault !== undefined || event?.sha256 !== sha256 ? [`${id}: ${fault ?? "bytes"}`] : [];
    }),
  );
  const repeated = [...posts.values()].filter(({ length }) => length > 1);
  report.figure(
    "arrived more than once",
    `${repeated.length}: ${count(repeated.map(({ length }) => `${length} times`))}`,
  );
  report.check(
    `what came again had come at most ${UNRECORDED_MS / 1000} s before a kill`,
    repeated.flatMap((copies) =>
      copies.slice(0, -1).flatMap(({ id, atMs }) => {
        const isNear = killsMs.some(
          (killMs) => atMs > killMs - UNRECORDED_MS && atMs <= killMs + 1_000,
        );
        return isNear ? [] : [`${id} at ${new Date(atMs).toISOString()}`];
      }),
    ),
  );
  report.check(
    "every delivery is delivered",
    views
      .filter(({ status }) => status !== "delivered")
      .map(({ id, status }) => `${id}: ${status}`),
  );
  report.check(
    "and there are as many as events",
    views.length === events.length ? [] : [`${views.length}, not ${events.length}`],
  );
}
