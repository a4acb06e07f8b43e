import { createHash } from "node:crypto";

/** A number from 0 (inclusive) to 1 (exclusive), the same one for the same seed. */
export function draw(...seed: readonly (string | number)[]): number {
  return createHash("sha256").update(seed.join("\n")).digest().readUInt32BE(0) / 2 ** 32;
}
