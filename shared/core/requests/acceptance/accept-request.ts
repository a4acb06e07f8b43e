import { Failure } from "../../../contracts/failures.ts";
import { limits } from "../../../contracts/limits.ts";
import { type MasterKeys, seal } from "../../crypto/master-keys.ts";
import { requestEvent } from "../../events/envelope.ts";
import { InvalidRequest } from "../../input/invalid-request.ts";
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
  SubmitQueue,
} from "../state/ports.ts";
import type { LaneOwner, RequestRecord } from "../state/record.ts";
import { withDerivedFields, withOutboxEvents } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { digestOf, findEarlierRequest, type NewRequest, reserveRequestId } from "./idempotency.ts";
import { laneId } from "./request-id.ts";
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

export interface AcceptRequestDeps {
  requests: RequestStore;
  writer: RequestWriter;
  lanes: LaneStore;
  laneScheduler: LaneScheduler;
  idempotency: IdempotencyStore;
  queue: SubmitQueue;
  schedules: Schedules;
  rates: ClientRates;
  accountDirectory: AccountDirectory;
  providerClients: ProviderClients;
  masterKeys: () => Promise<MasterKeys>;
  randomHex: (bytes: number) => string;
  context: () => DecisionContext;
  /** Logs an error that does no harm, because the sweep completes the work. */
  onIgnoredError: (error: unknown) => void;
}

/**
 * Accepts a request (G1), in this order: the rate limit, the connection and the
 * account, the size of the params, the digest of the body, the scheduled time,
 * the idempotency key, the sealing of secret params, and then either the lane or
 * the schedule. The sweep repeats what fails after the record is written.
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
    await enforceRateLimit(deps, newRequest.clientId);
    const owner = await findOwner(deps, newRequest);
    const lane = laneId(owner);
    const params = paramsText(newRequest.params);
    const context = deps.context();
    const digest = await digestOf(deps, newRequest, owner.connectionId);
    const schedule = parseSchedule(newRequest.scheduled, context);
    if (schedule instanceof InvalidRequest) {
      const earlierRequest = await findEarlierRequest(deps, newRequest, digest);
      if (earlierRequest) return earlierRequest;
      throw schedule;
    }
    const reserved = await reserveRequestId(deps, newRequest, { lane, digest });
    if (reserved.storedRequest) return reserved.storedRequest;

    const { requestId } = reserved;
    const request = newRecord(deps, newRequest, {
      ...owner,
      lane,
      requestId,
      createdMs: context.nowMs,
      scheduledMs: schedule?.atMs,
      ...(await storedParams(deps, newRequest, { requestId, params })),
    });
    return schedule
      ? storeScheduled(deps, request, schedule.atMs, context)
      : joinLaneAndStore(deps, request, context);
  };
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
  { action, provider }: NewRequest,
  of: LaneOwner &
    Pick<
      RequestRecord,
      "lane" | "requestId" | "createdMs" | "scheduledMs" | "params" | "sealedParams"
    >,
): RequestRecord {
  return {
    ...of,
    action,
    status: of.scheduledMs === undefined ? "QUEUED" : "SCHEDULED",
    ...(providerClients[provider].isLogin(action) ? { isLogin: true } : {}),
    attempts: 0,
    polls: 0,
    isStarted: false,
    prompts: [],
    outbox: [],
    version: 0,
  };
}

function paramsText(params: unknown): string {
  const text = JSON.stringify(params);
  const bytes = Buffer.byteLength(text);
  if (bytes <= limits.maxParamsBytes) return text;
  const message = `${bytes} bytes; at most ${limits.maxParamsBytes}`;
  throw new InvalidRequest([{ field: "params", message }]);
}

/**
 * Returns the time of a scheduled request, `undefined` for a request that is not
 * scheduled, or the error of a time that is not allowed. The error is a value because
 * a repeated call returns the earlier request instead.
 */
function parseSchedule(
  scheduled: string | undefined,
  { nowMs, rules }: DecisionContext,
): { atMs: number } | InvalidRequest | undefined {
  if (scheduled === undefined) return undefined;
  try {
    const bounds = { nowMs, leadMs: rules.scheduleLeadMs, maxMs: rules.scheduleMaxMs };
    return { atMs: readScheduled(scheduled, bounds) };
  } catch (error) {
    if (error instanceof InvalidRequest) return error;
    throw error;
  }
}

async function storedParams(
  { providerClients, masterKeys, randomHex }: AcceptRequestDeps,
  { provider, action }: NewRequest,
  { requestId, params }: { requestId: string; params: string },
): Promise<Pick<RequestRecord, "params" | "sealedParams">> {
  if (!providerClients[provider].isSecret(action)) return { params: { inline: params } };
  if (Buffer.byteLength(params) > limits.maxSecretBytes) {
    const message = `at most ${limits.maxSecretBytes} bytes for this action, whose params are stored sealed`;
    throw new InvalidRequest([{ field: "params", message }]);
  }
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

/** Joins the lane, stores the request as QUEUED and sends its message. @throws TOO_MANY_REQUESTS when the lane is full */
async function joinLaneAndStore(
  deps: AcceptRequestDeps,
  request: RequestRecord,
  context: DecisionContext,
): Promise<RequestRecord> {
  const joined = await joinLane(deps, request, context);
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

async function joinLane(
  { lanes, requests, laneScheduler }: AcceptRequestDeps,
  request: RequestRecord,
  { nowMs, rules }: DecisionContext,
): Promise<JoinedLane> {
  const { lane } = request;
  const limit = rules.accountWaitingLimit;
  const of = { nowMs, sweepDueMs: laneScheduler.sweepDueAfterWakeUp(nowMs), limit };
  const joined = await lanes.join(lane, request, of);
  if (joined !== "full") return joined;
  // The stored count is never too low but may be too high: count before the call is refused.
  const waiting = await requests.countWaiting(lane, limit);
  if (waiting < limit && (await lanes.setWaitingCount(lane, waiting))) {
    const retried = await lanes.join(lane, request, of);
    if (retried !== "full") return retried;
  }
  throw new Failure("TOO_MANY_REQUESTS", `${limit} requests of this account are waiting already`);
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
