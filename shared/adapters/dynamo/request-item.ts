import * as z from "zod/mini";
import { eventType } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import { categories } from "../../contracts/pace.ts";
import { providerId } from "../../contracts/providers.ts";
import { requestStatus } from "../../contracts/statuses.ts";
import { correlatedTypes } from "../../core/providers/correlation.ts";
import { waitsForDependency } from "../../core/requests/state/dependency.ts";
import type { RequestRecord, SubQueue } from "../../core/requests/state/record.ts";
import { subQueueOf } from "../../core/requests/state/sub-queue.ts";
import { dueWorkOf, staleWorkOf } from "../../core/requests/state/sweep-work.ts";
import { readSubQueueName, subQueueName } from "./lane-item.ts";
import { packStoredText, storedText } from "./packed-text.ts";
import { duePartition, requestShardOf, stalePartition } from "./sweep-partition.ts";

const text = z.optional(z.string());
const number = z.optional(z.number());

type Renamed =
  | "requestId"
  | "group"
  | "lanePosition"
  | "sweepDueMs"
  | "recoverAfterRealMs"
  | "expiresMs";
type Attribute =
  | Exclude<keyof RequestRecord, Renamed>
  | ("id" | "groupedAs" | "place" | "dueAt" | "sweepAt" | "expiresAt" | "writeId");

/**
 * The attributes bear the record's names except for the sort key, the position in the lane and what the
 * indexes hold. A member without an attribute would be lost at the next write.
 */
const item = z.object({
  lane: z.string(),
  id: z.string(),
  clientId: z.string(),
  provider: providerId,
  connectionId: z.string(),
  accountId: z.string(),
  action: z.string(),
  category: z.optional(z.enum(categories)),
  groupedAs: text,
  isHigh: z.optional(z.literal(true)),
  status: requestStatus,
  createdMs: z.number(),
  scheduledMs: number,
  joinedMs: number,
  submittedMs: number,
  finishedMs: number,
  recurringId: text,
  dependsOn: z.optional(
    z.object({
      requestId: z.string(),
      on: z.enum(["succeeded", "event"]),
      event: z.optional(z.enum(correlatedTypes)),
      untilMs: z.number(),
      afterMs: z.number(),
      unless: z.optional(z.literal("message.reply")),
      eventSinceMs: z.number(),
      unlessSinceMs: z.number(),
      ancestors: z.array(z.string()),
      keys: z.array(z.string()),
      metMs: number,
    }),
  ),
  dependents: z.optional(z.array(z.string())),
  correlationKeys: z.optional(z.array(z.string())),
  place: number,
  laneState: z.optional(z.enum(["waiting", "holding"])),
  takenMs: number,
  notAfterMs: number,
  blockedAtJoinMs: number,
  holdUntilMs: number,
  params: z.optional(storedText),
  sealedParams: text,
  sealedInput: text,
  isLogin: z.optional(z.literal(true)),
  attempts: z.number(),
  owner: text,
  sendingUntilRealMs: number,
  providerRequestId: text,
  result: z.optional(storedText),
  numbersAsText: z.optional(z.literal(true)),
  error: z.optional(z.object({ code: z.string(), message: z.string() })),
  lateResult: z.optional(storedText),
  earlierLateResults: z.optional(z.array(storedText)),
  lateResultDigests: z.optional(z.array(z.string())),
  unclearReports: z.optional(
    z.array(
      z.object({
        atMs: z.number(),
        source: z.enum(["webhook", "answer"]),
        kind: z.enum(["unrecognised", "contradictory"]),
        status: z.optional(z.string()),
        eventType: z.optional(z.string()),
        body: z.string(),
        digest: z.string(),
      }),
    ),
  ),
  wasForbidden: z.optional(z.literal(true)),
  outcomeDigest: text,
  pendingReason: text,
  deadlineMs: number,
  endTries: number,
  actionDeadlineMs: number,
  dueAt: number,
  sweepAt: number,
  polls: z.number(),
  isStarted: z.boolean(),
  lastEventMs: number,
  firstAfterStartMs: number,
  prompts: z.array(z.string()),
  nextSubmissionNotBeforeMs: number,
  outbox: z.array(
    z.object({
      id: z.string(),
      type: eventType,
      version: z.number(),
      sinceRealMs: z.number(),
      claimedInVersion: number,
      envelope: storedText,
      raw: z.optional(storedText),
    }),
  ),
  expiresAt: number,
  version: z.number(),
  writeId: text,
} satisfies Record<Attribute, z.ZodMiniType>);

/**
 * Prefixes of `laneKey`: a request that holds the lane sorts before the waiting requests; those
 * that are not due yet sort behind both, and those that were taken and do not hold it any more
 * behind all.
 */
export const HOLDING = "held#";
export const WAITING = "wait#";
export const SCHEDULED = "when#";
const WORKED = "worked#";

/**
 * `writeId` is that of the write that stored it.
 *
 * @throws DEPENDENCY_DOWN for an item that this version cannot read, such as one of a newer version
 */
export function readRequestItem(found: unknown): { request: RequestRecord; writeId?: string } {
  const { data, error: cause } = item.safeParse(found);
  if (!data) {
    throw new Failure("DEPENDENCY_DOWN", "a stored request cannot be read by this version", {
      cause,
    });
  }
  const { id, groupedAs, place, dueAt, sweepAt, expiresAt, writeId, ...rest } = data;
  const request: RequestRecord = {
    ...rest,
    requestId: id,
    group: groupedAs?.slice(groupKey(rest.clientId, "").length),
    lanePosition: place,
    sweepDueMs: dueAt,
    recoverAfterRealMs: sweepAt,
    expiresMs: expiresAt === undefined ? undefined : expiresAt * 1000,
  };
  return writeId === undefined ? { request } : { request, writeId };
}

/** Reads several items each by itself: one that cannot be read is left out. */
export function readableRequests(items: readonly unknown[]): RequestRecord[] {
  return items.flatMap((found) => {
    try {
      return [readRequestItem(found).request];
    } catch (error) {
      if (error instanceof Failure) return [];
      throw error;
    }
  });
}

/** @param writeId identifies the writer's own write */
export function requestItem(request: RequestRecord, writeId: string): Record<string, unknown> {
  const { requestId, group, lanePosition, sweepDueMs, recoverAfterRealMs, expiresMs, ...rest } =
    request;
  const shard = requestShardOf(requestId);
  return present({
    ...rest,
    ...packedTexts(request),
    outbox: request.outbox.map((event) =>
      present({
        ...event,
        envelope: packStoredText(event.envelope),
        ...(event.raw ? { raw: packStoredText(event.raw) } : {}),
      }),
    ),
    ...(request.dependsOn ? { dependsOn: present(request.dependsOn) } : {}),
    id: requestId,
    writeId,
    listedAs: `${new Date(request.createdMs).toISOString()}#${requestId}`,
    groupedAs: group === undefined ? undefined : groupKey(request.clientId, group),
    place: lanePosition,
    laneKey: laneKey(request),
    ...(sweepDueMs === undefined
      ? {}
      : { dueShard: duePartition(dueWorkOf(request), shard), dueAt: sweepDueMs }),
    ...(recoverAfterRealMs === undefined
      ? {}
      : { sweepShard: stalePartition(staleWorkOf(request), shard), sweepAt: recoverAfterRealMs }),
    expiresAt: expiresMs === undefined ? undefined : Math.ceil(expiresMs / 1000),
  });
}

/** The texts of a request that it keeps from one write to the next. */
function packedTexts({ params, result, lateResult, earlierLateResults }: RequestRecord): object {
  return {
    ...(params ? { params: packStoredText(params) } : {}),
    ...(result ? { result: packStoredText(result) } : {}),
    ...(lateResult ? { lateResult: packStoredText(lateResult) } : {}),
    ...(earlierLateResults ? { earlierLateResults: earlierLateResults.map(packStoredText) } : {}),
  };
}

/** The partition of a group in the index `byGroup`. */
export function groupKey(clientId: string, group: string): string {
  return `${clientId}#${group}`;
}

function laneKey(request: RequestRecord): string | undefined {
  const { status, laneState, lanePosition = 0, takenMs } = request;
  // A request without a time must not stand in front of those that have one.
  if (waitsForDependency(request)) return undefined;
  if (status === "SCHEDULED") return scheduledKey(request);
  if (laneState === "waiting")
    return `${waitingPrefix(subQueueOf(request))}${padded(lanePosition)}`;
  if (laneState === "holding") return `${HOLDING}${padded(lanePosition)}`;
  return takenMs === undefined ? undefined : workedKey(takenMs);
}

const padded = (position: number) => String(position).padStart(16, "0");

/** Business time has fractions of a millisecond. */
const paddedTime = (ms: number) => ms.toFixed(3).padStart(20, "0");

/** The keys of the waiting requests of one sub-queue. A position without one is that of an earlier version. */
export const waitingPrefix = (subQueue: SubQueue) => `${WAITING}${subQueueName(subQueue)}#`;

/** Between these are the keys of waiting requests that were stored before there were sub-queues. */
export const WITHOUT_SUB_QUEUE = { from: `${WAITING}0`, to: `${WAITING}:` };

/** Sorts the requests that a lane has worked by the time at which they were taken. */
export const workedKey = (takenMs: number) => `${WORKED}${paddedTime(takenMs)}`;

/** Reads the key of a waiting request; `undefined` for any other. */
export function readWaitingKey(key: string): (SubQueue & { position: number }) | undefined {
  if (!key.startsWith(WAITING)) return undefined;
  const parts = key.slice(WAITING.length).split("#");
  const position = Number(parts.at(-1));
  const subQueue = readSubQueueName(parts.slice(0, -1).join("#")) ?? {
    category: "other",
    isHigh: false,
  };
  return { ...subQueue, position };
}

/** Sorts the scheduled requests of a lane by the order in which they join. */
export function scheduledKey({ scheduledMs = 0, createdMs, requestId }: RequestRecord): string {
  return `${SCHEDULED}${[scheduledMs, createdMs].map(paddedTime).join("#")}#${requestId}`;
}

/** Removes `undefined`, which DynamoDB cannot store. */
function present(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
