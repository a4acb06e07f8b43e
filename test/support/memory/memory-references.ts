import type { Clock } from "../../../shared/core/clock.ts";
import type {
  IdempotencyStore,
  KnownKey,
} from "../../../shared/core/requests/state/idempotency-store.ts";
import type { Reference, ReferenceStore } from "../../../shared/core/requests/state/ports.ts";

interface StoredReference {
  requestId?: string;
  eventId?: string;
  expiresMs: number;
}

/** References from providers' ids, in memory, with the guarantees of the stored ones. */
export function makeMemoryReferences(options: {
  clock: Clock;
  retentionMs: number;
}): ReferenceStore {
  const { clock, retentionMs } = options;
  const references = new Map<string, StoredReference>();
  const submitting = new Map<string, number>();
  const forbidden = new Map<string, { accountId: string; atMs: number }>();

  function alive(key: string) {
    const found = references.get(key);
    return found && found.expiresMs > clock.businessMs() ? found : undefined;
  }

  function put(key: string, reference: Omit<StoredReference, "expiresMs">) {
    references.set(key, { ...reference, expiresMs: clock.businessMs() + retentionMs });
  }

  return {
    findByProviderIds: async (of) =>
      of.map((each) => ({
        reference: referenceOf(alive(keyOf(each))),
        submittingUntilRealMs: submitting.get(each.connectionId) ?? 0,
      })),

    async bind({ requestId, ...id }) {
      const key = keyOf(id);
      const found = alive(key);
      if (found?.requestId !== undefined && found.requestId !== requestId)
        return referenceOf(found);
      // The event that came before stays noted: binding it again gives the same answer.
      put(key, { ...found, requestId });
      return found?.eventId === undefined ? undefined : { eventId: found.eventId };
    },

    async recordUnlessBound({ eventId, isFinal, ...id }) {
      const key = keyOf(id);
      const found = alive(key);
      const bound = referenceOf(found);
      if (bound && "requestId" in bound) return bound;
      put(key, { eventId: isFinal ? eventId : (found?.eventId ?? eventId) });
      return undefined;
    },

    async noteForbidden({ connectionId, accountId }) {
      const before = forbidden.get(connectionId);
      const atMs = clock.businessMs();
      forbidden.set(connectionId, { accountId, atMs });
      return (
        before !== undefined && before.accountId !== accountId && before.atMs > atMs - 3_600_000
      );
    },

    async extendSubmittingUntil(connectionId, untilRealMs) {
      const before = submitting.get(connectionId) ?? 0;
      submitting.set(connectionId, Math.max(before, untilRealMs));
    },
  };
}

/** Idempotency keys in memory, with the promises of the stored ones. */
export function makeMemoryIdempotency(options: { clock: Clock }): IdempotencyStore {
  const kept = new Map<string, { entry: KnownKey; holders: Set<string>; expiresMs: number }>();
  const nameOf = (clientId: string, key: string) => JSON.stringify([clientId, key]);

  function alive(clientId: string, key: string) {
    const found = kept.get(nameOf(clientId, key));
    const isGone =
      !found || found.holders.size === 0 || found.expiresMs <= options.clock.businessMs();
    return isGone ? undefined : found;
  }

  return {
    find: async (clientId, key) => alive(clientId, key)?.entry,

    findMany: async (clientId, keys) =>
      new Map(
        keys.flatMap((key) => {
          const found = alive(clientId, key);
          return found ? [[key, found.entry]] : [];
        }),
      ),

    async reserve({ clientId, key, callId, insteadOf, expiresMs, ...entry }) {
      const found = alive(clientId, key);
      if (found && found.entry.requestId !== insteadOf) return found.entry;
      kept.set(nameOf(clientId, key), { entry, holders: new Set([callId]), expiresMs });
      return entry;
    },

    async joinReservation({ clientId, key, requestId, callId }) {
      const found = alive(clientId, key);
      if (found?.entry.requestId !== requestId) return false;
      found.holders.add(callId);
      return true;
    },

    async releaseReservation({ clientId, key, requestId, callId }) {
      const found = kept.get(nameOf(clientId, key));
      if (found?.entry.requestId === requestId) found.holders.delete(callId);
    },
  };
}

function referenceOf(found: StoredReference | undefined): Reference | undefined {
  const event = found?.eventId === undefined ? undefined : { eventId: found.eventId };
  return found?.requestId === undefined ? event : { requestId: found.requestId, ...event };
}

function keyOf(of: { connectionId: string; providerRequestId: string }): string {
  return JSON.stringify([of.connectionId, of.providerRequestId]);
}
