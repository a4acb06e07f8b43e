import { Failure } from "../../../contracts/failures.ts";
import { requestEvent } from "../../events/envelope.ts";
import { type StoreDependentDeps, storeDependent } from "../dependencies/store-dependent.ts";
import { joinedFields, mustWakeLane } from "../lanes/joined.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { IdempotencyStore, KeyReservation } from "../state/idempotency-store.ts";
import type { JoinedLane, LaneStore } from "../state/lane-ports.ts";
import type { RequestStore, Schedules } from "../state/ports.ts";
import type { LaneAccount, RequestRecord } from "../state/record.ts";
import { withDerivedFields, withOutboxEvents } from "../state/request-state.ts";
import { subQueueOf } from "../state/sub-queue.ts";
import { minRetryAfterMs } from "./room-in-lane.ts";

/** How an accepted request gets its place and is stored. */

export interface StoreRequestDeps extends StoreDependentDeps {
  requests: RequestStore;
  lanes: LaneStore;
  laneScheduler: LaneScheduler;
  idempotency: IdempotencyStore;
  schedules: Schedules;
  accountDirectory: {
    /** Registers an account that is created by its first request. Never throws. */
    registerAccountIfNew(account: LaneAccount): Promise<void>;
  };
}

/** A request that is validated, and neither in the lane nor stored yet. */
export interface PreparedRequest {
  request: RequestRecord;
  /** The call's reservation of its idempotency key, if it has one. */
  reservation?: KeyReservation | undefined;
  context: DecisionContext;
}

/** Releases the key so that a corrected call can reuse it. Never throws. */
export async function releaseIdempotencyKey(
  { idempotency, onNonFatalError }: StoreRequestDeps,
  { reservation }: PreparedRequest,
): Promise<void> {
  if (reservation) await idempotency.releaseReservation(reservation).catch(onNonFatalError);
}

/** The refusal of a request whose account has as many waiting requests as it may have. */
export async function laneFullFailure(
  { lanes, onNonFatalError }: StoreRequestDeps,
  lane: string,
  { nowMs, rules }: DecisionContext,
): Promise<Failure> {
  const found = await lanes.find(lane).catch((error: unknown) => {
    onNonFatalError(error);
    return undefined;
  });
  return new Failure(
    "TOO_MANY_REQUESTS",
    `${rules.accountWaitingLimit} requests of this account are waiting already`,
    { retryAfterMs: minRetryAfterMs(found, nowMs) },
  );
}

function withCreatedEvent(request: RequestRecord, context: DecisionContext): RequestRecord {
  const event = requestEvent("workflow.created", request, {
    atMs: context.nowMs,
    status: "pending",
    eventType: "UNKNOWN",
  });
  return withOutboxEvents(withDerivedFields(request, context), context, event);
}

/** Stores a request that has joined its lane as QUEUED and sends its message. */
export async function storeJoined(
  deps: StoreRequestDeps,
  request: RequestRecord,
  joined: JoinedLane,
  context: DecisionContext,
): Promise<RequestRecord> {
  const queued = { ...request, ...joinedFields(request, joined, context.nowMs) };
  const created = await deps.writer.create(withCreatedEvent(queued, context));
  // Another call with the same key was faster: it, or the sweep, does the rest.
  if (!created.isCreated) return created.request;
  const { requestId, clientId } = request;
  const soonMs = deps.laneScheduler.dueAfterWakeUp(context.nowMs);
  const wakesLane = mustWakeLane(request, joined, soonMs);
  await Promise.all([
    deps.submitQueue
      .send({ v: 1, kind: "accepted", requestId, wakesLane }, { clientId })
      .catch(deps.onNonFatalError),
    deps.accountDirectory.registerAccountIfNew(request),
  ]);
  return created.request;
}

/**
 * Takes places in their lane for the first of these requests, in their order.
 *
 * @param of requests of one lane, at least one
 * @returns the first place, and for how many of them there are places; `"full"` when as many
 *   requests as the account may have are waiting
 */
export async function joinLane(
  { lanes, requests, laneScheduler }: StoreRequestDeps,
  of: readonly [RequestRecord, ...RequestRecord[]],
  { nowMs, rules }: DecisionContext,
): Promise<(JoinedLane & { count: number }) | "full"> {
  const [first] = of;
  const { lane } = first;
  const limit = rules.accountWaitingLimit;
  const dueMs = laneScheduler.dueAfterWakeUp(nowMs);
  const join = async (count: number) => {
    const subQueues = of.slice(0, count).map(subQueueOf);
    const joined = await lanes.join(lane, first, { nowMs, dueMs, subQueues, limit, count });
    return joined === "full" ? undefined : { ...joined, count };
  };
  const joined = await join(of.length);
  if (joined) return joined;
  // The stored count is never too low but may be too high: count before the call is refused.
  const waiting = await requests.countWaiting(lane, limit);
  const room = Math.min(limit - waiting, of.length);
  if (room <= 0) return "full";
  const some = room < of.length ? await join(room) : undefined;
  if (some) return some;
  return ((await lanes.setWaitingCount(lane, waiting)) && (await join(room))) || "full";
}

/**
 * Stores the request as SCHEDULED, and creates its schedule or watches for what it depends on. It
 * joins its lane when its time has come.
 */
export async function storeOutsideLane(
  deps: StoreRequestDeps,
  request: RequestRecord,
  context: DecisionContext,
): Promise<RequestRecord> {
  const { dependsOn } = request;
  if (dependsOn) {
    return storeDependent(deps, { ...withCreatedEvent(request, context), dependsOn });
  }
  const created = await deps.writer.create(withCreatedEvent(request, context));
  if (!created.isCreated) return created.request;
  const { requestId, clientId, scheduledMs: atMs = context.nowMs } = request;
  await Promise.all([
    deps.schedules.create(requestId, atMs).catch(deps.onNonFatalError),
    deps.submitQueue
      .send({ v: 1, kind: "accepted", requestId, wakesLane: false }, { clientId })
      .catch(deps.onNonFatalError),
    deps.accountDirectory.registerAccountIfNew(request),
  ]);
  return created.request;
}
