import { REQUEST_SHARD_COUNT } from "../../contracts/tables.ts";
import { failed, overdueError } from "./endings.ts";
import type { makeJoinWhenDue } from "./join-lane.ts";
import type { Ticks } from "./lanes.ts";
import { derived, type Moment } from "./moves.ts";
import type { makePollRequest } from "./poll-request.ts";
import type { DueEntry, RequestStore, SubmitQueue } from "./ports.ts";
import type { PublishOutboxes } from "./publish-outboxes.ts";
import { isTerminal, type RequestRecord } from "./record.ts";
import type { RequestWriter } from "./request-writer.ts";
import { unknown } from "./submission.ts";

export interface LookAfterRequestsDeps {
  requests: RequestStore;
  writer: RequestWriter;
  queue: SubmitQueue;
  ticks: Ticks;
  publish: PublishOutboxes;
  joinWhenDue: ReturnType<typeof makeJoinWhenDue>;
  pollRequest: ReturnType<typeof makePollRequest>["poll"];
  providers: Parameters<typeof makePollRequest>[0]["providers"];
  moment: () => Moment;
  /** Most requests and lanes that one run takes of a shard; the next run goes on. */
  limit: number;
  /** Calls to providers that one run makes at most. */
  maxPolls: number;
}

export interface LookedAfter {
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

/** A run ends in its own time: what is begun is also recorded. */
const STOP_BEFORE_MS = 12_000;

/**
 * Looks after requests whose time has come or whose worker died (G1, G8, G12):
 * found by index, so much per run, each on its own.
 */
export function makeLookAfterRequests(deps: LookAfterRequestsDeps) {
  const { requests, writer, queue, ticks, publish } = deps;

  return async (remainingMs: () => number): Promise<LookedAfter> => {
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
    for (let shard = 0; shard < REQUEST_SHARD_COUNT; shard++) {
      const stale = await requests
        .stale(shard, deps.moment().nowRealMs, deps.limit)
        .catch(() => undefined);
      await each(stale ?? [], (requestId) => lookAtStale(requestId, total));
      const due = await requests.due(shard, deps.moment().nowMs, deps.limit).catch(() => undefined);
      await each(due ?? [], (entry) => lookAtDue(entry, total));
      // One shard that cannot be read keeps none of the others waiting.
      total.failed += (stale ? 0 : 1) + (due ? 0 : 1);
    }
    return total;
  };

  /** Its writer may be dead: what it left to do is done. */
  async function lookAtStale(requestId: string, total: LookedAfter): Promise<void> {
    const changed = await writer.change(requestId, (request) => {
      const { status, owner, sendingUntilRealMs = 0 } = request;
      const moment = deps.moment();
      if (status !== "SUBMITTING") return undefined;
      // Nobody has begun to send that input: its message was lost.
      if (owner === undefined) return derived(request, moment);
      return sendingUntilRealMs <= moment.nowRealMs ? unknown(request, moment) : undefined;
    });
    if (!changed) return;
    const { request, isChanged } = changed;
    if (isChanged && request.status === "UNKNOWN") total.unknown++;
    if (isChanged && request.status === "SUBMITTING") {
      await queue.send({ v: 1, kind: "continue", requestId });
    }
    if (isTerminal(request)) await ticks.freed(request);
    const { published, failed: unpublished } = await publish([request], "overdue");
    total.published += published;
    total.unpublished += unpublished;
  }

  async function lookAtDue({ lane, requestId }: DueEntry, total: LookedAfter): Promise<void> {
    if (requestId === undefined) {
      await queue.send({ v: 1, kind: "tick", lane });
      total.ticked++;
      return;
    }
    const request = await requests.find(requestId);
    const { nowMs } = deps.moment();
    // The index may be behind the item.
    if (!request || isTerminal(request) || (request.dueMs ?? nowMs) > nowMs) return;
    if (request.status === "SCHEDULED") return joinOverdue(request, total);
    if (request.providerRequestId !== undefined && request.status !== "QUEUED") {
      const mayPoll = total.polled < deps.maxPolls;
      if (!mayPoll) return;
      total.polled++;
      const polled = await deps.pollRequest(request);
      if (polled.hasPausedAccount) total.pausedAccounts++;
      if (polled.hasPausedConnection) total.pausedConnections++;
      if (isTerminal(polled.request)) return;
    }
    await timeOut(requestId, total);
  }

  async function joinOverdue(request: RequestRecord, total: LookedAfter): Promise<void> {
    const joined = await deps.joinWhenDue(request);
    if (!joined) return;
    total.joined++;
    if (joined.isIdle) await queue.send({ v: 1, kind: "tick", lane: request.lane });
  }

  async function timeOut(requestId: string, total: LookedAfter): Promise<void> {
    const changed = await writer.change(requestId, (request) => {
      const moment = deps.moment();
      const error = overdueError(request, moment);
      return error && failed(request, error, moment, deps.providers[request.provider]);
    });
    if (!changed?.isChanged) return;
    // A person who did not answer a prompt is no fault of the pipeline.
    if (changed.request.error?.code !== "ACTION_TIMEOUT") total.timedOut++;
    await ticks.freed(changed.request);
    await publish([changed.request]);
  }
}
