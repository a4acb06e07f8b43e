import type { ProviderId } from "../../contracts/providers.ts";
import { REQUEST_SHARD_COUNT } from "../../contracts/tables.ts";
import { toMessageFailure } from "../message-failure.ts";
import { sweepPages } from "../sweep-pages.ts";
import type { DuePoll } from "./results/poll-due-requests.ts";
import type { DueEntry, StaleEntry } from "./state/ports.ts";
import { type DueWork, staleWorks } from "./state/sweep-work.ts";
import { emptyResult, type RequestSweepResult } from "./sweep-result.ts";
import { makeSweepSteps, type SweepStepsDeps } from "./sweep-steps.ts";

/**
 * The requests' part of `reconcile`. It finds by two sparse indexes what no
 * other function completes: requests and lanes that are due (business time), and requests
 * whose writer has had its time (real time).
 */

export interface SweepRequestsDeps extends SweepStepsDeps {
  /** Entries that one query returns. A run makes as many queries as it has time for. */
  limit: number;
}

/** Items of one shard that are processed at the same time. Those that must be started have the largest share. */
const START_CHUNK_SIZE = 25;
const CHUNK_SIZE = 10;

/** Requests of one provider that one run considers for polling; the next run considers the others. */
const MAX_DUE_POLLS = 5_000;

/** No item is started when less of the function's time is left. */
const STOP_BEFORE_MS = 12_000;

export type SweepRequests = ReturnType<typeof makeSweepRequests>;

/**
 * Recovers and ends requests that nothing else continues (G1, G8, G12): lost
 * wake-ups and schedules, dead workers, unpublished events, results without a
 * webhook, timeouts. Each item fails on its own.
 *
 * Each kind of work is read from index partitions of its own and processed concurrently with the
 * others, earliest first, page by page until the time is used up: a backlog of one kind, or a
 * provider that hangs, delays no other kind (G7, G11).
 */
export function makeSweepRequests(deps: SweepRequestsDeps) {
  const { requests, limit } = deps;
  const providers = Object.keys(deps.providerClients) as ProviderId[];

  return async (remainingMs: () => number): Promise<RequestSweepResult> => {
    const total = emptyResult();
    const fail = (error: unknown): void => {
      total.failed.push(toMessageFailure(error));
    };
    const hasTime = () => remainingMs() >= STOP_BEFORE_MS;
    const steps = makeSweepSteps(deps, total, fail);
    const { nowMs, nowRealMs } = deps.context();
    const pages = { pageSize: limit, chunkSize: CHUNK_SIZE };
    const shards = Array.from({ length: REQUEST_SHARD_COUNT }, (_, shard) => shard);
    // A shard that cannot be read does not keep the others from being processed.
    const sweepDue = (of: {
      work: DueWork;
      hasTime: () => boolean;
      chunkSize?: number;
      process: (entries: DueEntry[]) => Promise<void>;
    }) =>
      shards.map((shard) =>
        sweepPages({
          ...pages,
          ...of,
          readPage: (after: DueEntry | undefined) =>
            requests.findDue({ work: of.work, shard, untilMs: nowMs, limit, after }),
        }).catch(fail),
      );
    const sweepStale = staleWorks.flatMap((work) =>
      shards.map((shard) =>
        sweepPages({
          ...pages,
          hasTime: work === "outbox" ? () => hasTime() && steps.canPublish() : hasTime,
          readPage: (after: StaleEntry | undefined) =>
            requests.findStale({ work, shard, beforeRealMs: nowRealMs, limit, after }),
          process: steps.recoverStale,
        }).catch(fail),
      ),
    );
    const sweepPolls = async (provider: ProviderId): Promise<void> => {
      const due: DuePoll[] = [];
      const hasRoom = () => hasTime() && due.length < MAX_DUE_POLLS;
      const collect = steps.collectPolls(due);
      await Promise.all(sweepDue({ work: { poll: provider }, hasTime: hasRoom, process: collect }));
      await steps.poll(provider, due, hasTime).catch(fail);
    };
    await Promise.all([
      ...sweepDue({
        work: "start",
        hasTime,
        chunkSize: START_CHUNK_SIZE,
        process: steps.processDue,
      }),
      ...sweepStale,
      ...sweepDue({ work: "end", hasTime, process: steps.processDue }),
      ...providers.map(sweepPolls),
    ]);
    return total;
  };
}
