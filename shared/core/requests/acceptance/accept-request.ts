import { Failure } from "../../../contracts/failures.ts";
import { limits } from "../../../contracts/limits.ts";
import { type MasterKeys, seal } from "../../crypto/master-keys.ts";
import { requestEvent } from "../../events/envelope.ts";
import { InvalidRequest } from "../../input/invalid-request.ts";
import { keysIn } from "../../providers/correlation.ts";
import { latestStartMs, readDependency } from "../dependencies/read-dependency.ts";
import { type StoreDependentDeps, storeDependent } from "../dependencies/store-dependent.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type {
  ClientRates,
  IdempotencyStore,
  JoinedLane,
  LaneStore,
  ProviderClients,
  RequestStore,
  Schedules,
} from "../state/ports.ts";
import type { LaneOwner, RequestRecord } from "../state/record.ts";
import { withDerivedFields, withOutboxEvents } from "../state/request-state.ts";
import { findKey, type NewRequest, reserveRequestId } from "./idempotency.ts";
import { laneId } from "./request-id.ts";
import { roomInMs } from "./room-in-lane.ts";
import { readScheduled } from "./schedule-time.ts";

/** Finds and checks the connection and the account that a request goes to. */
export interface AccountDirectory {
  /**
   * Returns the named connection, or the client's only one of the provider, or
   * the only one that has the account.
   *
   * @throws REQUEST_INVALID that names the field to correct
   */
  connectionIdOf(
    of: Pick<NewRequest, "clientId" | "provider" | "connectionId"> & { accountId?: string },
  ): Promise<string>;
  /** @throws REQUEST_INVALID when the provider requires a registered account and this one is not registered */
  requireAccount(owner: LaneOwner): Promise<void>;
  /** Registers an account that is created by its first request. Never throws. */
  registerAccountIfNew(owner: LaneOwner): Promise<void>;
}

export interface AcceptRequestDeps extends StoreDependentDeps {
  requests: RequestStore;
  lanes: LaneStore;
  laneScheduler: LaneScheduler;
  idempotency: IdempotencyStore;
  schedules: Schedules;
  rates: ClientRates;
  accountDirectory: AccountDirectory;
  providerClients: ProviderClients;
  masterKeys: () => Promise<MasterKeys>;
  randomHex: (bytes: number) => string;
}

/**
 * Accepts a request (G1), in this order: the idempotency key, the rate limit, the connection
 * and the account, the size of the params, the scheduled time or the predecessor, the reservation
 * of the key, the sealing of secret params, and then the lane, the schedule or the predecessor. The sweep repeats what
 * fails after the record is written.
 *
 * When it returns, the record is stored, and the
 * request is always processed: by its message, its schedule or the sweep. A call
 * with the same key and body continues where an earlier one stopped, and returns
 * the same request.
 *
 * @throws REQUEST_INVALID, CONFLICT, TOO_MANY_REQUESTS, DEPENDENCY_DOWN
 */
export function makeAcceptRequest(deps: AcceptRequestDeps) {
  return async (newRequest: NewRequest): Promise<RequestRecord> => {
    const known = await findKey(deps, newRequest);
    if (known && "storedRequest" in known) return known.storedRequest;
    await enforceRateLimit(deps, newRequest.clientId);
    const owner = await findOwner(deps, newRequest);
    const lane = laneId(owner);
    const params = paramsText(deps, newRequest);
    const context = deps.context();
    const scheduledMs = readSchedule(newRequest.scheduled, context);
    const dependsOn =
      newRequest.dependsOn &&
      (await readDependency(deps.requests, newRequest.dependsOn, { ...owner, lane }, context));
    const startsMs = scheduledMs ?? (dependsOn ? latestStartMs(dependsOn) : context.nowMs);
    const reserved = await reserveRequestId(deps, known?.callKey, { lane, startsMs });
    if ("storedRequest" in reserved) return reserved.storedRequest;

    const { requestId, hold } = reserved;
    const request = newRecord(deps, newRequest, {
      ...owner,
      lane,
      requestId,
      createdMs: context.nowMs,
      scheduledMs,
      ...(dependsOn ? { dependsOn } : {}),
      ...(await storedParams(deps, newRequest, { requestId, params })),
    });
    if (dependsOn) {
      return storeDependent(deps, { ...withCreatedEvent(request, context), dependsOn });
    }
    if (scheduledMs !== undefined) return storeScheduled(deps, request, scheduledMs, context);
    const joined = await joinLane(deps, request, context);
    if (joined !== "full") return storeJoined(deps, request, joined, context);
    // The key is free for a mended call. Until the release is done, it waits for this one.
    if (hold) await deps.idempotency.release(hold).catch(deps.onIgnoredError);
    throw await fullLane(deps, lane, context);
  };
}

/** The refusal of a request whose account has as many waiting requests as it may have. */
async function fullLane(
  { lanes, onIgnoredError }: AcceptRequestDeps,
  lane: string,
  { nowMs, rules }: DecisionContext,
): Promise<Failure> {
  const found = await lanes.find(lane).catch((error: unknown) => {
    onIgnoredError(error);
    return undefined;
  });
  return new Failure(
    "TOO_MANY_REQUESTS",
    `${rules.accountWaitingLimit} requests of this account are waiting already`,
    { retryAfterMs: roomInMs(found, nowMs) },
  );
}

async function enforceRateLimit(deps: AcceptRequestDeps, clientId: string): Promise<void> {
  if (await deps.rates.tryConsume(clientId)) return;
  const { clientRequestsPerSecond } = deps.context().rules;
  throw new Failure(
    "TOO_MANY_REQUESTS",
    `more than ${clientRequestsPerSecond} requests in one second`,
  );
}

async function findOwner(
  { accountDirectory }: AcceptRequestDeps,
  newRequest: NewRequest,
): Promise<LaneOwner> {
  const { clientId, provider, accountId } = newRequest;
  const connectionId = await accountDirectory.connectionIdOf(newRequest);
  const owner = { clientId, provider, connectionId, accountId };
  await accountDirectory.requireAccount(owner);
  return owner;
}

function newRecord(
  { providerClients }: AcceptRequestDeps,
  { action, provider, group, priority, params, recurringId }: NewRequest,
  of: LaneOwner &
    Pick<
      RequestRecord,
      | ("lane" | "requestId" | "createdMs" | "params" | "sealedParams")
      | ("scheduledMs" | "dependsOn")
    >,
): RequestRecord {
  const correlationKeys = keysIn(params, providerClients[provider].correlatedMembers);
  return {
    ...of,
    action,
    ...(group === undefined ? {} : { group }),
    ...(recurringId === undefined ? {} : { recurringId }),
    ...(priority === "high" ? { isHigh: true } : {}),
    ...(correlationKeys.length > 0 ? { correlationKeys } : {}),
    status: (of.scheduledMs ?? of.dependsOn) === undefined ? "QUEUED" : "SCHEDULED",
    ...(providerClients[provider].isLogin(action) ? { isLogin: true } : {}),
    attempts: 0,
    polls: 0,
    isStarted: false,
    prompts: [],
    outbox: [],
    version: 0,
  };
}

function paramsText(
  { providerClients }: AcceptRequestDeps,
  { provider, action, params }: NewRequest,
): string {
  const text = JSON.stringify(params);
  const bytes = Buffer.byteLength(text);
  const isSecret = providerClients[provider].isSecret(action);
  const maxBytes = isSecret ? limits.maxSecretBytes : limits.maxParamsBytes;
  if (bytes <= maxBytes) return text;
  const suffix = isSecret ? " for this action, whose params are stored sealed" : "";
  throw new InvalidRequest([
    { field: "params", message: `${bytes} bytes; at most ${maxBytes}${suffix}` },
  ]);
}

/** @throws REQUEST_INVALID for a time that is not allowed */
function readSchedule(
  scheduled: string | undefined,
  { nowMs, rules }: DecisionContext,
): number | undefined {
  if (scheduled === undefined) return undefined;
  return readScheduled(scheduled, {
    nowMs,
    leadMs: rules.scheduleLeadMs,
    maxMs: rules.scheduleMaxMs,
  });
}

async function storedParams(
  { providerClients, masterKeys, randomHex }: AcceptRequestDeps,
  { provider, action }: NewRequest,
  { requestId, params }: { requestId: string; params: string },
): Promise<Pick<RequestRecord, "params" | "sealedParams">> {
  if (!providerClients[provider].isSecret(action)) return { params: { inline: params } };
  return { sealedParams: seal({ masterKeys: await masterKeys(), randomHex }, requestId, params) };
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
async function storeJoined(
  deps: AcceptRequestDeps,
  request: RequestRecord,
  joined: JoinedLane,
  context: DecisionContext,
): Promise<RequestRecord> {
  const queued = { ...request, lanePosition: joined.position, joinedMs: context.nowMs };
  const created = await deps.writer.create(withCreatedEvent(queued, context));
  // Another call with the same key was faster: it, or the sweep, does the rest.
  if (!created.isCreated) return created.request;
  const { requestId, clientId } = request;
  const wakesLane = joined.hadNoSweep || request.isLogin === true;
  await Promise.all([
    deps.queue
      .send({ v: 1, kind: "accepted", requestId, wakesLane }, { clientId })
      .catch(deps.onIgnoredError),
    deps.accountDirectory.registerAccountIfNew(request),
  ]);
  return created.request;
}

/** @returns `"full"` when as many requests as the account may have are waiting */
async function joinLane(
  { lanes, requests, laneScheduler }: AcceptRequestDeps,
  request: RequestRecord,
  { nowMs, rules }: DecisionContext,
): Promise<JoinedLane | "full"> {
  const { lane } = request;
  const limit = rules.accountWaitingLimit;
  const of = { nowMs, sweepDueMs: laneScheduler.sweepDueAfterWakeUp(nowMs), limit };
  const joined = await lanes.join(lane, request, of);
  if (joined !== "full") return joined;
  // The stored count is never too low but may be too high: count before the call is refused.
  const waiting = await requests.countWaiting(lane, limit);
  if (waiting < limit && (await lanes.setWaitingCount(lane, waiting))) {
    return lanes.join(lane, request, of);
  }
  return "full";
}

/** Stores the request as SCHEDULED and creates its schedule. It joins its lane when its time has come. */
async function storeScheduled(
  deps: AcceptRequestDeps,
  request: RequestRecord,
  atMs: number,
  context: DecisionContext,
): Promise<RequestRecord> {
  const created = await deps.writer.create(withCreatedEvent(request, context));
  if (!created.isCreated) return created.request;
  const { requestId, clientId } = request;
  await Promise.all([
    deps.schedules.create(requestId, atMs).catch(deps.onIgnoredError),
    deps.queue
      .send({ v: 1, kind: "accepted", requestId, wakesLane: false }, { clientId })
      .catch(deps.onIgnoredError),
    deps.accountDirectory.registerAccountIfNew(request),
  ]);
  return created.request;
}
