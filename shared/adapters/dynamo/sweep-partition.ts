import { REQUEST_SHARD_COUNT } from "../../contracts/tables.ts";
import type { DueWork, StaleWork } from "../../core/requests/state/sweep-work.ts";
import { shardOf } from "./shard.ts";

/**
 * The partitions of the indexes `due` and `sweep` of the requests table. Each kind of work has
 * `REQUEST_SHARD_COUNT` of them. Those without a prefix also hold what was written before the
 * kinds were separated. The values are stored: they must not change.
 */

export function duePartition(work: DueWork, shard: number | string): string {
  if (work === "end") return String(shard);
  return work === "start" ? `start#${shard}` : `poll#${work.poll}#${shard}`;
}

/** The entries without a prefix are also those that earlier versions wrote for every outbox. */
export function stalePartition(work: StaleWork, shard: number | string): string {
  return work === "outbox" ? String(shard) : `submission#${shard}`;
}

export const requestShardOf = (id: string): string => shardOf(id, REQUEST_SHARD_COUNT);
