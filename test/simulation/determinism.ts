import { deflateSync, inflateSync } from "node:zlib";
import type { SeedsOptions } from "./run-seeds.ts";
import { simulate } from "./simulate.ts";
import { firstDifference, linesOf, noteCommands } from "./trace-lines.ts";
import { type Part, tell, workTogether } from "./workers.ts";

/** One run of a seed, of two. */
interface Message {
  seed: number;
  /** All that happened, compressed: the same bytes for the same lines. */
  lines: Uint8Array;
}

/** Seeds between two lines of progress. */
const PROGRESS_SEEDS = 20;

const program = new URL("run.ts", import.meta.url).pathname;

/**
 * R2: runs each seed twice, in two processes. One of them takes its seeds in reverse order, because
 * what a run leaves behind in its process must not change the next one. Prints the first line in
 * which the two runs of a seed differ.
 *
 * @returns the exit code: 0 when all seeds have run twice, and none differs
 */
export async function runDeterminism(
  of: Pick<SeedsOptions, "args" | "workers" | "part" | "first" | "count" | "kinds">,
): Promise<number> {
  const { args, first, count, kinds } = of;
  if (of.part) {
    for (const seed of seedsOf(of.part, first, count)) {
      const commands = noteCommands();
      const lines = linesOf(await simulate({ seed, kinds }), commands);
      await tell({ seed, lines: deflateSync(lines.join("\n")) } satisfies Message);
    }
    return 0;
  }
  const once = new Map<number, Uint8Array>();
  const differing: number[] = [];
  let compared = 0;
  const onMessage = ({ seed, lines }: Message): boolean => {
    const before = once.get(seed);
    if (before === undefined) {
      once.set(seed, lines);
      return true;
    }
    once.delete(seed);
    compared++;
    if (Buffer.compare(before, lines) !== 0) {
      differing.push(seed);
      console.log(explain(seed, before, lines));
    }
    if (compared % PROGRESS_SEEDS === 0) console.log(`${compared} of ${count} seeds`);
    return true;
  };
  // Two processes for each share of the seeds.
  const workers = 2 * Math.max(1, Math.floor(Math.min(of.workers / 2, count)));
  const isWhole = await workTogether<Message>(program, args, { workers, onMessage });
  const least = differing.length > 0 ? `, the first of them ${Math.min(...differing)}` : "";
  console.log(
    `R2: ${compared} of ${count} seeds ran twice, ${differing.length} of them differ${least}`,
  );
  return isWhole && compared === count && differing.length === 0 ? 0 : 1;
}

/** The seeds of one process, in its order. */
function seedsOf({ part, of }: Part, first: number, count: number): number[] {
  const shares = of / 2;
  const seeds: number[] = [];
  for (let seed = first + (part % shares); seed < first + count; seed += shares) seeds.push(seed);
  return part < shares ? seeds : seeds.reverse();
}

function explain(seed: number, one: Uint8Array, other: Uint8Array): string {
  const linesIn = (packed: Uint8Array) => inflateSync(packed).toString("utf8").split("\n");
  const found = firstDifference(linesIn(one), linesIn(other));
  const texts = [found?.texts[0], found?.texts[1]].map((text) => text ?? "(the run is over)");
  return [
    `seed ${seed} differs from line ${found?.line} on:`,
    ...texts.map((text) => `  ${text}`),
  ].join("\n");
}
