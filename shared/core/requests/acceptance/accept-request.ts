import { Failure } from "../../../contracts/failures.ts";
import { limits } from "../../../contracts/limits.ts";
import type { Connection, ConnectionReader } from "../../connections/ports.ts";
import { type MasterKeys, seal } from "../../crypto/master-keys.ts";
import { InvalidRequest } from "../../input/invalid-request.ts";
import type { JsonObject } from "../../json/json.ts";
import { keysIn } from "../../providers/correlation.ts";
import { ownTrace, type TracingDeps } from "../../tracing/derived-ids.ts";
import { latestStartMs, readDependency } from "../dependencies/read-dependency.ts";
import type { ExplainWaits } from "../lanes/explain-waits.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { ClientRates, ProviderClients } from "../state/ports.ts";
import type { LaneAccount, RequestRecord } from "../state/record.ts";
import { findKey, type NewRequest, reserveRequestId } from "./idempotency.ts";
import { refuseIfTooLate } from "./not-after.ts";
import { placeDependents } from "./place-dependents.ts";
import { laneId } from "./request-id.ts";
import { readNotAfter, readScheduled } from "./schedule-time.ts";
import {
  joinLane,
  laneFullFailure,
  type PreparedRequest,
  releaseIdempotencyKey,
  type StoreRequestDeps,
  storeJoined,
  storeOutsideLane,
} from "./store-request.ts";

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
  requireAccount(account: LaneAccount): Promise<void>;
  /** Registers an account that is created by its first request. Never throws. */
  registerAccountIfNew(account: LaneAccount): Promise<void>;
}

export interface AcceptRequestDeps extends StoreRequestDeps, TracingDeps {
  connections: Pick<ConnectionReader, "read" | "readThrottled">;
  rates: ClientRates;
  accountDirectory: AccountDirectory;
  explainWaits: ExplainWaits;
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
    const prepared = await prepareRequest(deps, newRequest);
    if ("storedRequest" in prepared) return prepared.storedRequest;
    const { request, context } = prepared;
    if (request.status !== "QUEUED") {
      const refusal = (await placeDependents(deps, [prepared])).get(request.requestId);
      if (refusal) throw refusal;
      return storeOutsideLane(deps, request, context);
    }
    const joined = await joinLane(deps, [request], context);
    refuseIfExpired(newRequest, deps.context());
    if (joined !== "full") return storeJoined(deps, request, joined, context);
    await releaseIdempotencyKey(deps, prepared);
    throw await laneFullFailure(deps, request.lane, context);
  };
}

/** @throws OUT_OF_TIME */
function refuseIfExpired({ expiresRealMs }: NewRequest, { nowRealMs }: DecisionContext): void {
  if (expiresRealMs === undefined || nowRealMs < expiresRealMs) return;
  throw new Failure("OUT_OF_TIME", "it may no longer be wanted: it is decided again");
}

/**
 * Judges a request and reserves its key: everything before the lane.
 *
 * @param idDigits 20 hex digits of the request's id, of a call without a key; absent: random ones
 * @returns the request of an earlier call with the same key
 * @throws as `makeAcceptRequest`
 */
export async function prepareRequest(
  deps: AcceptRequestDeps,
  newRequest: NewRequest,
  idDigits?: string,
): Promise<PreparedRequest | { storedRequest: RequestRecord }> {
  const known = await findKey(deps, newRequest);
  if (known && "storedRequest" in known) return known;
  await enforceRateLimit(deps, newRequest.clientId);
  const account = await findAccount(deps, newRequest);
  await requireCredentials(deps, account);
  const lane = laneId(account);
  const params = paramsText(deps, newRequest);
  const context = deps.context();
  const scheduledMs = readSchedule(newRequest.scheduled, context);
  const notAfterMs = readNotAfter(newRequest.notAfter, scheduledMs ?? context.nowMs);
  const dependsOn =
    newRequest.dependsOn &&
    (await readDependency(deps.requests, newRequest.dependsOn, { ...account, lane }, context));
  const startsMs = scheduledMs ?? (dependsOn ? latestStartMs(dependsOn) : context.nowMs);
  const of = { lane, startsMs, idDigits };
  const reserved = await reserveRequestId(deps, known?.callKey, of);
  if ("storedRequest" in reserved) return reserved;
  const { requestId, reservation } = reserved;
  const request = newRecord(deps, newRequest, {
    ...account,
    lane,
    requestId,
    createdMs: context.nowMs,
    scheduledMs,
    notAfterMs,
    ...(dependsOn ? { dependsOn } : {}),
    ...(await storedParams(deps, newRequest, { requestId, params })),
  });
  if (!dependsOn) await refuseIfTooLate(deps, request, reservation);
  return { request, reservation, context };
}

/** @param count requests that the call makes @throws TOO_MANY_REQUESTS, DEPENDENCY_DOWN */
export async function enforceRateLimit(
  deps: Pick<AcceptRequestDeps, "rates" | "context">,
  clientId: string,
  count = 1,
): Promise<void> {
  if (await deps.rates.tryConsume(clientId, count)) return;
  const { clientRequestsPerSecond } = deps.context().rules;
  throw new Failure(
    "TOO_MANY_REQUESTS",
    `more than ${clientRequestsPerSecond} requests in one second`,
  );
}

/** @throws REQUEST_INVALID, DEPENDENCY_DOWN */
export async function findAccount(
  { accountDirectory }: Pick<AcceptRequestDeps, "accountDirectory">,
  newRequest: NewRequest,
): Promise<LaneAccount> {
  const { clientId, provider, accountId } = newRequest;
  const connectionId = await accountDirectory.connectionIdOf(newRequest);
  const account = { clientId, provider, connectionId, accountId };
  await accountDirectory.requireAccount(account);
  return account;
}

function newRecord(
  { providerClients, isTracing }: AcceptRequestDeps,
  { action, provider, group, priority, params, recurringId, traceparent }: NewRequest,
  of: LaneAccount &
    Pick<
      RequestRecord,
      | ("lane" | "requestId" | "createdMs" | "params" | "sealedParams")
      | ("scheduledMs" | "notAfterMs" | "dependsOn")
    >,
): RequestRecord {
  const correlationKeys = keysIn(params, providerClients[provider].correlatedMembers);
  return {
    ...of,
    action,
    category: providerClients[provider].categoryOf(action, params as JsonObject | JsonObject[]),
    ...(group === undefined ? {} : { group }),
    ...(recurringId === undefined ? {} : { recurringId }),
    ...ownTrace(of.requestId, traceparent, { isTracing }),
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

/** @throws CONFLICT when its connection has no credentials, so that the provider would refuse it */
async function requireCredentials(
  { connections }: Pick<AcceptRequestDeps, "connections">,
  { connectionId }: LaneAccount,
): Promise<void> {
  const isMissing = (connection: Connection | undefined) =>
    connection !== undefined && connection.secrets.credentials === undefined;
  if (!isMissing(await connections.read(connectionId))) return;
  // They may have been set since the connection was cached.
  if (!isMissing(await connections.readThrottled(connectionId))) return;
  throw new Failure(
    "CONFLICT",
    `the connection ${connectionId} has no credentials, so that nothing can be submitted: set them with PATCH /v1/connections/${connectionId}`,
    { remedy: "setCredentials" },
  );
}
