import { Failure } from "../../../contracts/failures.ts";
import type { ProviderId } from "../../../contracts/providers.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";
import { canonicalJson } from "../../json/json.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { IdempotencyStore, ProviderClients, RequestStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import { type BodyDigest, keyedDigest, plainDigest } from "./body-digest.ts";
import { newRequestId } from "./request-id.ts";

/** Same key and body, same request: the keys of accepted requests. */

export interface NewRequest {
  clientId: string;
  provider: ProviderId;
  accountId: string;
  action: string;
  params: unknown;
  /** ISO time in UTC; absent for a request that is submitted in its turn. */
  scheduled?: string | undefined;
  /** Absent: the client's only connection that fits. */
  connectionId?: string | undefined;
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

/** Returns the digest that is stored with an idempotency key; `undefined` for a call without a key. */
export async function digestOf(
  { providerClients, masterKeys }: IdempotencyDeps,
  { provider, accountId, action, scheduled, params, idempotencyKey }: NewRequest,
  connectionId: string,
): Promise<BodyDigest | undefined> {
  if (idempotencyKey === undefined) return undefined;
  const members = [provider, connectionId, accountId, action, scheduled ?? null, params];
  const body = canonicalJson(members);
  const isSecret = providerClients[provider].isSecret(action);
  return isSecret ? keyedDigest(await masterKeys(), body) : plainDigest(body);
}

/**
 * Returns the request of an earlier call with the same key and body. A repeated
 * call can arrive when its scheduled time is already too near for a new request,
 * and still returns the earlier one. The key of a refused call is not reserved, so
 * that the client can use it for the corrected call.
 */
export async function findEarlierRequest(
  { requests, idempotency }: IdempotencyDeps,
  { clientId, idempotencyKey }: NewRequest,
  digest: BodyDigest | undefined,
): Promise<RequestRecord | undefined> {
  const entry = idempotencyKey && (await idempotency.find(clientId, idempotencyKey));
  return entry && digest?.matches(entry.bodySha256) ? requests.find(entry.requestId) : undefined;
}

/**
 * Creates a request id and reserves it under the idempotency key, if there is one.
 * `storedRequest` is the request that an earlier call with this key has stored.
 *
 * @throws IDEMPOTENCY_CONFLICT when the key was used with another body; DEPENDENCY_DOWN
 */
export async function reserveRequestId(
  { requests, idempotency, randomHex, context }: IdempotencyDeps,
  { idempotencyKey: key, clientId }: NewRequest,
  { lane, digest }: { lane: string; digest: BodyDigest | undefined },
): Promise<{ requestId: string; storedRequest?: RequestRecord | undefined }> {
  const requestId = newRequestId(lane, randomHex(10));
  if (key === undefined || digest === undefined) return { requestId };
  const { nowMs, rules } = context();
  const bodySha256 = digest.text;
  const expiresMs = nowMs + rules.idempotencyMs;
  const entry = await idempotency.reserve({ clientId, key, bodySha256, requestId, expiresMs });
  if (!digest.matches(entry.bodySha256)) {
    throw new Failure("IDEMPOTENCY_CONFLICT", "this Idempotency-Key was used with another body");
  }
  if (entry.requestId === requestId) return { requestId };
  return { requestId: entry.requestId, storedRequest: await requests.find(entry.requestId) };
}
