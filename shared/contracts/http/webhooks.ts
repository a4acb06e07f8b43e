import * as z from "zod/mini";
import { eventTypeFilter } from "../event-type-filter.ts";
import { providerId } from "../providers.ts";
import { webhookFormat } from "../webhook-format.ts";
import { hashFormat, payloadMode } from "../webhook-forms.ts";
import { webhookHeaders } from "../webhook-headers.ts";
import {
  accepted,
  eventTypeFilters,
  named,
  ok,
  oneOfMembers,
  plain,
  rotation,
  time,
  webhookSecret,
  webhookUrl,
} from "./parts.ts";

/** The operations on a client's webhook and its deliveries. */

const description = z.string().check(z.maxLength(1_024));

const newWebhook = z.strictObject({
  url: webhookUrl,
  payloadMode: z.exactOptional(payloadMode),
  format: z.exactOptional(webhookFormat),
  hashFormat: z.exactOptional(hashFormat),
  eventTypes: z
    .exactOptional(eventTypeFilters)
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
      .exactOptional(z.nullable(eventTypeFilters))
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
    oneOfMembers(
      ["url", "payloadMode", "eventTypes", "description", "headers", "status"],
      ["eventTypes", "headers"],
    ),
  );

export const webhookView = named(
  "Webhook",
  z.object({
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
  }),
);

export type WebhookView = z.output<typeof webhookView>;

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
      schema: named("WebhookWithSecret", z.extend(webhookView, { secret: webhookSecret })),
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
    summary:
      "Replaces the secret of the webhook; for 24 hours, or overlapHours, deliveries are signed with both",
    query: z.strictObject(rotation),
    takesIdempotencyKey: true,
    answer: ok(
      "The new secret",
      z.object({ secret: webhookSecret, previousValidUntil: z.optional(time) }),
    ),
    problems: [404, 409],
  },
} as const;
