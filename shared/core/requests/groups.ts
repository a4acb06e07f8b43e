import { Failure } from "../../contracts/failures.ts";
import type { Group, GroupCancellation } from "../../contracts/http/batches.ts";
import { type RequestStatus, requestStatus } from "../../contracts/statuses.ts";
import { toIso } from "../clock.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import { readCursor, writeCursor } from "../input/cursor.ts";
import type { DecisionContext } from "./state/decision-context.ts";
import type { GroupEntry, RequestStore } from "./state/ports.ts";

export interface GroupsDeps {
  requests: Pick<RequestStore, "readGroup">;
  context: () => DecisionContext;
  /** When the last of these waiting requests is expected to end (business); absent: not known. */
  expectedEndOf?: ((requestIds: readonly string[]) => Promise<number | undefined>) | undefined;
  onNonFatalError: (error: unknown) => void;
}

/** Requests that one call reads of a group; some twenty queries. */
const MAX_GROUP_ENTRIES = 50_000;

/** Requests that one call cancels, and those of them about which a provider is asked. */
const MAX_CANCELLED = 500;
const MAX_ASKED = 100;

/** Requests that are cancelled at the same time. */
const CONCURRENCY = 20;

/** The store's position in a group: a time, `#`, and a request's id. */
const CURSOR_FORM = /^[^#]{1,32}#rq_[0-9a-f]{44}$/;

const waiting: readonly RequestStatus[] = ["SCHEDULED", "QUEUED"];
const submitted: readonly RequestStatus[] = ["ACTION_REQUIRED", "UNKNOWN"];

/**
 * The groups of a client's requests. They are read from an index that DynamoDB keeps: what is
 * counted is what is stored, with a delay of mostly less than a second.
 *
 * @param cancelRequest cancels one request. @throws NOT_FOUND, CONFLICT, DEPENDENCY_DOWN
 */
export function makeGroups(
  deps: GroupsDeps,
  cancelRequest: (clientId: string, requestId: string) => Promise<unknown>,
) {
  /** @throws NOT_FOUND for a group without requests, DEPENDENCY_DOWN */
  async function read(clientId: string, group: string, after?: string) {
    const of = { clientId, group, limit: MAX_GROUP_ENTRIES, after };
    const { entries, hasMore } = await deps.requests.readGroup(of);
    const { nowMs, rules } = deps.context();
    const kept = entries.filter(({ finishedMs = nowMs }) => finishedMs + rules.retentionMs > nowMs);
    if (kept.length === 0 && after === undefined) {
      throw new Failure("NOT_FOUND", "there is no such group");
    }
    return { entries: kept, hasMore };
  }

  return {
    /** @throws NOT_FOUND, DEPENDENCY_DOWN */
    async get(clientId: string, group: string): Promise<Group> {
      const { entries, hasMore } = await read(clientId, group);
      const counts = Object.fromEntries(requestStatus.options.map((status) => [status, 0]));
      for (const { status } of entries) counts[status] = (counts[status] ?? 0) + 1;
      const left = entries.filter(({ status }) => waiting.includes(status));
      const expectedMs =
        left.length === 0
          ? undefined
          : await deps.expectedEndOf?.(left.map(({ requestId }) => requestId));
      return {
        group,
        total: entries.length,
        counts: counts as Group["counts"],
        isComplete: !hasMore,
        ...timesOf(entries),
        ...(expectedMs === undefined ? {} : { expectedAt: toIso(expectedMs) }),
      };
    },

    /**
     * Cancels requests of a group: those that were not submitted, and those whose provider
     * confirms it. One call cancels so many; the next one goes on at its cursor.
     *
     * @throws NOT_FOUND, REQUEST_INVALID for a bad cursor, DEPENDENCY_DOWN
     */
    async cancel(clientId: string, group: string, cursor?: string): Promise<GroupCancellation> {
      const of = { list: "groups", clientId } as const;
      const after = cursor === undefined ? undefined : readCursor(of, cursor, CURSOR_FORM);
      const { entries, hasMore } = await read(clientId, group, after);
      const now = firstOf(entries);
      const counted = { cancelled: 0, tooLate: 0, failed: 0 };
      await forEachConcurrent(now, CONCURRENCY, async (entry) => {
        const outcome = await cancelOne(clientId, entry);
        if (outcome) counted[outcome]++;
      });
      const remaining = entries.slice(now.length).filter(mayBeCancelled).length;
      const place = now.at(-1)?.place;
      // Behind the requests that one call reads there may be more.
      const goesOn = remaining > 0 || hasMore;
      return {
        group,
        ...counted,
        remaining,
        ...(goesOn && place !== undefined ? { nextCursor: writeCursor(of, place) } : {}),
      };
    },
  };

  async function cancelOne(
    clientId: string,
    { requestId, status }: GroupEntry,
  ): Promise<"cancelled" | "tooLate" | "failed" | undefined> {
    if (submitted.includes(status)) return "tooLate";
    if (!mayBeCancelled({ status })) return undefined;
    try {
      await cancelRequest(clientId, requestId);
      return "cancelled";
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.code === "NOT_FOUND") return undefined;
      if (error.code === "CONFLICT") return "tooLate";
      deps.onNonFatalError(error);
      return "failed";
    }
  }
}

function mayBeCancelled({ status }: Pick<GroupEntry, "status">): boolean {
  // One that is being submitted waits again if its provider refuses it.
  return waiting.includes(status) || status === "SUBMITTING" || status === "RUNNING";
}

/** The entries that one call looks at. */
function firstOf(entries: readonly GroupEntry[]): GroupEntry[] {
  let cancelled = 0;
  let asked = 0;
  const end = entries.findIndex(({ status }) => {
    if (mayBeCancelled({ status })) cancelled++;
    if (status === "RUNNING") asked++;
    return cancelled > MAX_CANCELLED || asked > MAX_ASKED;
  });
  return end === -1 ? [...entries] : entries.slice(0, end);
}

function timesOf(entries: readonly GroupEntry[]) {
  const earliest = (times: (number | undefined)[]) => edgeOf(times, Math.min);
  const latest = (times: (number | undefined)[]) => edgeOf(times, Math.max);
  const created = entries.map(({ createdMs }) => createdMs);
  const submittedAt = entries.map(({ submittedMs }) => submittedMs);
  return {
    firstCreatedAt: earliest(created) ?? "",
    lastCreatedAt: latest(created) ?? "",
    firstSubmittedAt: earliest(submittedAt),
    lastSubmittedAt: latest(submittedAt),
    lastFinishedAt: latest(entries.map(({ finishedMs }) => finishedMs)),
  };
}

function edgeOf(
  times: readonly (number | undefined)[],
  pick: (one: number, other: number) => number,
): string | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : toIso(known.reduce((one, other) => pick(one, other)));
}
