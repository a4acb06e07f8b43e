import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../../shared/core/clock.ts";
import { compareJoinOrder } from "../../../shared/core/requests/lanes/join-when-due.ts";
import { waitsForDependency } from "../../../shared/core/requests/state/dependency.ts";
import type {
  DueEntry,
  RequestStore,
  StaleEntry,
} from "../../../shared/core/requests/state/ports.ts";
import type { Lane, RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { firstOfEachSubQueue, subQueueOf } from "../../../shared/core/requests/state/sub-queue.ts";
import {
  type DueWork,
  dueWorkOf,
  type StaleWork,
  staleWorkOf,
} from "../../../shared/core/requests/state/sweep-work.ts";
import { isBehind, type MemoryIndexes, order, type SweepTimes } from "./memory-indexes.ts";

/** Requests in memory, with the promises of the stored ones: for tests and simulations. */
export function makeMemoryRequestStore(options: {
  clock: Clock;
  /** The lanes beside them, as they are now. */
  lanes: () => (Lane & { isOnlyCheck?: boolean })[];
  postponeLane: (lane: string, seenMs: number, dueMs: number) => { clientId: string } | undefined;
}): RequestStore & MemoryIndexes & SweepTimes {
  const { clock, lanes, postponeLane } = options;
  const stored = new Map<string, RequestRecord>();
  const ofLane = new Map<string, Set<string>>();
  /** The earliest times of each lane's requests, of lanes that were read since they changed. */
  const earliest = new Map<string, { dueMs: number; staleMs: number }>();

  function put(request: RequestRecord): void {
    stored.set(request.requestId, request);
    earliest.delete(request.lane);
  }

  function earliestOf(lane: string): { dueMs: number; staleMs: number } {
    const known = earliest.get(lane);
    if (known) return known;
    const found = { dueMs: Number.POSITIVE_INFINITY, staleMs: Number.POSITIVE_INFINITY };
    for (const id of ofLane.get(lane) ?? []) {
      const { dueMs = found.dueMs, sweepAtRealMs = found.staleMs } = stored.get(id) ?? {};
      found.dueMs = Math.min(found.dueMs, dueMs);
      found.staleMs = Math.min(found.staleMs, sweepAtRealMs);
    }
    earliest.set(lane, found);
    return found;
  }

  function alive(requestId: string): RequestRecord | undefined {
    const found = stored.get(requestId);
    const isAlive = found && (found.expiresMs ?? Number.POSITIVE_INFINITY) > clock.businessMs();
    return isAlive ? { ...found } : undefined;
  }

  function all(ids: Iterable<string> = stored.keys()): RequestRecord[] {
    return [...ids].flatMap((id) => alive(id) ?? []);
  }

  function inLane(lane: string, laneState: RequestRecord["laneState"]): RequestRecord[] {
    const ids = [...(ofLane.get(lane) ?? [])];
    return all(ids.filter((id) => stored.get(id)?.laneState === laneState)).sort(
      by(({ lanePosition }) => lanePosition ?? 0),
    );
  }

  /** The records of these lanes that have not expired. Not copies: a simulation reads them for each of its calls. */
  function* current(
    isMeant: (of: { dueMs: number; staleMs: number }) => boolean,
  ): Generator<RequestRecord> {
    const nowMs = clock.businessMs();
    for (const [lane, ids] of ofLane) {
      if (!isMeant(earliestOf(lane))) continue;
      for (const id of ids) {
        const request = stored.get(id);
        if (request && (request.expiresMs ?? Number.POSITIVE_INFINITY) > nowMs) yield request;
      }
    }
  }

  /** What the index `due` shows until this time when it is not behind, in its order. */
  function dueIndex(untilMs = Number.POSITIVE_INFINITY) {
    const due: { entry: DueEntry; work: DueWork }[] = [];
    for (const request of current(({ dueMs }) => dueMs <= untilMs)) {
      const { lane, requestId, dueMs } = request;
      if (dueMs === undefined || dueMs > untilMs) continue;
      due.push({ entry: { lane, requestId, dueMs }, work: dueWorkOf(request) });
    }
    for (const { lane, dueMs, isOnlyCheck } of lanes()) {
      if (dueMs === undefined || dueMs > untilMs) continue;
      due.push({ entry: { lane, dueMs }, work: isOnlyCheck ? "end" : "start" });
    }
    return due.sort((one, other) => order(dueKey(one.entry), dueKey(other.entry)));
  }

  /** What the index `sweep` shows until this time when it is not behind, in its order. */
  function staleIndex(beforeRealMs = Number.POSITIVE_INFINITY) {
    const stale: { entry: StaleEntry; work: StaleWork }[] = [];
    for (const request of current(({ staleMs }) => staleMs <= beforeRealMs)) {
      const { requestId, sweepAtRealMs } = request;
      if (sweepAtRealMs === undefined || sweepAtRealMs > beforeRealMs) continue;
      stale.push({ entry: { requestId, sweepAtRealMs }, work: staleWorkOf(request) });
    }
    return stale.sort((one, other) => order(staleKey(one.entry), staleKey(other.entry)));
  }
  let frozen:
    | { due: ReturnType<typeof dueIndex>; stale: ReturnType<typeof staleIndex> }
    | undefined;

  return {
    find: async (requestId) => alive(requestId),

    findWithLanes: async (requestIds) =>
      new Map(
        all(new Set(requestIds)).map((request) => {
          const found = lanes().find((one) => one.lane === request.lane);
          const { isOnlyCheck: _, ...lane } = found ?? {};
          return [request.requestId, { request, lane: found && (lane as Lane) }];
        }),
      ),

    async create(request) {
      const found = stored.get(request.requestId);
      if (found) return { ...found };
      put({ ...request, version: 1 });
      const ids = ofLane.get(request.lane) ?? new Set();
      ofLane.set(request.lane, ids.add(request.requestId));
      return "created";
    },

    async replace(request) {
      if (stored.get(request.requestId)?.version !== request.version) return undefined;
      const next = { ...request, version: request.version + 1 };
      put(next);
      return { ...next };
    },

    async readLaneHead({ lane }) {
      const waiting = inLane(lane, "waiting");
      const firsts = firstOfEachSubQueue(waiting);
      return {
        holders: inLane(lane, "holding"),
        hasMoreHolders: false,
        firsts,
        hasMoreWaiting: waiting.length > firsts.length,
      };
    },

    findTakenSince: async (lane, sinceMs) =>
      all(ofLane.get(lane) ?? []).filter(
        ({ takenMs = Number.NEGATIVE_INFINITY, laneState }) =>
          takenMs >= sinceMs && laneState === undefined,
      ),

    readQueue: async (lane, limit) => ({
      holders: inLane(lane, "holding").map(({ requestId }) => requestId),
      waiting: inLane(lane, "waiting")
        .slice(0, limit)
        .map((request) => ({
          requestId: request.requestId,
          position: request.lanePosition ?? 0,
          ...subQueueOf(request),
        })),
    }),

    findScheduledBefore: async (before, limit) =>
      // Without copies: a simulation asks for each of thousands of requests.
      [...(ofLane.get(before.lane) ?? [])]
        .flatMap((id) => stored.get(id) ?? [])
        .filter((one) => one.status === "SCHEDULED" && !waitsForDependency(one))
        .filter((one) => compareJoinOrder(one, before) < 0)
        .sort(compareJoinOrder)
        .slice(0, limit)
        .map(({ requestId }) => requestId),

    firstLogin: async (lane) => inLane(lane, "waiting").find(({ isLogin }) => isLogin),

    countWaiting: async (lane, limit) => Math.min(inLane(lane, "waiting").length, limit),

    async list(of) {
      const requests = all()
        .filter(
          (request) =>
            request.clientId === of.clientId &&
            (of.accountId === undefined || request.accountId === of.accountId) &&
            (of.status === undefined || request.status === of.status) &&
            (of.group === undefined || request.group === of.group) &&
            (of.before === undefined || listedAs(request) < of.before),
        )
        .sort((one, other) => (listedAs(one) < listedAs(other) ? 1 : -1));
      const shown = requests.slice(0, of.limit);
      const last = requests.length > shown.length ? shown.at(-1) : undefined;
      return { requests: shown, before: last && listedAs(last) };
    },

    async readGroup({ clientId, group, limit, after = "" }) {
      const entries = all()
        .filter((request) => request.clientId === clientId && request.group === group)
        .map(({ requestId, status, createdMs, submittedMs, finishedMs }) => ({
          ...{ requestId, status, submittedMs, finishedMs },
          createdMs: Math.floor(createdMs),
          place: listedAs({ createdMs, requestId }),
        }))
        .filter(({ place }) => place > after)
        .sort((one, other) => (one.place < other.place ? -1 : 1));
      return { entries: entries.slice(0, limit), hasMore: entries.length > limit };
    },

    async findDue({ work, shard, untilMs, limit, after }) {
      // One shard holds them all: how they are spread is the store's own affair.
      if (shard !== 0) return [];
      return (frozen?.due ?? dueIndex(untilMs))
        .filter(({ entry, work: its }) => entry.dueMs <= untilMs && isDeepStrictEqual(its, work))
        .filter(({ entry }) => after === undefined || isBehind(dueKey(entry), dueKey(after)))
        .slice(0, limit)
        .map(({ entry }) => ({ ...entry }));
    },

    async postponeSweep({ lane, requestId, dueMs: seenMs }, dueMs) {
      if (requestId === undefined) return postponeLane(lane, seenMs, dueMs);
      const found = stored.get(requestId);
      if (found?.dueMs !== seenMs && found?.dueMs !== dueMs) return undefined;
      put({ ...found, dueMs });
      return { clientId: found.clientId };
    },

    async findStale({ work, shard, beforeRealMs, limit, after }) {
      if (shard !== 0) return [];
      return (frozen?.stale ?? staleIndex(beforeRealMs))
        .filter(({ entry, work: its }) => entry.sweepAtRealMs <= beforeRealMs && its === work)
        .filter(({ entry }) => after === undefined || isBehind(staleKey(entry), staleKey(after)))
        .slice(0, limit)
        .map(({ entry }) => ({ ...entry }));
    },

    nextSweepMs() {
      if (frozen) return Number.NEGATIVE_INFINITY;
      const times = [...ofLane.keys()].flatMap((lane) => Object.values(earliestOf(lane)));
      return Math.min(...times, ...lanes().flatMap(({ dueMs }) => dueMs ?? []));
    },

    freezeIndexes() {
      frozen = { due: dueIndex(), stale: staleIndex() };
    },
    thawIndexes() {
      frozen = undefined;
    },
  };
}

function by<T>(numberOf: (value: T) => number) {
  return (one: T, other: T) => numberOf(one) - numberOf(other);
}

const dueKey = ({ dueMs, lane, requestId = "" }: DueEntry) => [dueMs, lane, requestId] as const;
const staleKey = ({ sweepAtRealMs, requestId }: StaleEntry) => [sweepAtRealMs, requestId] as const;

function listedAs({
  createdMs,
  requestId,
}: Pick<RequestRecord, "createdMs" | "requestId">): string {
  return `${new Date(createdMs).toISOString()}#${requestId}`;
}
