import { Failure } from "../../../contracts/failures.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";
import { canonicalJson } from "../../json/json.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { IdempotencyStore, KeyReservation, KnownKey } from "../state/idempotency-store.ts";
import type { ProviderClients } from "../state/ports.ts";
import { type BodyDigest, keyedDigest, plainDigest } from "./body-digest.ts";
import type { NewRequest } from "./idempotency.ts";

/**
 * The idempotency key of a batch. Its entry has an id of the batch, from which the ids of its
 * requests follow, and their lanes: a repeated call finds the requests without other entries.
 */

interface BatchKeyDeps {
  idempotency: IdempotencyStore;
  providerClients: ProviderClients;
  masterKeys: () => Promise<MasterKeys>;
  randomHex: (bytes: number) => string;
  context: () => DecisionContext;
}

export interface BatchKey {
  clientId: string;
  key: string;
  digest: BodyDigest;
  entry: KnownKey | undefined;
}

export interface ReservedBatch {
  entry: KnownKey;
  reservation: KeyReservation;
  /** An earlier call has stored the entry. */
  isKnown: boolean;
  /** The lane of each item that has one, by its place in the batch. */
  lanes: Map<number, string>;
}

/** Attempts to reserve a key when other calls change its entry in between. */
const MAX_ATTEMPTS = 5;

/**
 * Looks up the key of a batch. Keys of batches and of single calls do not meet.
 *
 * @throws IDEMPOTENCY_CONFLICT when the key was used with another body; DEPENDENCY_DOWN
 */
export async function findBatchKey(
  deps: BatchKeyDeps,
  batch: {
    clientId: string;
    idempotencyKey?: string | undefined;
    items: readonly (NewRequest | Failure)[];
    body: unknown;
  },
): Promise<BatchKey | undefined> {
  const { clientId, idempotencyKey } = batch;
  if (idempotencyKey === undefined) return undefined;
  const digest = await digestOf(deps, batch);
  // No key of a single call has a space.
  const key = `batch ${idempotencyKey}`;
  const entry = await deps.idempotency.find(clientId, key);
  return { clientId, key, digest, entry: entry && requireSameBody(entry, digest) };
}

async function digestOf(
  { providerClients, masterKeys }: BatchKeyDeps,
  { items, body }: { items: readonly (NewRequest | Failure)[]; body: unknown },
): Promise<BodyDigest> {
  const hasSecret = items.some(
    (one) => !(one instanceof Failure) && providerClients[one.provider].isSecret(one.action),
  );
  const text = canonicalJson(body, "byValue");
  return hasSecret ? keyedDigest(await masterKeys(), text) : plainDigest(text);
}

function requireSameBody(entry: KnownKey, digest: BodyDigest): KnownKey {
  if (digest.matches(entry.bodySha256)) return entry;
  throw new Failure("IDEMPOTENCY_CONFLICT", "this Idempotency-Key was used with another body");
}

/**
 * Joins the reservation of a batch's key, or reserves the key.
 *
 * @param findLanes is called when an entry is to be stored
 * @throws IDEMPOTENCY_CONFLICT when the key was used with another body meanwhile; DEPENDENCY_DOWN
 */
export async function reserveBatch(
  deps: BatchKeyDeps,
  { clientId, key, digest, entry: found }: BatchKey,
  findLanes: () => Promise<string[]>,
): Promise<ReservedBatch> {
  const callId = deps.randomHex(10);
  let entry = found;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (entry) {
      const reservation = { clientId, key, requestId: entry.requestId, callId };
      if (await deps.idempotency.joinReservation(reservation)) {
        return { entry, reservation, isKnown: true, lanes: lanesIn(entry) };
      }
    }
    const reservation = { clientId, key, requestId: `batch_${deps.randomHex(10)}`, callId };
    const { nowMs, nowRealMs, rules } = deps.context();
    const stored = await deps.idempotency.reserve({
      ...reservation,
      bodySha256: digest.text,
      reservedRealMs: nowRealMs,
      lanes: await findLanes(),
      // Until then, every request of the batch is kept.
      expiresMs: nowMs + rules.retentionMs,
    });
    if (stored.requestId === reservation.requestId) {
      return { entry: stored, reservation, isKnown: false, lanes: lanesIn(stored) };
    }
    entry = requireSameBody(stored, digest);
  }
  throw new Failure("DEPENDENCY_DOWN", "too many calls with one Idempotency-Key at once");
}

function lanesIn({ lanes = [] }: KnownKey): Map<number, string> {
  return new Map([...lanes.entries()].filter(([, lane]) => lane !== ""));
}

/** The 20 hex digits of the id of a batch's request. */
export function itemDigits({ entry }: Pick<ReservedBatch, "entry">, index: number): string {
  return sha256Hex(`${entry.requestId}#${index}`).slice(0, 20);
}
