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

/** Milliseconds of processor time that one input may take: a thousand times what most take. */
const MOST_CPU_MS = 2_000;

/** Real milliseconds of the search for a shorter input, which tries each part of it. */
const SHORTEN_MS = 60_000;

/**
 * Makes inputs from those that made functions run in new ways, until a check fails or the time is
 * over. The same seed and number of runs make the same inputs.
 *
 * @param of.runs inputs in all, the target's own seeds among them
 * @param of.mostCpuMs processor time in milliseconds that an input may take; default 2,000
 */
export async function fuzz(
  { name, seeds, check }: Target,
  of: { coverage: Coverage; seed: number; runs: number; untilMs: number; mostCpuMs?: number },
): Promise<Fuzzed> {
  const random = makeRandom(of.seed, name);
  const corpus: Buffer[] = [];
  const ways = new Set<string>();
  const result = (runs: number, finding?: Finding): Fuzzed => ({
    ...{ name, runs, corpus: corpus.length, ways: ways.size },
    ...(finding ? { finding } : {}),
  });

  /** @returns the input if its check fails */
  const tried = async (input: Buffer): Promise<Finding | undefined> => {
    const finding = await findingOf(check, input, of.mostCpuMs);
    if (finding) return finding;
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
    if (finding) return result(runs + 1, await shortest(finding, check, of.mostCpuMs));
  }
  return result(runs);
}

/**
 * Checks one input.
 *
 * @returns the input if the check throws, or takes more processor time than it may
 */
export async function findingOf(
  check: Target["check"],
  input: Buffer,
  mostCpuMs: number = MOST_CPU_MS,
): Promise<Finding | undefined> {
  const before = process.cpuUsage();
  try {
    // A copy: no parser may change its input, and none that does may change the corpus.
    await check(Buffer.from(input));
  } catch (error) {
    return { input, error };
  }
  const { user, system } = process.cpuUsage(before);
  const cpuMs = (user + system) / 1_000;
  if (cpuMs <= mostCpuMs) return undefined;
  return { input, error: new Error(`the input takes ${Math.round(cpuMs)} ms of processor time`) };
}

/** Leaves out parts of an input as long as its check fails with the same error. */
async function shortest(
  finding: Finding,
  check: Target["check"],
  mostCpuMs?: number,
): Promise<Finding> {
  const kind = messageOf(finding.error);
  const untilMs = performance.now() + SHORTEN_MS;
  let best = finding;
  for (let length = best.input.length >> 1; length > 0; length >>= 1) {
    for (let at = 0; at + length <= best.input.length && performance.now() < untilMs; ) {
      const { input } = best;
      const shorter = Buffer.concat([input.subarray(0, at), input.subarray(at + length)]);
      const found = await findingOf(check, shorter, mostCpuMs);
      if (found && messageOf(found.error) === kind) best = found;
      else at += length;
    }
  }
  return best;
}

/** Without what an error quotes of its input. */
const messageOf = (error: unknown) =>
  String(error)
    .replaceAll(/[^a-zA-Z ]/g, "")
    .slice(0, 60);
