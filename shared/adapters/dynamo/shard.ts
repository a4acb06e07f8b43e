import { sha256Hex } from "../../core/crypto/digest.ts";

/** Returns the index shard of an id. The result is stored: the function must not change. */
export function shardOf(id: string, shardCount: number): string {
  return String(Number.parseInt(sha256Hex(id).slice(0, 4), 16) % shardCount);
}
