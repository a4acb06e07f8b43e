/** Pseudo-random numbers of one purpose. Other purposes draw from streams of their own. */
export interface Random {
  /** From 0 to less than 1. */
  next(): number;
  /** A whole number from `min` to `max`, both inclusive. */
  int(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(of: readonly T[]): T;
}

/** A 32-bit hash (FNV-1a) of a text, mixed so that similar texts have unrelated hashes. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return mixed(hash);
}

/** A number from 0 to less than 1 that depends on the text alone. */
export const fractionOf = (text: string): number => hashOf(text) / 2 ** 32;

/** The stream of a seed for one purpose (mulberry32). */
export function makeRandom(seed: number, purpose: string): Random {
  let state = hashOf(`${seed}/${purpose}`);
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mix = Math.imul(state ^ (state >>> 15), 1 | state);
    mix = (mix + Math.imul(mix ^ (mix >>> 7), 61 | mix)) ^ mix;
    return ((mix ^ (mix >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    int: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: (probability) => next() < probability,
    pick: (of) => of[Math.floor(next() * of.length)] as (typeof of)[number],
  };
}

/** The finalizer of MurmurHash3. */
export function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}
