import * as z from "zod/mini";
import { eventTypeFilter } from "../event-type-filter.ts";
import { eventType } from "../events.ts";
import { deliveryStatus } from "../statuses.ts";
import {
  accepted,
  eventTypeFilters,
  listOf,
  named,
  ok,
  paging,
  plain,
  text,
  time,
} from "./parts.ts";

/** The operations on the deliveries of a client's events. */

export const notReversed = z.refine<{ since?: string; until?: string }>(
  ({ since, until }) =>
    since === undefined || until === undefined || Date.parse(since) <= Date.parse(until),
  {
    path: ["until"],
    error: "must not be before since",
    when: ({ issues }) => issues.length === 0,
  },
);

export const deliveryView = named(
  "Delivery",
  z.object({
    id: z.string(),
    webhookId: z.string(),
    eventId: z.string(),
    eventType,
    status: deliveryStatus,
    reason: z.optional(z.string()),
    cycle: z.number(),
    attempts: z.array(
      z.object({
        cycle: z.number(),
        n: z.number(),
        at: time,
        httpStatus: z.optional(z.number()),
        error: z.optional(z.string()),
        durationMs: z.number(),
        bodyStart: z.optional(z.string()),
        location: z
          .optional(z.string())
          .check(z.describe("Where a redirect points to; it is not followed.")),
      }),
    ),
    nextAttemptAt: z.optional(time),
    createdAt: time,
  }),
);

export type DeliveryView = z.output<typeof deliveryView>;

/** The progress of a recovery, which resends many deliveries page by page. */
export const recoveryView = named(
  "Recovery",
  z.object({
    recoveryId: z.string(),
    status: z.enum(["running", "done"]),
    since: time,
    until: time,
    eventTypes: z.optional(z.array(z.string())),
    /** Deliveries of the period that were not delivered, as far as they were examined. */
    examined: z.number(),
    /** Examined deliveries that are being resent. */
    recovered: z.number(),
    /** Examined deliveries that are not resent: expired, not subscribed by the current webhook, or sent to it before. */
    skipped: z.number(),
    createdAt: time,
    finishedAt: z.optional(time),
  }),
);

export type RecoveryView = z.output<typeof recoveryView>;

export const deliveryParams = z.strictObject({ id: text(128) });

export const deliveryOperations = {
  listDeliveries: {
    ...plain,
    operationId: "listDeliveries",
    method: "GET",
    path: "/v1/deliveries",
    summary: "Lists the client's deliveries that match every filter, newest first",
    query: z
      .strictObject({
        ...paging,
        status: z.exactOptional(deliveryStatus),
        eventType: z.exactOptional(eventTypeFilter),
        eventId: z.exactOptional(text(512)),
        webhookId: z.exactOptional(text(128)),
        since: z.exactOptional(time),
        until: z.exactOptional(time),
      })
      .check(notReversed),
    answer: ok(
      "A page; it may be shorter than `limit` while there is a `nextCursor`",
      listOf(deliveryView),
    ),
    problems: [],
  },
  getDelivery: {
    ...plain,
    operationId: "getDelivery",
    method: "GET",
    path: "/v1/deliveries/{id}",
    summary: "Returns one delivery with its attempts",
    params: deliveryParams,
    answer: ok("The delivery", deliveryView),
    problems: [404],
  },
  resendDelivery: {
    ...plain,
    operationId: "resendDelivery",
    method: "POST",
    path: "/v1/deliveries/{id}/resend",
    summary:
      "Resends an ended delivery with the same id and bytes, in up to eight more attempts; a waiting one is attempted at once",
    params: deliveryParams,
    answer: accepted("The delivery is queued", deliveryView),
    problems: [404, 409],
  },
  recoverDeliveries: {
    ...plain,
    operationId: "recoverDeliveries",
    method: "POST",
    path: "/v1/deliveries/recover",
    summary: "Sends everything of a period that was not delivered to the current webhook",
    body: z
      .strictObject({
        since: time,
        until: z.exactOptional(time),
        eventTypes: z.exactOptional(eventTypeFilters),
      })
      .check(notReversed),
    answer: accepted("The recovery has started; `GET` returns its progress", recoveryView),
    problems: [404, 409],
  },
  getRecovery: {
    ...plain,
    operationId: "getRecovery",
    method: "GET",
    path: "/v1/recoveries/{recoveryId}",
    summary: "Returns the progress of a recovery",
    params: z.strictObject({ recoveryId: text(128) }),
    answer: ok("The recovery", recoveryView),
    problems: [404],
  },
  /** The path of earlier versions, which tools take for `/v1/deliveries/{id}/resend`. */
  getRecoveryAtOldPath: {
    ...plain,
    operationId: "getRecoveryAtOldPath",
    method: "GET",
    path: "/v1/deliveries/recover/{recoveryId}",
    summary: "Returns the progress of a recovery",
    params: z.strictObject({ recoveryId: text(128) }),
    answer: ok("The recovery", recoveryView),
    problems: [404],
    isUndocumented: true,
  },
} as const;
