import { Failure } from "../../../shared/contracts/failures.ts";
import type { Step } from "./workers-simulation.ts";

interface Pending {
  who: string;
  /** Makes the call, or fails it before or after it was made. */
  run(end: "made" | "refused" | "answer lost"): Promise<void>;
}

/** A number from 0 to 1, always the same for the same seed and the same number of draws (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Runs processes of which exactly one makes progress at a time, by one call to a store or a queue,
 * in an order that `random` draws. A process can be killed at each of its calls.
 */
export function makeInterleaving(random: () => number) {
  const pending: Pending[] = [];
  const dead = new Set<string>();
  let isDirect = true;

  const step: Step = (call, { who }) => {
    if (isDirect) return call();
    return new Promise((resolve, reject) => {
      if (dead.has(who)) return;
      pending.push({
        who,
        async run(end) {
          if (end === "refused") return reject(new Failure("DEPENDENCY_DOWN", "refused"));
          try {
            const result = await call();
            if (end === "answer lost") reject(new Failure("DEPENDENCY_DOWN", "answer lost"));
            else resolve(result);
          } catch (error) {
            reject(error);
          }
        },
      });
    });
  };

  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item;

  return {
    step,
    pick,
    isIdle: () => pending.length === 0,

    /** Calls are steps from now on, until `end`. */
    begin(): void {
      isDirect = false;
    },

    /** Kills every process that is under way; calls are made at once from now on. */
    end(): void {
      for (const { who } of pending.splice(0)) dead.add(who);
      isDirect = true;
    },

    /** Makes one call of one process. */
    async advance(faults: { refused: number; lost: number }): Promise<void> {
      const [next] = pending.splice(Math.floor(random() * pending.length), 1);
      const chance = random();
      const isLost = chance < faults.refused + faults.lost;
      await next?.run(chance < faults.refused ? "refused" : isLost ? "answer lost" : "made");
      await settled();
    },

    /** Kills one process where it is. */
    kill(): void {
      const { who } = pick(pending);
      dead.add(who);
      for (const one of pending.filter((each) => each.who === who)) {
        pending.splice(pending.indexOf(one), 1);
      }
    },
  };
}

/** Resolves when everything that waits for no call has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
