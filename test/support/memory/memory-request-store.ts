import type { Clock } from "../../../shared/core/clock.ts";
import type { RequestStore } from "../../../shared/core/requests/state/ports.ts";
import type { Lane, RequestRecord } from "../../../shared/core/requests/state/record.ts";

/** Requests in memory, with the promises of the stored ones: for tests and simulations. */
export function makeMemoryRequestStore(options: {
  clock: Clock;
  /** The lanes beside them, as they are now. */
  lanes: () => Lane[];
}): RequestStore {
  const { clock, lanes } = options;
  const stored = new Map<string, RequestRecord>();
  const ofLane = new Map<string, Set<string>>();

  function alive(requestId: string): RequestRecord | undefined {
    const found = stored.get(requestId);
    const isAlive = found && (found.expiresMs ?? Number.POSITIVE_INFINITY) > clock.businessMs();
    return isAlive ? { ...found } : undefined;
  }

  function all(ids: Iterable<string> = stored.keys()): RequestRecord[] {
    return [...ids].flatMap((id) => alive(id) ?? []);
  }

  function inLane(lane: string, laneState: RequestRecord["laneState"]): RequestRecord[] {
    return all(ofLane.get(lane) ?? [])
      .filter((request) => request.laneState === laneState)
      .sort(by(({ lanePosition }) => lanePosition ?? 0));
  }

  return {
    find: async (requestId) => alive(requestId),

    findWithLanes: async (requestIds) =>
      new Map(
        all(new Set(requestIds)).map((request) => {
          const lane = lanes().find((one) => one.lane === request.lane);
          return [request.requestId, { request, lane: lane && { ...lane } }];
        }),
      ),

    async create(request) {
      const found = stored.get(request.requestId);
      if (found) return { ...found };
      stored.set(request.requestId, { ...request, version: 1 });
      const ids = ofLane.get(request.lane) ?? new Set();
      ofLane.set(request.lane, ids.add(request.requestId));
      return "created";
    },

    async replace(request) {
      if (stored.get(request.requestId)?.version !== request.version) return undefined;
      const next = { ...request, version: request.version + 1 };
      stored.set(request.requestId, next);
      return { ...next };
    },

    readLaneHead: async (lane, limit) =>
      [...inLane(lane, "holding"), ...inLane(lane, "waiting")].slice(0, limit),

    firstLogin: async (lane) => inLane(lane, "waiting").find(({ isLogin }) => isLogin),

    countWaiting: async (lane, limit) => Math.min(inLane(lane, "waiting").length, limit),

    async list(of) {
      const requests = all()
        .filter(
          (request) =>
            request.clientId === of.clientId &&
            (of.accountId === undefined || request.accountId === of.accountId) &&
            (of.status === undefined || request.status === of.status) &&
            (of.before === undefined || listedAs(request) < of.before),
        )
        .sort((one, other) => (listedAs(one) < listedAs(other) ? 1 : -1));
      const shown = requests.slice(0, of.limit);
      const last = requests.length > shown.length ? shown.at(-1) : undefined;
      return { requests: shown, before: last && listedAs(last) };
    },

    async findDue(shard, untilMs, limit) {
      // One shard holds them all: how they are spread is the store's own affair.
      if (shard !== 0) return [];
      const entries = [
        ...all().map(({ lane, requestId, sweepDueMs }) => ({ lane, requestId, sweepDueMs })),
        ...lanes().map(({ lane, sweepDueMs }) => ({ lane, requestId: undefined, sweepDueMs })),
      ];
      return entries
        .filter(({ sweepDueMs = Number.POSITIVE_INFINITY }) => sweepDueMs <= untilMs)
        .sort(by(({ sweepDueMs }) => sweepDueMs ?? 0))
        .slice(0, limit)
        .map(({ lane, requestId }) => (requestId === undefined ? { lane } : { lane, requestId }));
    },

    async findStale(shard, beforeRealMs, limit) {
      if (shard !== 0) return [];
      return all()
        .filter(
          ({ recoverAfterRealMs = Number.POSITIVE_INFINITY }) => recoverAfterRealMs <= beforeRealMs,
        )
        .sort(by(({ recoverAfterRealMs }) => recoverAfterRealMs ?? 0))
        .slice(0, limit)
        .map(({ requestId }) => requestId);
    },
  };
}

function by<T>(numberOf: (value: T) => number) {
  return (one: T, other: T) => numberOf(one) - numberOf(other);
}

function listedAs({ createdMs, requestId }: RequestRecord): string {
  return `${new Date(createdMs).toISOString()}#${requestId}`;
}
