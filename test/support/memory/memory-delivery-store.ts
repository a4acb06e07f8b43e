import { isChosen } from "../../../shared/contracts/event-type-filter.ts";
import type { Clock } from "../../../shared/core/clock.ts";
import { toAttemptMessage } from "../../../shared/core/deliveries/state/attempt-message.ts";
import type {
  DeliveryFilter,
  DeliveryStore,
  DueDelivery,
  StaleDelivery,
} from "../../../shared/core/deliveries/state/ports.ts";
import type { DeliveryJob, DeliveryRecord } from "../../../shared/core/deliveries/state/record.ts";
import { isBehind, type MemoryIndexes, order } from "./memory-indexes.ts";

/** Deliveries in memory, with the promises of the stored ones: for tests and simulations. */
export function makeMemoryDeliveryStore(options: {
  clock: Clock;
  /** The jobs beside them, as they are now. */
  jobs: () => DeliveryJob[];
}): DeliveryStore & MemoryIndexes {
  const { clock, jobs } = options;
  const stored = new Map<string, DeliveryRecord>();

  function alive(deliveryId: string): DeliveryRecord | undefined {
    const found = stored.get(deliveryId);
    return found && found.expiresMs > clock.businessMs() ? { ...found } : undefined;
  }

  function isFree({ status, nextMs, leaseUntilRealMs }: DeliveryRecord): boolean {
    if (status === "waiting") return nextMs !== undefined && nextMs <= clock.businessMs();
    if (status !== "delivering" || leaseUntilRealMs === undefined) return false;
    return leaseUntilRealMs <= clock.realMs();
  }

  /** What the indexes of the sweep show when they are not behind, in their order. */
  function indexes() {
    const due = [...stored.values()].flatMap((delivery): DueDelivery[] => {
      const { dueMs, nextMs } = delivery;
      if (dueMs === undefined || nextMs === undefined) return [];
      return [{ message: toAttemptMessage(delivery), dueMs, nextMs }];
    });
    const stale = [
      ...[...stored.values()].map(({ deliveryId: id, sweepAtRealMs }) => ({
        id,
        sweepAtRealMs,
      })),
      ...jobs().map(({ jobId: id, sweepAtRealMs }) => ({ id, sweepAtRealMs })),
    ].flatMap(({ id, sweepAtRealMs }): StaleDelivery[] =>
      sweepAtRealMs === undefined ? [] : [{ id, sweepAtRealMs }],
    );
    return {
      due: due.sort((one, other) => order(dueKey(one), dueKey(other))),
      stale: stale.sort((one, other) => order(staleKey(one), staleKey(other))),
    };
  }
  let frozen: ReturnType<typeof indexes> | undefined;

  return {
    find: async (deliveryId) => alive(deliveryId),

    async create(delivery) {
      const found = stored.get(delivery.deliveryId);
      if (found) return { ...found };
      stored.set(delivery.deliveryId, { ...delivery, version: 1 });
      return "created";
    },

    async claim(deliveryId, lease) {
      const found = stored.get(deliveryId);
      if (!found) return { kind: "notClaimed" };
      if (isFree(found)) {
        const delivery: DeliveryRecord = {
          ...found,
          status: "delivering",
          owner: lease.owner,
          leaseUntilRealMs: lease.untilMs,
          claimsOfAttempt: found.claimsOfAttempt + 1,
          version: found.version + 1,
        };
        stored.set(deliveryId, delivery);
        return { kind: "claimed", delivery: { ...delivery } };
      }
      const { status, nextMs, owner } = found;
      if (status === "waiting" && nextMs !== undefined) return { kind: "notDue", nextMs };
      if (status !== "delivering") return { kind: "notClaimed" };
      if (owner === lease.owner) return { kind: "claimed", delivery: { ...found } };
      return { kind: "claimedByAnother" };
    },

    async replace(delivery) {
      if (stored.get(delivery.deliveryId)?.version !== delivery.version) return undefined;
      const next = { ...delivery, version: delivery.version + 1 };
      stored.set(delivery.deliveryId, next);
      return { ...next };
    },

    async list({ clientId, limit, before, ...filter }) {
      const all = [...stored.keys()]
        .flatMap((id) => alive(id) ?? [])
        .filter((delivery) => delivery.clientId === clientId)
        .filter((delivery) => matches(delivery, filter))
        .filter((delivery) => before === undefined || listedAs(delivery) < before)
        .sort((one, other) => (listedAs(one) < listedAs(other) ? 1 : -1));
      const shown = all.slice(0, limit);
      const last = all.length > shown.length ? shown.at(-1) : undefined;
      return { deliveries: shown, before: last && listedAs(last) };
    },

    async findDue({ shard, untilMs, limit, after }) {
      // One shard holds them all: how they are spread is the store's own affair.
      if (shard !== 0) return [];
      const { due } = frozen ?? indexes();
      return due
        .filter((entry) => entry.dueMs <= untilMs)
        .filter((entry) => after === undefined || isBehind(dueKey(entry), dueKey(after)))
        .slice(0, limit);
    },

    async setSweepDue({ message, dueMs: seenMs }, dueMs) {
      const found = stored.get(message.deliveryId);
      if (found?.dueMs === dueMs) return true;
      if (found?.dueMs !== seenMs) return false;
      stored.set(message.deliveryId, { ...found, dueMs });
      return true;
    },

    async findStale({ shard, beforeRealMs, limit, after }) {
      if (shard !== 0) return [];
      const { stale } = frozen ?? indexes();
      return stale
        .filter(({ sweepAtRealMs }) => sweepAtRealMs <= beforeRealMs)
        .filter((entry) => after === undefined || isBehind(staleKey(entry), staleKey(after)))
        .slice(0, limit);
    },

    freezeIndexes() {
      frozen = indexes();
    },
    thawIndexes() {
      frozen = undefined;
    },
  };
}

const dueKey = ({ dueMs, message }: DueDelivery) => [dueMs, message.deliveryId] as const;
const staleKey = ({ sweepAtRealMs, id }: StaleDelivery) => [sweepAtRealMs, id] as const;

function matches(delivery: DeliveryRecord, filter: DeliveryFilter): boolean {
  const { statuses, eventTypes, eventId, webhookId, sinceMs = 0, untilMs = Infinity } = filter;
  return (
    (statuses?.includes(delivery.status) ?? true) &&
    isChosen(eventTypes, delivery.eventType) &&
    (eventId ?? delivery.eventId) === delivery.eventId &&
    (webhookId ?? delivery.webhookId) === delivery.webhookId &&
    delivery.createdMs >= sinceMs &&
    delivery.createdMs <= untilMs
  );
}

function listedAs({ createdMs, deliveryId }: DeliveryRecord): string {
  return `${new Date(createdMs).toISOString()}#${deliveryId}`;
}
