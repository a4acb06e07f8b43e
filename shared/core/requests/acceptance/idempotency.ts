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

/**
 * The digest that an idempotency key is stored with. A key that comes with
 * another body is refused.
 */
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
 * The request of an earlier call with the same key and body. A repeated call may
 * come when the time is too near for a new request. No key is reserved for a
 * refused call, so that the client can use it for the corrected one.
 */
export async function findEarlierRequest(
  { requests, idempotency }: IdempotencyDeps,
  { clientId, idempotencyKey }: NewRequest,
  digest: BodyDigest | undefined,
): Promise<RequestRecord | undefined> {
  const known = idempotencyKey && (await idempotency.find(clientId, idempotencyKey));
  return known && digest?.matches(known.bodySha256) ? requests.find(known.requestId) : undefined;
}

/** Reserves a request id under the key. `known` is the request that an earlier call has stored. */
export async function reserveRequestId(
  { requests, idempotency, randomHex, context }: IdempotencyDeps,
  { idempotencyKey: key, clientId }: NewRequest,
  { lane, digest }: { lane: string; digest: BodyDigest | undefined },
): Promise<{ requestId: string; known?: RequestRecord | undefined }> {
  const requestId = newRequestId(lane, randomHex(10));
  if (key === undefined || digest === undefined) return { requestId };
  const { nowMs, rules } = context();
  const bodySha256 = digest.text;
  const expiresMs = nowMs + rules.idempotencyMs;
  const kept = await idempotency.reserve({ clientId, key, bodySha256, requestId, expiresMs });
  if (!digest.matches(kept.bodySha256)) {
    throw new Failure("CONFLICT", "this Idempotency-Key was used with another body");
  }
  if (kept.requestId === requestId) return { requestId };
  return { requestId: kept.requestId, known: await requests.find(kept.requestId) };
}
