import type { Clock, Lease } from "../../../shared/core/clock.ts";
import type { FinalEvent } from "../../../shared/core/events/envelope.ts";
import type {
  EventClaimResult,
  EventClaims,
  UnpublishedEvent,
} from "../../../shared/core/events/ports.ts";
import { isBehind, order } from "./memory-indexes.ts";

interface Stored {
  event: FinalEvent;
  claimedBy: Lease | undefined;
  publishedBy: string | undefined;
  storedAtMs: number;
  /** Business time; only a published event has one. */
  expiresAtMs: number;
}

/** Event claims in memory, with the promises of the stored ones: for tests and simulations. */
export function makeMemoryEventClaims(options: { clock: Clock; retentionMs: number }): EventClaims {
  const { clock } = options;
  const stored = new Map<string, Stored>();

  function tryClaim(found: Stored, lease: Lease): EventClaimResult {
    if (found.publishedBy !== undefined) return { kind: "done", envelope: found.event.envelope };
    const holder = found.claimedBy;
    const isHeld = holder && holder.owner !== lease.owner && holder.untilMs > clock.realMs();
    if (isHeld) return { kind: "held", untilMs: holder.untilMs };
    found.claimedBy = lease;
    return { kind: "granted", event: found.event };
  }

  return {
    async claim(event, lease, { isRetriedByQueue } = {}) {
      const found = stored.get(event.id);
      if (found && found.expiresAtMs > clock.businessMs()) return tryClaim(found, lease);
      stored.set(event.id, {
        event,
        claimedBy: lease,
        publishedBy: undefined,
        storedAtMs: isRetriedByQueue ? Number.POSITIVE_INFINITY : clock.realMs(),
        expiresAtMs: Number.POSITIVE_INFINITY,
      });
      return { kind: "granted", event };
    },

    async claimStored(id, lease) {
      const found = stored.get(id);
      return found && tryClaim(found, lease);
    },

    async complete(id, owner) {
      const found = stored.get(id);
      if (found?.publishedBy === owner) return "completed";
      if (found?.publishedBy !== undefined || found?.claimedBy?.owner !== owner) return "lost";
      found.publishedBy = owner;
      found.claimedBy = undefined;
      found.expiresAtMs = clock.businessMs() + options.retentionMs;
      return "completed";
    },

    async release(id, owner) {
      const found = stored.get(id);
      if (found?.claimedBy?.owner !== owner) return;
      found.claimedBy = { owner, untilMs: 0 };
      found.storedAtMs = clock.realMs();
    },

    async removeFromOutbox(id, owner) {
      const found = stored.get(id);
      if (found?.claimedBy?.owner !== owner) return;
      found.claimedBy = { owner, untilMs: 0 };
      found.storedAtMs = Number.POSITIVE_INFINITY;
    },

    async unpublished({ shard, beforeMs, limit, after }) {
      // One shard holds them all: how events are spread is the store's own affair.
      if (shard !== 0) return [];
      return [...stored.values()]
        .filter(({ publishedBy, storedAtMs }) => publishedBy === undefined && storedAtMs < beforeMs)
        .map(({ event, storedAtMs }) => ({ id: event.id, sinceMs: storedAtMs }))
        .sort((one, other) => order(keyOf(one), keyOf(other)))
        .filter((one) => after === undefined || isBehind(keyOf(one), keyOf(after)))
        .slice(0, limit);
    },
  };
}

const keyOf = ({ id, sinceMs }: UnpublishedEvent) => [sinceMs, id] as const;
