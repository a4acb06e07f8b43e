import { makeSimulatorControl } from "../run/simulator.ts";
import type { BenchEvent } from "./events.ts";
import { percentiles } from "./latency.ts";
import type { Load } from "./load.ts";
import { deliveriesOf } from "./subscribers.ts";

/**
 * The time of measured events by stage, which shows the slow queue:
 * to the delivery (bus and fan-out queue), to its attempt (queue of
 * attempts), and to the POST's arrival.
 */
export async function stages(
  load: Load,
  events: readonly BenchEvent[],
  speed: number,
): Promise<Record<string, string>> {
  const businessMs = await makeSimulatorControl(load.run.local).nowMs();
  const nowMs = performance.timeOrigin + performance.now();
  const realMs = (at: string) => nowMs - (businessMs - Date.parse(at)) / speed;
  const numbers = new Set(events.map(({ endpoint }) => endpoint));
  const views = await Promise.all(
    load.subscribers.filter(({ n }) => numbers.has(n)).map(deliveriesOf),
  );
  const viewOf = new Map(views.flat().map((view) => [view.eventId, view]));
  const postOf = new Map(load.endpoints.posts.map((post) => [post.id, post]));
  const parts = events.flatMap(({ id, putMs }) => {
    const [view, post] = [viewOf.get(id), postOf.get(id)];
    const begunAt = view?.attempts[0]?.at;
    if (putMs === undefined || !view || !post || !begunAt) return [];
    const [createdMs, begunMs] = [realMs(view.createdAt), realMs(begunAt)];
    return [[createdMs - putMs, begunMs - createdMs, post.atMs - begunMs] as const];
  });
  return {
    "put to delivery": percentiles(parts.map(([toCreated]) => toCreated)),
    "delivery to attempt": percentiles(parts.map(([, toBegun]) => toBegun)),
    "attempt to arrival": percentiles(parts.map(([, , toArrived]) => toArrived)),
  };
}
