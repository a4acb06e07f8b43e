import { createHash } from "node:crypto";

/**
 * Returns a source of numbers from 0 to below 1 that are the same for the same seed (mulberry32). It
 * must not be used for secrets.
 */
export function makeSeededRandom(seed: string): () => number {
  let state = createHash("sha256").update(seed).digest().readInt32LE();
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
