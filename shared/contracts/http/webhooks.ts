import * as z from "zod/mini";
import { eventTypeFilter } from "../event-type-filter.ts";
import { eventType } from "../events.ts";
import { providerId } from "../providers.ts";
import { deliveryStatus } from "../statuses.ts";
import { webhookFormat } from "../webhook-format.ts";
import { hashFormat, payloadMode } from "../webhook-forms.ts";
import { webhookHeaders } from "../webhook-headers.ts";
import { listOf, paging, plain, text, time, webhookSecret, webhookUrl } from "./parts.ts";

/** The operations on a client's webhook and its deliveries. */

const eventTypes = z.array(eventTypeFilter).check(
  z.minLength(1),
  z.refine((types) => new Set(types).size === types.length, "names a type twice"),
);
const description = z.string().check(z.maxLength(1_024));

const notReversed = z.refine<{ since?: string; until?: string }>(
  ({ since, until }) =>
    since === undefined || until === undefined || Date.parse(since) <= Date.parse(until),
  {
    path: ["until"],
    error: "must not be before since",
    when: ({ issues }) => issues.length === 0,
  },
);

const newWebhook = z.strictObject({
  url: webhookUrl,
  payloadMode: z.exactOptional(payloadMode),
  format: z.exactOptional(webhookFormat),
  hashFormat: z.exactOptional(hashFormat),
  eventTypes: z
    .exactOptional(eventTypes)
    .check(
      z.describe(
        "Only these types; `*` stands for one segment, as in `workflow.*`. Absent: all types that the format carries.",
      ),
    ),
  description: z.exactOptional(description),
  headers: z
    .exactOptional(webhookHeaders)
    .check(z.describe("Added to each delivery. Stored encrypted; only the names are shown.")),
});

const webhookChange = z
  .strictObject({
    url: z
      .exactOptional(webhookUrl)
      .check(
        z.describe("Waiting deliveries are sent to it too, each when its next attempt is due."),
      ),
    payloadMode: z.exactOptional(payloadMode),
    eventTypes: z
      .exactOptional(z.nullable(eventTypes))
      .check(z.describe("`null`: all types that the format carries.")),
    description: z.exactOptional(description),
    headers: z
      .exactOptional(z.nullable(webhookHeaders))
      .check(z.describe("Replaces all of them; `null` removes them.")),
    status: z.exactOptional(z.enum(["active", "disabled"])),
  })
  .check(
    z.refine((change) => Object.keys(change).length > 0, {
      error: "must name what to change",
      when: ({ issues }) => issues.length === 0,
    }),
  );

export const webhookView = z.object({
  id: z.string(),
  url: z.string(),
  status: z.enum(["active", "disabled"]),
  disabledReason: z.optional(z.string()),
  payloadMode,
  format: webhookFormat,
  hashFormat: z.optional(hashFormat),
  eventTypes: z.optional(z.array(eventTypeFilter)),
  description: z.optional(z.string()),
  headerNames: z
    .optional(z.array(z.string()))
    .check(z.describe("The headers that are added to each delivery, in lower case.")),
  signedAs: z
    .optional(providerId)
    .check(
      z.describe(
        "The provider in whose own scheme deliveries are signed, besides Standard Webhooks.",
      ),
    ),
  createdAt: time,
});

export type WebhookView = z.output<typeof webhookView>;

const deliveryView = z.object({
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
});

export type DeliveryView = z.output<typeof deliveryView>;

/** The progress of a recovery, which resends many deliveries page by page. */
const recoveryView = z.object({
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
});

export type RecoveryView = z.output<typeof recoveryView>;

const ok = <Schema extends z.ZodMiniType>(summary: string, schema: Schema) =>
  ({ status: 200, description: summary, schema }) as const;
const accepted = <Schema extends z.ZodMiniType>(summary: string, schema: Schema) =>
  ({ status: 202, description: summary, schema }) as const;

const deliveryParams = z.strictObject({ id: text(128) });

export const webhookOperations = {
  putWebhook: {
    ...plain,
    operationId: "putWebhook",
    method: "PUT",
    path: "/v1/webhook",
    summary: "Registers the client's webhook; there is one at a time",
    body: newWebhook,
    answer: {
      status: 201,
      description: "It is active",
      schema: z.extend(webhookView, { secret: webhookSecret }),
    },
    repeatedAnswer: {
      status: 200,
      description: "The active webhook has this URL and these settings already; nothing changed",
    },
    problems: [409],
  },
  getWebhook: {
    ...plain,
    operationId: "getWebhook",
    method: "GET",
    path: "/v1/webhook",
    summary: "The client's webhook, without its secret",
    answer: ok("The webhook", webhookView),
    problems: [404],
  },
  updateWebhook: {
    ...plain,
    operationId: "updateWebhook",
    method: "PATCH",
    path: "/v1/webhook",
    summary:
      "Changes the webhook, from the next event on; URL and headers also for deliveries that wait",
    body: webhookChange,
    answer: ok("The webhook as it is now", webhookView),
    problems: [404, 409],
  },
  deleteWebhook: {
    ...plain,
    operationId: "deleteWebhook",
    method: "DELETE",
    path: "/v1/webhook",
    summary: "Deletes the webhook; its waiting deliveries are cancelled",
    answer: { status: 204, description: "The webhook is deleted" },
    problems: [404, 409],
  },
  testWebhook: {
    ...plain,
    operationId: "testWebhook",
    method: "POST",
    path: "/v1/webhook/test",
    summary: "Sends a `webhook.test` event to the webhook",
    answer: accepted(
      "The delivery is queued",
      z.object({ deliveryId: z.string(), eventId: z.string() }),
    ),
    problems: [404, 409],
  },
  rotateWebhookSecret: {
    ...plain,
    operationId: "rotateWebhookSecret",
    method: "POST",
    path: "/v1/webhook/rotate-secret",
    summary: "Replaces the secret of the webhook; for 24 hours deliveries are signed with both",
    takesIdempotencyKey: true,
    answer: ok("The new secret", z.object({ secret: webhookSecret, previousValidUntil: time })),
    problems: [404, 409],
  },
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
        eventTypes: z.exactOptional(eventTypes),
      })
      .check(notReversed),
    answer: accepted("The recovery has started; `GET` returns its progress", recoveryView),
    problems: [404, 409],
  },
  getRecovery: {
    ...plain,
    operationId: "getRecovery",
    method: "GET",
    path: "/v1/deliveries/recover/{recoveryId}",
    summary: "Returns the progress of a recovery",
    params: z.strictObject({ recoveryId: text(128) }),
    answer: ok("The recovery", recoveryView),
    problems: [404],
  },
} as const;
