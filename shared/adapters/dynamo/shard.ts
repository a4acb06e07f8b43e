import { sha256Hex } from "../../core/crypto/digest.ts";

/** The partition of an index, of so many, in which what has this id stands. Part of the stored data. */
export function shardOf(id: string, shardCount: number): string {
  return String(Number.parseInt(sha256Hex(id).slice(0, 4), 16) % shardCount);
}
