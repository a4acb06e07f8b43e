import { isDeepStrictEqual } from "node:util";
import { makeRandom } from "./engine/random.ts";
import { type Client, makeClient } from "./services-conformance/client.ts";
import { type Command, difference } from "./services-conformance/definitions.ts";
import { compareFirings, SCHEDULES_OF_SEED } from "./services-conformance/firings.ts";
import { limitCommands } from "./services-conformance/limit-commands.ts";
import { openLocal } from "./services-conformance/local-services.ts";
import { makeSequence } from "./services-conformance/sequences.ts";
import { openSimulated, type Plant } from "./services-conformance/simulated-services.ts";

/**
 * Random commands for queues, the bus, schedules, the bucket and the secret are carried out by the
 * simulated services and by those of a local run, which the SDK's clients call over HTTP. Time
 * stands still on both sides, and passes for both at once. Each answer must say the same, after
 * each wait the same messages must be received, and at the end the same ones must be in the queues.
 */

/** Commands and waits of one sequence. */
const STEPS = 100;

/** Differences of one sequence that are printed. */
const PRINTED = 3;

export interface ServicesConformance {
  /** Carries out one random sequence. @returns what differs */
  compare(seed: number, plant?: Plant): Promise<string[]>;
  /** Carries out commands at the limits of sizes, numbers and times. @returns what differs */
  compareLimits(plant?: Plant): Promise<string[]>;
  /** Commands and waits so far. */
  count(): number;
  close(): Promise<void>;
}

/** `Date.now` stands still in this process until it is closed. */
export async function openServicesConformance(): Promise<ServicesConformance> {
  const local = await openLocal();
  let count = 0;
  let sequences = 0;

  function pairWith(plant: Plant | undefined) {
    const one = makeClient(openSimulated(local.nowMs(), plant));
    const other = makeClient(local);
    const found: string[] = [];
    /** Asks both. @returns what the simulated services answer */
    async function ask<T>(
      what: string,
      input: unknown,
      of: (client: Client) => Promise<T>,
    ): Promise<T> {
      count++;
      const [simulated, expected] = [await of(one), await of(other)];
      if (!isDeepStrictEqual(simulated, expected)) {
        found.push(difference(what, { input, simulated, local: expected }));
      }
      return simulated;
    }
    return {
      found,
      wait: (ms: number) => ask("wait", { ms }, (client) => client.wait(ms)),
      answer: (command: Command) =>
        ask(command.name, command.input, (client) => client.answer(command)),
      drain: () => ask("drain", {}, (client) => client.drain()),
    };
  }

  return {
    async compare(seed, plant) {
      const both = pairWith(plant);
      const random = makeRandom(seed, "services");
      const sequence = makeSequence({ random, prefix: `s${++sequences}` });
      for (let n = 0; n < STEPS; n++) {
        const step = sequence.next();
        if ("waitMs" in step) sequence.received(await both.wait(step.waitMs));
        else await both.answer(step);
      }
      await both.drain();
      return both.found;
    },
    async compareLimits(plant) {
      const both = pairWith(plant);
      for (const command of limitCommands()) await both.answer(command);
      await both.drain();
      return both.found;
    },
    count: () => count,
    close: local.close,
  };
}

/** Compares what so many seeds draw, and prints what differs. */
export async function compareServices(first: number, seeds: number) {
  const conformance = await openServicesConformance();
  let differences = 0;
  const tell = (where: string, found: readonly string[]) => {
    differences += found.length;
    for (const text of found.slice(0, PRINTED)) console.log(`${where}: ${text}`);
  };
  tell("limits", await conformance.compareLimits());
  for (let seed = first; seed < first + seeds; seed++) {
    tell(`seed ${seed}`, await conformance.compare(seed));
    tell(`seed ${seed}`, await compareFirings(seed));
  }
  await conformance.close();
  return { differences, commands: conformance.count(), schedules: seeds * SCHEDULES_OF_SEED };
}
