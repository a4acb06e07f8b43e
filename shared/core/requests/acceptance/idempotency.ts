import { Failure } from "../../../contracts/failures.ts";
import type { DependencyInput } from "../../../contracts/http/dependencies.ts";
import type { RequestPriority } from "../../../contracts/http/request-view.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";
import { canonicalJson } from "../../json/json.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { IdempotencyStore, KeyReservation, KnownKey } from "../state/idempotency-store.ts";
import type { ProviderClients, RequestStore } from "../state/ports.ts";
import { isTerminal, type RequestRecord } from "../state/record.ts";
import type { RequestRules } from "../state/request-rules.ts";
import { type BodyDigest, keyedDigest, plainDigest } from "./body-digest.ts";
import { laneOf, newRequestId } from "./request-id.ts";

/**
 * Same key and body, same request: the idempotency keys of accepted requests. A key is
 * remembered until 24 hours (a setting) after its request ended. A refused call keeps none.
 */

export interface NewRequest {
  clientId: string;
  provider: ProviderId;
  accountId: string;
  action: string;
  params: unknown;
  /** ISO time in UTC; absent for a request that is submitted in its turn. */
  scheduled?: string | undefined;
  /** ISO time in UTC by which it must be submitted. */
  notAfter?: string | undefined;
  /** Absent: the client's only connection that fits. */
  connectionId?: string | undefined;
  group?: string | undefined;
  /** Absent: normal. */
  priority?: RequestPriority | undefined;
  /** The recurring request that makes it. */
  recurringId?: string | undefined;
  /** Real time from which it is not stored any more: its call has been frozen since it was decided. */
  expiresRealMs?: number | undefined;
  /** Absent: it depends on no other request. */
  dependsOn?: DependencyInput | undefined;
  /** The trace of the call, where it names one; no part of what is compared under a key. */
  traceparent?: string | undefined;
  idempotencyKey?: string | undefined;
}

interface IdempotencyDeps {
  requests: RequestStore;
  idempotency: IdempotencyStore;
  providerClients: ProviderClients;
  masterKeys: () => Promise<MasterKeys>;
  randomHex: (bytes: number) => string;
  context: () => DecisionContext;
}

/** The key of a call, with the digest of its body and the entry that was found for it. */
export interface CallKey {
  clientId: string;
  key: string;
  digest: BodyDigest;
  entry: KnownKey | undefined;
}

/** Real time after which a call that stored no request, and released no key, counts as dead. */
const CALL_LOST_REAL_MS = 60_000;

/** Real time after which a call surely stores nothing any more, however long it was frozen. */
const CALL_GONE_REAL_MS = 86_400_000;

/** Attempts to reserve a key when other calls change its entry in between. */
const MAX_ATTEMPTS = 5;

/**
 * Looks up the key of a call, before anything else of the call is judged: a repeated call
 * returns the request of the earlier one, whatever has changed since.
 *
 * @returns the request of an earlier call with this key and body, or the key for
 *   `reserveRequestId`; `undefined` for a call without a key
 * @throws IDEMPOTENCY_CONFLICT when the key was used with another body; DEPENDENCY_DOWN
 */
export async function findKey(
  deps: IdempotencyDeps,
  newRequest: NewRequest,
): Promise<{ storedRequest: RequestRecord } | { callKey: CallKey } | undefined> {
  const { clientId, idempotencyKey: key } = newRequest;
  if (key === undefined) return undefined;
  const digest = await digestOf(deps, newRequest);
  const entry = await deps.idempotency.find(clientId, key);
  const known = entry && (await lookUp(deps, entry, digest));
  return isStored(known) ? { storedRequest: known } : { callKey: { clientId, key, digest, entry } };
}

/** Numbers count by their value, so that another encoder's text of the same body is the same body. */
async function digestOf(
  { providerClients, masterKeys }: IdempotencyDeps,
  request: NewRequest,
): Promise<BodyDigest> {
  const { provider, action } = request;
  const body = canonicalJson(digestedMembers(request), "byValue");
  const isSecret = providerClients[provider].isSecret(action);
  return isSecret ? keyedDigest(await masterKeys(), body) : plainDigest(body);
}

/** Fields added in later versions are hashed by name, only when set, so that stored digests stay valid. */
function digestedMembers(request: NewRequest): unknown[] {
  const { provider, connectionId, accountId, action, scheduled, params } = request;
  const { group, priority, notAfter, dependsOn } = request;
  const isHigh = priority === "high";
  const later = { group, dependsOn, priority: isHigh ? priority : undefined, notAfter };
  const named = Object.entries(later).filter(([, value]) => value !== undefined);
  return [
    ...[provider, connectionId ?? null, accountId, action, scheduled ?? null, params],
    ...(named.length === 0 ? [] : [Object.fromEntries(named)]),
  ];
}

/** What is known of an entry's request: `unstored` by its call, or `forgotten` since it ended. */
type KnownRequest = RequestRecord | "unstored" | "forgotten";

export function isStored(known: KnownRequest | undefined): known is RequestRecord {
  return typeof known === "object";
}

/** @throws IDEMPOTENCY_CONFLICT when the key belongs to another body; DEPENDENCY_DOWN */
export async function lookUp(
  { requests, context }: Pick<IdempotencyDeps, "requests" | "context">,
  entry: KnownKey,
  digest: BodyDigest,
): Promise<KnownRequest> {
  const request = await requests.find(entry.requestId);
  if (request && isKeyForgotten(request, context())) return "forgotten";
  if (!digest.matches(entry.bodySha256) && (request || isUnderWay(entry, context()))) {
    throw new Failure("IDEMPOTENCY_CONFLICT", "this Idempotency-Key was used with another body");
  }
  // No call lives so long: the request was deleted some time after its end, or never stored.
  if (!request && context().nowRealMs - entry.reservedRealMs > CALL_GONE_REAL_MS)
    return "forgotten";
  return request ?? "unstored";
}

/** Whether the key of this request is free for another one. */
function isKeyForgotten(request: RequestRecord, { nowMs, rules }: DecisionContext): boolean {
  const { finishedMs = nowMs } = request;
  return isTerminal(request) && finishedMs + rules.idempotencyMs <= nowMs;
}

/** Whether the call that stored this entry may still store its request. */
export function isUnderWay({ reservedRealMs }: KnownKey, { nowRealMs }: DecisionContext): boolean {
  return nowRealMs - reservedRealMs < CALL_LOST_REAL_MS;
}

/** A request id that this call may store a request under, and its reservation of the key, if it has one. */
export type Reserved =
  | { storedRequest: RequestRecord }
  | { requestId: string; reservation?: KeyReservation | undefined };

/**
 * Creates a request id and reserves it under the call's key, if there is one. Calls with the
 * same key and body use the same id, so that they store one request.
 *
 * @throws IDEMPOTENCY_CONFLICT when the key was used with another body meanwhile; DEPENDENCY_DOWN
 */
export async function reserveRequestId(
  deps: IdempotencyDeps,
  callKey: CallKey | undefined,
  { lane, startsMs, idDigits }: { lane: string; startsMs: number; idDigits?: string | undefined },
): Promise<Reserved> {
  const newId = newRequestId(lane, idDigits ?? deps.randomHex(10));
  if (callKey === undefined) return { requestId: newId };
  const { clientId, key, digest } = callKey;
  const callId = deps.randomHex(10);
  let { entry } = callKey;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const known = entry && (await lookUp(deps, entry, digest));
    if (isStored(known)) return { storedRequest: known };
    const context = deps.context();
    if (entry && known === "unstored" && digest.matches(entry.bodySha256)) {
      const { requestId } = entry;
      if (laneOf(requestId) === lane) {
        const reservation = { clientId, key, requestId, callId };
        if (await deps.idempotency.joinReservation(reservation)) return { requestId, reservation };
      } else if (isUnderWay(entry, context)) {
        // The account's connection has changed since.
        throw new Failure(
          "IDEMPOTENCY_CONFLICT",
          "an earlier call with this Idempotency-Key has not ended",
        );
      }
    }
    const reservation = { clientId, key, requestId: newId, callId };
    const stored = await deps.idempotency.reserve({
      ...reservation,
      bodySha256: digest.text,
      reservedRealMs: context.nowRealMs,
      expiresMs: keyExpiresMs(startsMs, context.rules),
      insteadOf: entry?.requestId,
    });
    if (stored.requestId === newId) return { requestId: newId, reservation };
    entry = stored;
  }
  throw new Failure("DEPENDENCY_DOWN", "too many calls with one Idempotency-Key at once");
}

/**
 * When the entry of a key may be deleted: later than any request of it is remembered. Until
 * then, the request itself says whether its key is free.
 */
export function keyExpiresMs(startsMs: number, rules: RequestRules): number {
  const { queueTimeoutMs, unknownTimeoutMs, retentionMs, idempotencyMs } = rules;
  const runningMs = Math.max(rules.resultTimeoutMs, rules.pendingCapMs);
  const longestMs = queueTimeoutMs + runningMs + unknownTimeoutMs + retentionMs;
  return startsMs + longestMs + idempotencyMs;
}
