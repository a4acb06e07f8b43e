import type { Clock } from "../../../shared/core/clock.ts";
import type {
  IdempotencyStore,
  KnownKey,
  Reference,
  ReferenceStore,
} from "../../../shared/core/requests/state/ports.ts";

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
      if (found?.requestId !== undefined) return found.requestId;
      put(key, { eventId: isFinal ? eventId : (found?.eventId ?? eventId) });
      return undefined;
    },

    async extendSubmittingUntil(connectionId, untilRealMs) {
      const before = submitting.get(connectionId) ?? 0;
      submitting.set(connectionId, Math.max(before, untilRealMs));
    },
  };
}

/** Idempotency keys in memory, with the promises of the stored ones. */
export function makeMemoryIdempotency(options: { clock: Clock }): IdempotencyStore {
  const kept = new Map<string, KnownKey & { expiresMs: number }>();

  function alive(clientId: string, key: string): KnownKey | undefined {
    const found = kept.get(JSON.stringify([clientId, key]));
    if (!found || found.expiresMs <= options.clock.businessMs()) return undefined;
    return { bodySha256: found.bodySha256, requestId: found.requestId };
  }

  return {
    find: async (clientId, key) => alive(clientId, key),
    async reserve({ clientId, key, ...of }) {
      const found = alive(clientId, key);
      if (found) return found;
      kept.set(JSON.stringify([clientId, key]), of);
      return { bodySha256: of.bodySha256, requestId: of.requestId };
    },
  };
}

function referenceOf(found: StoredReference | undefined): Reference | undefined {
  if (found?.requestId !== undefined) return { requestId: found.requestId };
  return found?.eventId === undefined ? undefined : { eventId: found.eventId };
}

function keyOf(of: { connectionId: string; providerRequestId: string }): string {
  return JSON.stringify([of.connectionId, of.providerRequestId]);
}
