import { setTimeout } from "node:timers/promises";
import { startBenchRun } from "../run/bench-run.ts";
import { attachConsumer } from "../run/bus.ts";
import { watchQueues } from "../run/machine.ts";
import { everySeconds, type Report } from "../run/report.ts";
import type { Behaviour } from "./endpoints.ts";
import { startEndpoints } from "./endpoints-process.ts";
import { type BenchEvent, makeEvent, openBus } from "./events.ts";
import { latenciesMs } from "./latency.ts";
import { makeSubscribers } from "./subscribers.ts";

export interface LoadOptions {
  /** In the order in which they are served; `undefined` leaves its place in the load empty. */
  behaviours: readonly (Behaviour | undefined)[];
  speed: number;
  timeoutSeconds: number;
  windowSeconds: number;
  /** Further settings of the stack. */
  settings?: Readonly<Record<string, number | string>>;
  keepsData?: boolean;
  keepsDirectory: boolean;
}

export type Load = Awaited<ReturnType<typeof openLoad>>;

/** Faster than the load itself, so that as many workers are there as it will need. */
const WARM_PER_SECOND = 60;
/** An endpoint that seemed slow while workers started has to prove itself in a slower lane first. */
const WARM_MS = 500;
const MIN_ROUNDS = 8;
const MAX_ROUNDS = 60;

/** A local run, endpoints, and a client with a webhook for each of them. */
export async function openLoad(report: Report, options: LoadOptions) {
  const { behaviours, speed, timeoutSeconds } = options;
  const run = await startBenchRun({
    speed,
    settings: {
      ...options.settings,
      deliveryTimeoutSeconds: timeoutSeconds,
      deliverBatchWindowSeconds: options.windowSeconds,
    },
    keepsData: options.keepsData ?? false,
    keepsDirectory: options.keepsDirectory,
  });
  const endpoints = await startEndpoints();
  const subscribers = await makeSubscribers(run.local, endpoints, behaviours);
  const failures = await attachConsumer(run.local, "delivery.failed");
  const bus = openBus(run.local);
  const depths = watchQueues(run.local, ["fanout", "attempts", "retries"]);
  /** All that was ever put, in order. */
  const events: BenchEvent[] = [];
  const startedMs = performance.now();
  const note = (line: string) =>
    report.note(`${((performance.now() - startedMs) / 1000).toFixed(0).padStart(5)} s: ${line}`);
  const stopProgress = everySeconds(10, async () => {
    const put = events.filter(({ putMs }) => putMs !== undefined).length;
    const failed = failures.events();
    note(`${put} put, ${endpoints.posts.length} POSTs, ${failed} failed; ${await depths()}`);
  });

  const load = {
    run,
    endpoints,
    subscribers: subscribers.filter((one) => one !== undefined),
    /** With the empty places. */
    places: subscribers,
    failures,
    bus,
    events,
    note,

    /** Waits until the condition holds. @returns `false` if there was no progress for `quietSeconds` */
    async until(isSo: () => boolean, quietSeconds: number): Promise<boolean> {
      let last = { seen: -1, atMs: Date.now() };
      while (!isSo()) {
        await setTimeout(100);
        const seen = endpoints.posts.length + failures.events();
        if (seen !== last.seen) last = { seen, atMs: Date.now() };
        if (Date.now() - last.atMs > quietSeconds * 1000) return false;
      }
      return true;
    },

    /** Lets so much real time pass. */
    pass: (seconds: number) => setTimeout(seconds * 1000),

    /** Until no event waits to become a delivery. */
    async untilFannedOut(): Promise<void> {
      while (!/^fanout 0\+0\+/.test(await depths())) await setTimeout(250);
    },

    /** Which of these events have arrived. */
    arrived(of: readonly BenchEvent[]): BenchEvent[] {
      const ids = new Set(endpoints.posts.map(({ id }) => id));
      return of.filter(({ id }) => ids.has(id));
    },

    /** Puts these, and waits until they have arrived. */
    async deliver(of: BenchEvent[], put: () => Promise<void>): Promise<void> {
      events.push(...of);
      await put();
      await load.until(() => load.arrived(of).length === of.length, 30);
    },

    /**
     * One delivery to each, so that it is known how each endpoint is; then rounds
     * of the healthy ones, which start workers, until none of them is slow.
     */
    async warmUp(): Promise<void> {
      const first = load.subscribers.map((subscriber) => makeEvent({ subscriber, name: "first" }));
      await load.deliver(first, () => bus.put(first));
      // What hangs is known to hang when its time is over.
      await setTimeout(timeoutSeconds * 1000 + 1_000);
      const healthy = load.subscribers.filter(({ behaviour }) => behaviour === "healthy");
      let rounds = 0;
      // A batch fills twice on the way.
      const warmMs = WARM_MS + 2_000 * options.windowSeconds;
      for (let slowestMs = Infinity; rounds < MIN_ROUNDS || slowestMs > warmMs; rounds++) {
        if (rounds === MAX_ROUNDS) break;
        const events = healthy.map((subscriber) =>
          makeEvent({ subscriber, name: `warm-${rounds}` }),
        );
        await load.deliver(events, () => bus.putSteadily(events, { perSecond: WARM_PER_SECOND }));
        slowestMs = Math.max(...latenciesMs(events, endpoints.posts));
      }
      note(`warm after ${rounds} rounds: ${endpoints.posts.length} POSTs`);
    },

    async close(): Promise<void> {
      stopProgress();
      await failures.close();
      await run.close();
      endpoints.close();
      bus.close();
    },
  };
  return load;
}
