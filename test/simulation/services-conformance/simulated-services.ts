import type { Faults } from "../engine/faults.ts";
import { makeLoop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";
import { makeEventBridge } from "../services/eventbridge.ts";
import { makeScheduler } from "../services/scheduler.ts";
import { makeSqs } from "../services/sqs.ts";
import { makeBucket, makeSecret } from "../services/stores.ts";
import {
  type Call,
  MATCHED,
  MAX_RECEIVES,
  queueNames,
  SECRET,
  type Services,
  VISIBILITY_SECONDS,
} from "./definitions.ts";

/** No fault strikes. */
export const noFaults: Faults = {
  draw: () => undefined,
  struck: [],
  start: () => undefined,
  stop: () => undefined,
};

/** Every latency is the least that there can be. */
export const leastRandom: Random = {
  next: () => 0,
  int: (min) => min,
  chance: () => false,
  pick: <T>(of: readonly T[]) => of[0] as T,
};

/** Changes how the simulated services answer, so that the comparison must find a difference. */
export type Plant = (call: Call) => Call;

/**
 * Opens the simulated services, without faults and event sources.
 *
 * @param nowMs their time
 */
export function openSimulated(nowMs: number, plant: Plant = (call) => call): Services {
  const loop = makeLoop(nowMs);
  const common = { loop, faults: noFaults, random: leastRandom };
  const sqs = makeSqs({
    ...common,
    randomFor: () => leastRandom,
    queues: Object.fromEntries(
      queueNames.map((name) => [
        name,
        {
          ...{ functionName: "none", batchSize: 0, batchWindowMs: 0, maxConcurrency: 0 },
          visibilityMs: VISIBILITY_SECONDS * 1_000,
          maxReceives: name === "jobs" ? MAX_RECEIVES : Number.POSITIVE_INFINITY,
        },
      ]),
    ),
    invoke: async () => undefined,
    onDeadLetter: bury,
  });
  function bury(_queue: string, body: string): void {
    sqs.send("dead", body);
  }
  const bus = makeEventBridge({
    ...common,
    isFlaky: () => false,
    forwards: ({ type }) => type === MATCHED,
    target: (body) => sqs.send("matched", body),
    onPublished: () => undefined,
  });
  const scheduler = makeScheduler({
    ...common,
    target: () => undefined,
    onRecurred: () => undefined,
    onRecurringSet: () => undefined,
  });
  const operations: Record<string, (input: never) => unknown> = {
    ...sqs.operations,
    ...bus.operations,
    ...scheduler.operations,
    ...makeBucket().operations,
    ...makeSecret(SECRET).operations,
  };
  return {
    call: plant(async (name, input) => {
      const operation = operations[name];
      if (!operation) throw new Error(`the simulator has no ${name}`);
      return operation(input as never);
    }),
    async pass(ms) {
      const untilMs = loop.nowMs() + ms;
      loop.at(untilMs, () => undefined);
      await loop.run(untilMs);
    },
  };
}
