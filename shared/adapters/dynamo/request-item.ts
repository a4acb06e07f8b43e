import * as z from "zod/mini";
import { eventType } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import { categories } from "../../contracts/pace.ts";
import { providerId } from "../../contracts/providers.ts";
import { requestStatus } from "../../contracts/statuses.ts";
import { correlatedTypes } from "../../core/providers/correlation.ts";
import { isTerminal, type RequestRecord } from "../../core/requests/state/record.ts";
import { dueWorkOf, staleWorkOf } from "../../core/requests/state/sweep-work.ts";
import { laneKey } from "./lane-key.ts";
import { packRecord, unpackRecord } from "./packed-record.ts";
import { storedText } from "./packed-text.ts";
import { duePartition, requestShardOf, stalePartition } from "./sweep-partition.ts";

const text = z.optional(z.string());
const number = z.optional(z.number());

type Renamed = "requestId" | "group" | "lanePosition" | "dueMs" | "sweepAtRealMs" | "expiresMs";
type Attribute =
  | Exclude<keyof RequestRecord, Renamed>
  | ("id" | "groupedAs" | "place" | "dueAt" | "sweepAt" | "expiresAt" | "writeId");

/**
 * What an item says of a request: the members of `packed`, and the attributes beside it. They bear
 * the record's names except for the sort key, the position in the lane and what the indexes hold. A
 * member that is missing here would be lost at the next write.
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
  traceparent: text,
  parentSpanId: text,
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
 * `writeId` is that of the write that stored it.
 *
 * @throws DEPENDENCY_DOWN for an item that this version cannot read, such as one of a newer version
 */
export function readRequestItem(found: unknown): { request: RequestRecord; writeId?: string } {
  const { data, error: cause } = item.safeParse(unpacked(found));
  if (!data) throw unreadable(cause);
  const { id, groupedAs, place, dueAt, sweepAt, expiresAt, writeId, ...rest } = data;
  const request: RequestRecord = {
    ...rest,
    requestId: id,
    group: groupedAs?.slice(groupKey(rest.clientId, "").length),
    lanePosition: place,
    dueMs: dueAt,
    sweepAtRealMs: sweepAt,
    expiresMs: expiresAt === undefined ? undefined : expiresAt * 1000,
  };
  return writeId === undefined ? { request } : { request, writeId };
}

const unreadable = (cause: unknown) =>
  new Failure("DEPENDENCY_DOWN", "a stored request cannot be read by this version", { cause });

/**
 * The attribute `status` of a request that has not ended and is in no group. Its status is packed: in
 * the attribute, each change would be a write of the index `byClient` too.
 */
export const OPEN = "OPEN";

const packedItem = z.object({
  id: z.string(),
  accountId: z.string(),
  status: z.string(),
  packed: z.instanceof(Uint8Array),
});

/** The item with the members of its packed part. Earlier versions stored each as an attribute. */
function unpacked(found: unknown): unknown {
  const { data: of } = packedItem.safeParse(found);
  if (!of) return found;
  try {
    const packed = unpackRecord(of, of.packed) as { status?: unknown };
    const status = of.status === OPEN ? packed.status : of.status;
    return Object.assign(packed, found, { status });
  } catch (cause) {
    throw unreadable(cause);
  }
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

/**
 * The item of a request. Only what keys, indexes, conditions and filters use has an attribute of its
 * own; the rest of the record is packed into one.
 *
 * @param writeId identifies the writer's own write
 */
export function requestItem(request: RequestRecord, writeId: string): Record<string, unknown> {
  const {
    lane,
    requestId,
    clientId,
    accountId,
    group,
    status,
    isLogin,
    version,
    lanePosition,
    dueMs,
    sweepAtRealMs,
    expiresMs,
    ...packed
  } = request;
  const shard = requestShardOf(requestId);
  const { submittedMs, finishedMs } = request;
  const isOpen = group === undefined && !isTerminal(request);
  return present({
    lane,
    id: requestId,
    clientId,
    accountId,
    status: isOpen ? OPEN : status,
    isLogin,
    version,
    writeId,
    listedAs: `${new Date(request.createdMs).toISOString()}#${requestId}`,
    ...(group === undefined
      ? {}
      : { groupedAs: groupKey(clientId, group), submittedMs, finishedMs }),
    laneKey: laneKey(request),
    ...(dueMs === undefined
      ? {}
      : { dueShard: duePartition(dueWorkOf(request), shard), dueAt: dueMs }),
    ...(sweepAtRealMs === undefined
      ? {}
      : { sweepShard: stalePartition(staleWorkOf(request), shard), sweepAt: sweepAtRealMs }),
    expiresAt: expiresMs === undefined ? undefined : Math.ceil(expiresMs / 1000),
    packed: packRecord(
      { id: requestId, accountId },
      {
        ...packed,
        ...(isOpen ? { status } : {}),
        place: lanePosition,
      },
    ),
  });
}

/** The partition of a group in the index `byGroup`. */
export function groupKey(clientId: string, group: string): string {
  return `${clientId}#${group}`;
}

/** Removes `undefined`, which DynamoDB cannot store. */
function present(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}
