import { Failure } from "../../../contracts/failures.ts";
import { limits } from "../../../contracts/limits.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import { type MasterKeys, seal } from "../../crypto/master-keys.ts";
import { requestEvent } from "../../events/envelope.ts";
import { InvalidRequest } from "../../input/invalid-request.ts";
import { canonicalJson } from "../../json/json.ts";
import type { ProviderClient } from "../../providers/provider-client.ts";
import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type {
  ClientRates,
  IdempotencyStore,
  LaneStore,
  RequestStore,
  Schedules,
  SubmitQueue,
} from "../state/ports.ts";
import type { LaneOwner, RequestRecord } from "../state/record.ts";
import { withDerivedFields, withOutboxEvents } from "../state/request-state.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { type BodyDigest, keyedDigest, plainDigest } from "./body-digest.ts";
import { laneId, newRequestId } from "./request-id.ts";
import { readScheduled } from "./schedule-time.ts";

export interface NewRequest {
  clientId: string;
  provider: ProviderId;
  accountId: string;
  action: string;
  params: unknown;
  scheduled?: string | undefined;
  connectionId?: string | undefined;
  idempotencyKey?: string | undefined;
}

/** What the accounts side knows of where a request goes. */
export interface Destinations {
  /**
   * The connection meant: the one named, the client's only one of that provider,
   * or the only one that knows the account.
   *
   * @throws REQUEST_INVALID that says which field to mend
   */
  connectionIdOf(
    of: Pick<NewRequest, "clientId" | "provider" | "connectionId"> & { accountId?: string },
  ): Promise<string>;
  /** @throws REQUEST_INVALID where the provider needs an account to be known, and it is not */
  requireAccount(owner: LaneOwner): Promise<void>;
  /** Makes an account known that came into being by its first request. Never throws. */
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
  destinations: Destinations;
  providers: Readonly<Record<ProviderId, ProviderClient>>;
  masterKeys: () => Promise<MasterKeys>;
  randomHex: (bytes: number) => string;
  context: () => DecisionContext;
  /** Told of what was given up without harm to the caller: the sweep makes up for it. */
  onIgnoredError: (error: unknown) => void;
}

/**
 * Accepts a request (G1): once its record is stored it has its `requestId` and
 * is always picked up, by its message, its schedule or the sweep. The same key
 * and body go on from where an earlier call stopped.
 *
 * @throws REQUEST_INVALID, CONFLICT, TOO_MANY_REQUESTS, DEPENDENCY_DOWN
 */
export function makeAcceptRequest(deps: AcceptRequestDeps) {
  return async (of: NewRequest): Promise<RequestRecord> => {
    const { clientId, provider, accountId } = of;
    if (!(await deps.rates.take(clientId))) {
      const { clientRequestsPerSecond } = deps.context().rules;
      throw new Failure("TOO_MANY_REQUESTS", `more than ${clientRequestsPerSecond} a second`);
    }
    const connectionId = await deps.destinations.connectionIdOf(of);
    const owner = { clientId, provider, connectionId, accountId };
    await deps.destinations.requireAccount(owner);
    const lane = laneId(owner);
    const params = paramsText(of.params);
    const context = deps.context();
    const digest = await digestOf(deps, of, connectionId);
    const scheduledMs = await scheduledOf(deps, of, { digest, context });
    if (typeof scheduledMs === "object") return scheduledMs;
    const { requestId, known } = await reserve(deps, of, { lane, digest });
    if (known) return known;

    const fresh: RequestRecord = {
      ...owner,
      lane,
      requestId,
      action: of.action,
      status: scheduledMs === undefined ? "QUEUED" : "SCHEDULED",
      createdMs: context.nowMs,
      scheduledMs,
      ...(await storedParams(deps, of, { requestId, params })),
      ...(deps.providers[provider].isLogin(of.action) ? { isLogin: true } : {}),
      attempts: 0,
      polls: 0,
      isStarted: false,
      prompts: [],
      outbox: [],
      version: 0,
    };
    return scheduledMs === undefined
      ? enqueue(deps, fresh, context)
      : schedule(deps, fresh, scheduledMs, context);
  };
}

function paramsText(params: unknown): string {
  const text = JSON.stringify(params);
  const bytes = Buffer.byteLength(text);
  if (bytes <= limits.maxParamsBytes) return text;
  const message = `${bytes} bytes; at most ${limits.maxParamsBytes}`;
  throw new InvalidRequest([{ field: "params", message }]);
}

/** What a key stands for: another body is another request. Without a key nothing is kept of it. */
async function digestOf(
  { providers, masterKeys }: AcceptRequestDeps,
  { provider, accountId, action, scheduled, params, idempotencyKey }: NewRequest,
  connectionId: string,
): Promise<BodyDigest | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const said = [provider, connectionId, accountId, action, scheduled ?? null, params];
  const body = canonicalJson(said);
  const isSecret = providers[provider].isSecret(action);
  return isSecret ? keyedDigest(await masterKeys(), body) : plainDigest(body);
}

/**
 * When it is scheduled for. A call that is repeated may come when its time is
 * near: it gets the request that the first one made. A key is not kept for what
 * is refused, so that the mended call may use it.
 */
async function scheduledOf(
  { requests, idempotency }: AcceptRequestDeps,
  { scheduled, clientId, idempotencyKey }: NewRequest,
  { digest, context }: { digest: BodyDigest | undefined; context: DecisionContext },
): Promise<number | undefined | RequestRecord> {
  const { nowMs, rules } = context;
  if (scheduled === undefined) return undefined;
  try {
    const bounds = { nowMs, leadMs: rules.scheduleLeadMs, maxMs: rules.scheduleMaxMs };
    return readScheduled(scheduled, bounds);
  } catch (error) {
    const key = idempotencyKey && (await idempotency.find(clientId, idempotencyKey));
    const isRepeated = key && digest?.isOf(key.bodySha256);
    const known = isRepeated ? await requests.find(key.requestId) : undefined;
    if (known) return known;
    throw error;
  }
}

/** The request's id, and the request itself where an earlier call with this key has made it. */
async function reserve(
  { requests, idempotency, randomHex, context }: AcceptRequestDeps,
  { idempotencyKey: key, clientId }: NewRequest,
  { lane, digest }: { lane: string; digest: BodyDigest | undefined },
): Promise<{ requestId: string; known?: RequestRecord | undefined }> {
  const requestId = newRequestId(lane, randomHex(10));
  if (key === undefined || digest === undefined) return { requestId };
  const { nowMs, rules } = context();
  const bodySha256 = digest.text;
  const expiresMs = nowMs + rules.idempotencyMs;
  const kept = await idempotency.reserve({ clientId, key, bodySha256, requestId, expiresMs });
  if (!digest.isOf(kept.bodySha256)) {
    throw new Failure("CONFLICT", "this Idempotency-Key was used with another body");
  }
  if (kept.requestId === requestId) return { requestId };
  return { requestId: kept.requestId, known: await requests.find(kept.requestId) };
}

async function storedParams(
  { providers, masterKeys }: AcceptRequestDeps,
  { provider, action }: NewRequest,
  { requestId, params }: { requestId: string; params: string },
): Promise<Pick<RequestRecord, "params" | "sealedParams">> {
  if (!providers[provider].isSecret(action)) return { params: { inline: params } };
  if (Buffer.byteLength(params) > limits.maxSecretBytes) {
    const message = `of this action are kept sealed: at most ${limits.maxSecretBytes} bytes`;
    throw new InvalidRequest([{ field: "params", message }]);
  }
  return { sealedParams: seal(await masterKeys(), requestId, params) };
}

function created(request: RequestRecord, context: DecisionContext): RequestRecord {
  const event = requestEvent("workflow.created", request, {
    atMs: context.nowMs,
    status: "pending",
    eventType: "UNKNOWN",
  });
  return withOutboxEvents(withDerivedFields(request, context), context, event);
}

/** Joins its lane at once. */
async function enqueue(
  deps: AcceptRequestDeps,
  fresh: RequestRecord,
  context: DecisionContext,
): Promise<RequestRecord> {
  const { nowMs, rules } = context;
  const of = { nowMs, dueMs: deps.laneScheduler.dueFor(nowMs), limit: rules.accountWaitingLimit };
  let joined = await deps.lanes.join(fresh.lane, fresh, of);
  if (joined === "full") {
    // The count only ever errs upwards: it is counted anew before anyone is turned away.
    const waiting = await deps.requests.countWaiting(fresh.lane, rules.accountWaitingLimit);
    const isWrong = waiting < rules.accountWaitingLimit;
    if (isWrong && (await deps.lanes.correctWaiting(fresh.lane, waiting))) {
      joined = await deps.lanes.join(fresh.lane, fresh, of);
    }
  }
  if (joined === "full") {
    throw new Failure("TOO_MANY_REQUESTS", `${of.limit} requests of this account wait already`);
  }
  const queued = { ...fresh, place: joined.place, joinedMs: nowMs };
  const { request: stored, isCreated } = await deps.writer.create(created(queued, context));
  // Another call with the same key was faster: it, or the sweep, sees to the rest.
  if (!isCreated) return stored;
  const { requestId } = fresh;
  const tick = joined.wasUnscheduled || fresh.isLogin === true;
  await Promise.all([
    deps.queue.send({ v: 1, kind: "accepted", requestId, tick }).catch(deps.onIgnoredError),
    deps.destinations.registerAccountIfNew(fresh),
  ]);
  return stored;
}

/** Waits for its time outside the lane. */
async function schedule(
  deps: AcceptRequestDeps,
  fresh: RequestRecord,
  scheduledMs: number,
  context: DecisionContext,
): Promise<RequestRecord> {
  const { request: stored, isCreated } = await deps.writer.create(created(fresh, context));
  if (!isCreated) return stored;
  const { requestId } = fresh;
  await Promise.all([
    deps.schedules.create(requestId, scheduledMs).catch(deps.onIgnoredError),
    deps.queue.send({ v: 1, kind: "accepted", requestId, tick: false }).catch(deps.onIgnoredError),
    deps.destinations.registerAccountIfNew(fresh),
  ]);
  return stored;
}
