import { REQUEST_SHARD_COUNT } from "../../contracts/tables.ts";
import { type MessageFailure, toMessageFailure } from "../message-failure.ts";
import type { JoinWhenDue } from "./lanes/join-when-due.ts";
import type { LaneScheduler } from "./lanes/lane-scheduler.ts";
import type { PollRequest } from "./results/poll-request.ts";
import type { DecisionContext } from "./state/decision-context.ts";
import { failRequest, timeoutError } from "./state/endings.ts";
import type { DueEntry, ProviderClients, RequestStore, SubmitQueue } from "./state/ports.ts";
import type { PublishedOutboxes, PublishOutboxes } from "./state/publish-outboxes.ts";
import { isTerminal, type RequestRecord } from "./state/record.ts";
import { withDerivedFields } from "./state/request-state.ts";
import type { RequestWriter } from "./state/request-writer.ts";
import { markUnknown } from "./state/submission-transitions.ts";

/**
 * The requests' part of `reconcile`. It finds by two sparse indexes what no
 * other function completes: requests and lanes that are due (business time), and requests
 * whose writer has had its time (real time).
 */

export interface SweepRequestsDeps {
  requests: RequestStore;
  writer: RequestWriter;
  queue: SubmitQueue;
  laneScheduler: LaneScheduler;
  publish: PublishOutboxes;
  joinWhenDue: JoinWhenDue;
  pollRequest: PollRequest;
  providerClients: ProviderClients;
  context: () => DecisionContext;
  /** Requests and lanes that one run processes of each shard and index. The next run continues. */
  limit: number;
  /** Calls to providers that one run makes at most. */
  maxPolls: number;
}

export interface RequestSweepResult {
  /** Scheduled requests that joined their lane because their schedule did not fire. */
  joined: number;
  /** Lanes to which a wake-up message was sent. */
  wokenLanes: number;
  polled: number;
  timedOut: number;
  /** Requests whose worker died during the submission. */
  unknown: number;
  published: number;
  /** Why events stay in their outbox, one for each. */
  unpublished: MessageFailure[];
  pausedAccounts: number;
  pausedConnections: number;
  /** Why items and index reads failed, one for each. The next run tries them again. */
  failed: MessageFailure[];
}

/** Items that are processed at the same time. */
const CONCURRENCY = 10;

/** Delay (business) of a poll that this run has no call left for. */
const POSTPONED_POLL_MS = 60_000;

/** No item is started when less of the function's time is left. */
const STOP_BEFORE_MS = 12_000;

export type SweepRequests = ReturnType<typeof makeSweepRequests>;

/**
 * Recovers and ends requests that nothing else continues (G1, G8, G12): lost
 * wake-ups and schedules, dead workers, unpublished events, results without a
 * webhook, timeouts. Each item fails on its own.
 */
export function makeSweepRequests(deps: SweepRequestsDeps) {
  return async (remainingMs: () => number): Promise<RequestSweepResult> => {
    const total = emptyResult();
    const recordFailure = (error: unknown): void => {
      total.failed.push(toMessageFailure(error));
    };
    const forEach = async <Item>(items: Item[], process: (item: Item) => Promise<void>) => {
      for (let at = 0; at < items.length; at += CONCURRENCY) {
        if (remainingMs() < STOP_BEFORE_MS) return;
        const chunk = items.slice(at, at + CONCURRENCY);
        await Promise.all(chunk.map((item) => process(item).catch(recordFailure)));
      }
    };
    const readShards = async <Item>(query: (shard: number) => Promise<Item[]>) => {
      const shards = Array.from({ length: REQUEST_SHARD_COUNT }, (_, shard) => shard);
      // A shard that cannot be read does not keep the others from being processed.
      const read = shards.map((shard) =>
        query(shard).catch((error): Item[] => {
          recordFailure(error);
          return [];
        }),
      );
      return (await Promise.all(read)).flat();
    };
    const toPoll: RequestRecord[] = [];
    const steps = makeSweepSteps(deps, { total, toPoll, recordFailure });
    const { nowMs, nowRealMs } = deps.context();
    const { requests, limit } = deps;
    await forEach(
      await readShards((shard) => requests.findDue(shard, nowMs, limit)),
      steps.processDue,
    );
    await forEach(
      await readShards((shard) => requests.findStale(shard, nowRealMs, limit)),
      steps.recoverStale,
    );
    // Last, because a provider may answer slowly. The earliest deadline goes first.
    const byDeadline = toPoll.toSorted(
      (one, other) => (one.deadlineMs ?? 0) - (other.deadlineMs ?? 0),
    );
    await forEach(byDeadline.slice(0, deps.maxPolls), steps.poll);
    await forEach(byDeadline.slice(deps.maxPolls), steps.postponePoll);
    return total;
  };
}

function emptyResult(): RequestSweepResult {
  return {
    joined: 0,
    wokenLanes: 0,
    polled: 0,
    timedOut: 0,
    unknown: 0,
    published: 0,
    unpublished: [],
    pausedAccounts: 0,
    pausedConnections: 0,
    failed: [],
  };
}

/** What one run does with each item that it finds. Each step adds to `total`. */
function makeSweepSteps(
  deps: SweepRequestsDeps,
  {
    total,
    toPoll,
    recordFailure,
  }: {
    total: RequestSweepResult;
    /** Receives the requests that must be polled. */
    toPoll: RequestRecord[];
    recordFailure: (error: unknown) => void;
  },
) {
  const { requests, writer, queue, laneScheduler } = deps;

  async function publish(...of: Parameters<PublishOutboxes>): Promise<PublishedOutboxes> {
    const result = await deps.publish(...of);
    total.unpublished.push(...result.failures);
    return result;
  }

  /** Completes what the last writer of the request has left undone. */
  async function recoverStale(requestId: string): Promise<void> {
    const changed = await writer.change(requestId, (request) => {
      const { status, owner, sendingUntilRealMs = 0 } = request;
      const context = deps.context();
      if (status !== "SUBMITTING") return undefined;
      // No worker has started to send this input: its message was lost.
      if (owner === undefined) return withDerivedFields(request, context);
      return sendingUntilRealMs <= context.nowRealMs ? markUnknown(request, context) : undefined;
    });
    if (!changed) return;
    const { request, isChanged } = changed;
    if (isChanged && request.status === "UNKNOWN") total.unknown++;
    if (isChanged && request.status === "SUBMITTING") {
      await queue.send({ v: 1, kind: "continue", requestId });
    }
    if (isTerminal(request)) await laneScheduler.wakeFreedLane(request);
    // The message of its accept was lost, and with it perhaps the lane's wake-up.
    const isAcceptLost = request.outbox.some(({ version }) => version === 1);
    if (request.status === "QUEUED" && isAcceptLost) await laneScheduler.ensureWakeUp(request.lane);
    total.published += (await publish([request], "overdue")).published;
  }

  async function processDue({ lane, requestId }: DueEntry): Promise<void> {
    if (requestId === undefined) {
      await queue.send({ v: 1, kind: "wakeUp", lane });
      total.wokenLanes++;
      return;
    }
    const request = await requests.find(requestId);
    const { nowMs } = deps.context();
    // The index may be older than the item.
    if (!request || isTerminal(request) || (request.sweepDueMs ?? nowMs) > nowMs) return;
    if (request.status === "SCHEDULED") return joinOverdue(request);
    if (request.providerRequestId !== undefined && request.status !== "QUEUED") {
      toPoll.push(request);
      return;
    }
    await timeOut(requestId);
  }

  /** Polls the provider and then ends the request if its time is up and the poll brought no end. */
  async function poll(request: RequestRecord): Promise<void> {
    total.polled++;
    // A poll that fails does not keep the request from ending in time.
    const polled = await deps.pollRequest(request).catch((error) => {
      recordFailure(error);
      return undefined;
    });
    total.unpublished.push(...(polled?.unpublished ?? []));
    if (polled?.hasPausedAccount) total.pausedAccounts++;
    if (polled?.hasPausedConnection) total.pausedConnections++;
    if (!polled || !isTerminal(polled.request)) await timeOut(request.requestId);
  }

  /** Moves the poll to a later run, so that it does not hide what is due behind it in the index. */
  async function postponePoll(request: RequestRecord): Promise<void> {
    await writer.replace({ ...request, sweepDueMs: deps.context().nowMs + POSTPONED_POLL_MS });
  }

  async function joinOverdue(request: RequestRecord): Promise<void> {
    const joined = await deps.joinWhenDue(request);
    if (!joined) return;
    total.joined++;
    if (joined.wakesLane) await queue.send({ v: 1, kind: "wakeUp", lane: request.lane });
  }

  async function timeOut(requestId: string): Promise<void> {
    const changed = await writer.change(requestId, (request) => {
      const context = deps.context();
      const error = timeoutError(request, context);
      return error && failRequest(request, error, context, deps.providerClients[request.provider]);
    });
    if (!changed?.isChanged) return;
    // A person who does not answer a prompt is not a failure of the pipeline.
    if (changed.request.error?.code !== "ACTION_TIMEOUT") total.timedOut++;
    await laneScheduler.wakeFreedLane(changed.request);
    await publish([changed.request]);
  }

  return { processDue, recoverStale, poll, postponePoll };
}
