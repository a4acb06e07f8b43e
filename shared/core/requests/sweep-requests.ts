import { REQUEST_SHARD_COUNT } from "../../contracts/tables.ts";
import type { makeJoinWhenDue } from "./lanes/join-lane.ts";
import type { LaneScheduler } from "./lanes/lane-scheduler.ts";
import type { makePollRequest } from "./results/poll-request.ts";
import type { DecisionContext } from "./state/decision-context.ts";
import type { DueEntry, RequestStore, SubmitQueue } from "./state/ports.ts";
import type { PublishOutboxes } from "./state/publish-outboxes.ts";
import { isTerminal, type RequestRecord } from "./state/record.ts";
import { withDerivedFields } from "./state/request-state.ts";
import type { RequestWriter } from "./state/request-writer.ts";
import { markUnknown } from "./state/submission-transitions.ts";
import { failRequest, timeoutError } from "./state/timeouts.ts";

export interface SweepRequestsDeps {
  requests: RequestStore;
  writer: RequestWriter;
  queue: SubmitQueue;
  laneScheduler: LaneScheduler;
  publish: PublishOutboxes;
  joinWhenDue: ReturnType<typeof makeJoinWhenDue>;
  pollRequest: ReturnType<typeof makePollRequest>["poll"];
  providers: Parameters<typeof makePollRequest>[0]["providers"];
  context: () => DecisionContext;
  /** Most requests and lanes that one run takes of a shard; the next run goes on. */
  limit: number;
  /** Calls to providers that one run makes at most. */
  maxPolls: number;
}

export interface RequestSweepResult {
  /** Scheduled requests whose firing was lost. */
  joined: number;
  ticked: number;
  polled: number;
  timedOut: number;
  /** Submissions whose worker died. */
  unknown: number;
  published: number;
  /** Events that the bus did not take. */
  unpublished: number;
  pausedAccounts: number;
  pausedConnections: number;
  failed: number;
}

/** So many are looked after at once. */
const CHUNK = 10;

/** What one run has no call left for waits for the next (business). */
const PUT_OFF_MS = 60_000;

/** A run ends in its own time: what is begun is also recorded. */
const STOP_BEFORE_MS = 12_000;

/**
 * Looks after requests whose time has come or whose worker died (G1, G8, G12):
 * found by index, so much per run, each on its own.
 */
export function makeSweepRequests(deps: SweepRequestsDeps) {
  const { requests, writer, queue, laneScheduler, publish } = deps;

  return async (remainingMs: () => number): Promise<RequestSweepResult> => {
    const total = {
      joined: 0,
      ticked: 0,
      polled: 0,
      timedOut: 0,
      unknown: 0,
      published: 0,
      unpublished: 0,
      pausedAccounts: 0,
      pausedConnections: 0,
      failed: 0,
    };
    const each = async <Entry>(entries: Entry[], look: (entry: Entry) => Promise<void>) => {
      for (let at = 0; at < entries.length; at += CHUNK) {
        if (remainingMs() < STOP_BEFORE_MS) return;
        const settled = await Promise.allSettled(entries.slice(at, at + CHUNK).map(look));
        total.failed += settled.filter(({ status }) => status === "rejected").length;
      }
    };
    const shards = Array.from({ length: REQUEST_SHARD_COUNT }, (_, shard) => shard);
    const read = async <Entry>(query: (shard: number) => Promise<Entry[]>) => {
      const found = await Promise.allSettled(shards.map(query));
      // One shard that cannot be read keeps none of the others waiting.
      total.failed += found.filter(({ status }) => status === "rejected").length;
      return found.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    };
    const { nowMs, nowRealMs } = deps.context();
    const toPoll: RequestRecord[] = [];
    await each(await read((shard) => requests.due(shard, nowMs, deps.limit)), (entry) =>
      processDue(entry, total, toPoll),
    );
    await each(await read((shard) => requests.stale(shard, nowRealMs, deps.limit)), (requestId) =>
      recoverStale(requestId, total),
    );
    // Last, because a provider may be slow to answer; first whose time is up.
    toPoll.sort((one, other) => (one.deadlineMs ?? 0) - (other.deadlineMs ?? 0));
    await each(toPoll.slice(0, deps.maxPolls), (request) => pollOne(request, total));
    await each(toPoll.slice(deps.maxPolls), (request) => postpone(request));
    return total;
  };

  /** Its writer may be dead: what it left to do is done. */
  async function recoverStale(requestId: string, total: RequestSweepResult): Promise<void> {
    const changed = await writer.change(requestId, (request) => {
      const { status, owner, sendingUntilRealMs = 0 } = request;
      const context = deps.context();
      if (status !== "SUBMITTING") return undefined;
      // Nobody has begun to send that input: its message was lost.
      if (owner === undefined) return withDerivedFields(request, context);
      return sendingUntilRealMs <= context.nowRealMs ? markUnknown(request, context) : undefined;
    });
    if (!changed) return;
    const { request, isChanged } = changed;
    if (isChanged && request.status === "UNKNOWN") total.unknown++;
    if (isChanged && request.status === "SUBMITTING") {
      await queue.send({ v: 1, kind: "continue", requestId });
    }
    if (isTerminal(request)) await laneScheduler.onLaneFreed(request);
    // The message of its accept never came, and its lane may not know of it.
    const isForgotten = request.outbox.some(({ version }) => version === 1);
    if (request.status === "QUEUED" && isForgotten) await laneScheduler.ensure(request.lane);
    const { published, failures } = await publish([request], "overdue");
    total.published += published;
    total.unpublished += failures.length;
  }

  async function processDue(
    { lane, requestId }: DueEntry,
    total: RequestSweepResult,
    toPoll: RequestRecord[],
  ): Promise<void> {
    if (requestId === undefined) {
      await queue.send({ v: 1, kind: "tick", lane });
      total.ticked++;
      return;
    }
    const request = await requests.find(requestId);
    const { nowMs } = deps.context();
    // The index may be behind the item.
    if (!request || isTerminal(request) || (request.dueMs ?? nowMs) > nowMs) return;
    if (request.status === "SCHEDULED") return joinOverdue(request, total);
    if (request.providerRequestId !== undefined && request.status !== "QUEUED") {
      toPoll.push(request);
      return;
    }
    await timeOut(requestId, total);
  }

  async function pollOne(request: RequestRecord, total: RequestSweepResult): Promise<void> {
    total.polled++;
    // A poll that cannot be made keeps no request from its end.
    const polled = await deps.pollRequest(request).catch(() => undefined);
    if (!polled) total.failed++;
    if (polled?.hasPausedAccount) total.pausedAccounts++;
    if (polled?.hasPausedConnection) total.pausedConnections++;
    if (!polled || !isTerminal(polled.request)) await timeOut(request.requestId, total);
  }

  /** More are to be asked for than one run may ask: these must not hide what is due behind them. */
  async function postpone(request: RequestRecord): Promise<void> {
    await writer.replace({ ...request, dueMs: deps.context().nowMs + PUT_OFF_MS });
  }

  async function joinOverdue(request: RequestRecord, total: RequestSweepResult): Promise<void> {
    const joined = await deps.joinWhenDue(request);
    if (!joined) return;
    total.joined++;
    if (joined.processNow) await queue.send({ v: 1, kind: "tick", lane: request.lane });
  }

  async function timeOut(requestId: string, total: RequestSweepResult): Promise<void> {
    const changed = await writer.change(requestId, (request) => {
      const context = deps.context();
      const error = timeoutError(request, context);
      return error && failRequest(request, error, context, deps.providers[request.provider]);
    });
    if (!changed?.isChanged) return;
    // A person who did not answer a prompt is no fault of the pipeline.
    if (changed.request.error?.code !== "ACTION_TIMEOUT") total.timedOut++;
    await laneScheduler.onLaneFreed(changed.request);
    await publish([changed.request]);
  }
}
