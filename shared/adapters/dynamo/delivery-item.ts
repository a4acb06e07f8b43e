import * as z from "zod/mini";
import { eventType } from "../../contracts/events.ts";
import { deliveryStatus } from "../../contracts/statuses.ts";
import { DELIVERY_SHARD_COUNT } from "../../contracts/tables.ts";
import type { DeliveryRecord, EndReason } from "../../core/deliveries/state/record.ts";
import { packStoredText, storedText } from "./packed-text.ts";
import { shardOf } from "./shard.ts";

const text = z.optional(z.string());
const number = z.optional(z.number());

const endReason = z.enum({
  attempts_used: "attempts_used",
  gone: "gone",
  disabled: "disabled",
  body_gone: "body_gone",
  webhook_deleted: "webhook_deleted",
  request_cancelled: "request_cancelled",
} as const satisfies { [Reason in EndReason]: Reason });

type Renamed = "deliveryId" | "dueMs" | "sweepAtRealMs" | "expiresMs";
type Attribute =
  | Exclude<keyof DeliveryRecord, Renamed>
  | ("entity" | "id" | "dueAt" | "sweepAt" | "expiresAt");

/**
 * Attributes have the names of the record's members, except for the key and the keys of the
 * indexes. The type requires every member here: one without an attribute would be lost at the
 * next write.
 */
const item = z.object({
  /** The kind of item, checked because ids also come from callers. */
  entity: z.literal("delivery"),
  id: z.string(),
  clientId: z.string(),
  webhookId: z.string(),
  eventId: z.string(),
  eventType,
  requestId: text,
  createdMs: z.number(),
  traceparent: text,
  body: storedText,
  status: deliveryStatus,
  reason: z.optional(endReason),
  cycle: z.number(),
  attemptsInCycle: z.number(),
  claimsOfAttempt: z.number(),
  attemptHistory: z.array(
    z.object({
      cycle: z.number(),
      attemptNumber: z.number(),
      atMs: z.number(),
      httpStatus: number,
      error: text,
      durationMs: z.number(),
      bodyStart: text,
      location: text,
    }),
  ),
  nextMs: number,
  owner: text,
  leaseUntilRealMs: number,
  unpublishedFailures: z.array(
    z.object({ cycle: z.number(), attemptCount: z.number(), reason: endReason, atMs: z.number() }),
  ),
  endedMs: number,
  dueAt: number,
  sweepAt: number,
  expiresAt: z.number(),
  version: z.number(),
} satisfies Record<Attribute, z.ZodMiniType>);

/** @returns `undefined` if the item is not a delivery */
export function readDeliveryItem(
  found: Record<string, unknown> | undefined,
): DeliveryRecord | undefined {
  if (found?.entity !== "delivery") return undefined;
  const { entity: _, id, dueAt, sweepAt, expiresAt, ...rest } = item.parse(found);
  return {
    ...rest,
    deliveryId: id,
    dueMs: dueAt,
    sweepAtRealMs: sweepAt,
    expiresMs: expiresAt * 1000,
  };
}

export function deliveryItem(delivery: DeliveryRecord): Record<string, unknown> {
  const { deliveryId, dueMs, sweepAtRealMs, expiresMs, ...rest } = delivery;
  return {
    ...rest,
    body: packStoredText(delivery.body),
    entity: "delivery",
    id: deliveryId,
    listedAs: `${new Date(delivery.createdMs).toISOString()}#${deliveryId}`,
    ...(dueMs === undefined ? {} : { dueShard: shardOfDelivery(deliveryId), dueAt: dueMs }),
    ...sweepEntry(deliveryId, sweepAtRealMs),
    ...expiry(expiresMs),
  };
}

/** The attributes that put an item of this table into the index `sweep`. */
export function sweepEntry(id: string, sweepAtRealMs: number | undefined) {
  return sweepAtRealMs === undefined
    ? {}
    : { sweepShard: shardOfDelivery(id), sweepAt: sweepAtRealMs };
}

function shardOfDelivery(id: string): string {
  return shardOf(id, DELIVERY_SHARD_COUNT);
}

/** TTL counts in seconds. */
export function expiry(expiresMs: number): { expiresAt: number } {
  return { expiresAt: Math.ceil(expiresMs / 1000) };
}
