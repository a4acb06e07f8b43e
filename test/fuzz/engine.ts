import { makeRandom } from "../simulation/engine/random.ts";
import type { Coverage } from "./coverage.ts";
import { mutate } from "./mutate.ts";

/** A parser, and what must hold for every input. */
export interface Target {
  name: string;
  /** Inputs that it accepts, from which others are made. */
  seeds: readonly (string | Uint8Array)[];
  /**
   * Parses an input. What the parser may throw is caught here; everything that is thrown out of
   * here is a finding.
   */
  check(input: Buffer): unknown;
}

export interface Finding {
  input: Buffer;
  error: unknown;
}

export interface Fuzzed {
  name: string;
  runs: number;
  /** Inputs that reached something new, the seeds among them. */
  corpus: number;
  /** Ways in which functions of the product ran. */
  ways: number;
  finding?: Finding;
}

/**
 * Makes inputs from those that made functions run in new ways, until a check fails or the time is over.
 * The same seed and number of runs make the same inputs.
 */
export async function fuzz(
  { name, seeds, check }: Target,
  of: { coverage: Coverage; seed: number; runs: number; untilMs: number },
): Promise<Fuzzed> {
  const random = makeRandom(of.seed, name);
  const corpus: Buffer[] = [];
  const ways = new Set<string>();
  const result = (runs: number, finding?: Finding): Fuzzed => ({
    ...{ name, runs, corpus: corpus.length, ways: ways.size },
    ...(finding ? { finding } : {}),
  });

  /** @returns what the check throws */
  const tried = async (input: Buffer): Promise<Finding | undefined> => {
    try {
      // A copy: no parser may change its input, and none that does may change the corpus.
      await check(Buffer.from(input));
    } catch (error) {
      return { input, error };
    }
    const before = ways.size;
    for (const block of of.coverage.take()) ways.add(block);
    if (ways.size > before) corpus.push(input);
    return undefined;
  };

  const given = seeds.map((seed) => Buffer.from(seed as Uint8Array));
  of.coverage.take();
  for (const [nth, input] of given.entries()) {
    const finding = await tried(input);
    if (finding) return result(nth + 1, finding);
  }
  if (corpus.length === 0) corpus.push(...given);
  let runs = given.length;
  for (; runs < of.runs && performance.now() < of.untilMs; runs++) {
    // Newer inputs reach further, so that they are taken more often.
    const isNewer = random.chance(0.5);
    const from = isNewer ? corpus.slice(-8) : corpus;
    const finding = await tried(mutate(random.pick(from), random, corpus));
    if (finding) return result(runs + 1, await shortest(finding, check));
  }
  return result(runs);
}

/** Leaves out parts of an input as long as its check fails with the same error. */
async function shortest(finding: Finding, check: Target["check"]): Promise<Finding> {
  const kind = messageOf(finding.error);
  let { input, error } = finding;
  for (let length = input.length >> 1; length > 0; length >>= 1) {
    for (let at = 0; at + length <= input.length; ) {
      const shorter = Buffer.concat([input.subarray(0, at), input.subarray(at + length)]);
      try {
        await check(Buffer.from(shorter));
        at += length;
      } catch (thrown) {
        if (messageOf(thrown) !== kind) at += length;
        else [input, error] = [shorter, thrown];
      }
    }
  }
  return { input, error };
}

/** Without what an error quotes of its input. */
const messageOf = (error: unknown) =>
  String(error)
    .replaceAll(/[^a-zA-Z ]/g, "")
    .slice(0, 60);
