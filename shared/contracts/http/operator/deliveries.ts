import * as z from "zod/mini";
import { eventTypeFilter } from "../../event-type-filter.ts";
import { eventType } from "../../events.ts";
import { deliveryStatus } from "../../statuses.ts";
import { deliveryParams, deliveryView, notReversed, recoveryView } from "../deliveries.ts";
import {
  accepted,
  eventTypeFilters,
  listOf,
  named,
  ok,
  paging,
  text,
  time,
  webhookUrl,
} from "../parts.ts";
import { webhookView } from "../webhooks.ts";
import {
  change,
  clientParams,
  look,
  type OperatorOperation,
  ofClient,
  whose,
  why,
} from "./operation.ts";

/** Events, webhooks and deliveries of every client. */

const operatorEvent = named(
  "OperatorEvent",
  z.looseObject({
    ...whose,
    id: z.string(),
    type: eventType,
    createdAt: time,
    publishedAt: z.optional(time),
    data: z.looseObject({}),
    listedAt: time.check(z.describe("When it was received: the order of the list.")),
  }),
);

const operatorWebhook = named(
  "OperatorWebhook",
  z.extend(webhookView, {
    ...whose,
    disabledAt: z.optional(time),
    health: z.object({
      consecutiveFailures: z.int(),
      isFast: z.boolean().check(z.describe("It has answered promptly of late.")),
      circuit: z
        .enum(["closed", "open"])
        .check(z.describe("`open`: so many failures in a row that its deliveries are held back.")),
      workers: z.int().check(z.describe("Workers that are at the endpoint now.")),
    }),
    last: z
      .optional(
        z.object({
          at: time,
          httpStatus: z.optional(z.int()),
          error: z.optional(z.string()),
          deliveryId: z.string(),
        }),
      )
      .check(z.describe("The last attempt of its newest deliveries.")),
    waiting: z.int().check(z.describe("Of its newest deliveries, those that wait; at most 100.")),
    failed: z.int().check(z.describe("Of its newest deliveries, those that failed; at most 100.")),
    nextAttemptAt: z.optional(time),
    recoveryId: z.optional(z.string()).check(z.describe("The last recovery that was started.")),
  }),
);

const operatorDelivery = named("OperatorDelivery", z.extend(deliveryView, whose));

const deliveryDetails = named(
  "DeliveryDetails",
  z.extend(operatorDelivery, {
    requestId: z.optional(z.string()),
    sent: z
      .object({
        url: z.string(),
        headerNames: z
          .array(z.string())
          .check(
            z.describe(
              "Of every attempt, besides those that HTTP itself needs. Their values are signatures and the client's.",
            ),
          ),
        body: z.string().check(z.describe("The bytes of every attempt, as text.")),
      })
      .check(
        z.describe(
          "What is sent. Of an answer, each attempt has the status, `bodyStart` and `location`: no more of it is kept.",
        ),
      ),
  }),
);

const withWebhook = { scope: "operate", params: clientParams, problems: [404, 409] } as const;

export const deliveryOperations = {
  listEvents: {
    ...look,
    operationId: "listEvents",
    path: "/v1/operator/events",
    summary: "Lists events, newest first",
    isInPortal: true,
    query: z
      .strictObject({
        ...paging,
        ...ofClient,
        type: z.exactOptional(eventType),
        since: z.exactOptional(time),
        until: z.exactOptional(time),
      })
      .check(notReversed),
    answer: ok(
      "A page; it may be shorter than `limit` while there is a `nextCursor`",
      listOf(operatorEvent),
    ),
    problems: [404],
  },
  getEvent: {
    ...look,
    operationId: "getEvent",
    path: "/v1/operator/events/{id}",
    summary: "Returns one event",
    isInPortal: true,
    params: z.strictObject({ id: text(512) }),
    query: z.strictObject(ofClient),
    answer: ok("The event", operatorEvent),
    problems: [404],
  },
  listWebhooks: {
    ...look,
    operationId: "listWebhooks",
    path: "/v1/operator/webhooks",
    summary: "Lists the clients' webhooks with the health of their endpoints",
    isInPortal: true,
    query: z.strictObject({ ...paging, ...ofClient }),
    answer: ok(
      "A page; it may be shorter than `limit` while there is a `nextCursor`",
      listOf(operatorWebhook),
    ),
    problems: [404],
  },
  testWebhook: {
    ...change,
    ...withWebhook,
    operationId: "testWebhook",
    path: "/v1/operator/clients/{clientId}/webhook/test",
    summary: "Sends a `webhook.test` event to a client's webhook",
    answer: accepted(
      "The delivery is queued",
      z.object({ deliveryId: z.string(), eventId: z.string() }),
    ),
  },
  disableWebhook: {
    ...change,
    ...withWebhook,
    operationId: "disableWebhook",
    path: "/v1/operator/clients/{clientId}/webhook/disable",
    summary: "Disables a webhook: its waiting deliveries fail, and can be recovered",
    answer: ok("The webhook", operatorWebhook),
  },
  enableWebhook: {
    ...change,
    ...withWebhook,
    operationId: "enableWebhook",
    path: "/v1/operator/clients/{clientId}/webhook/enable",
    summary: "Enables a disabled webhook",
    answer: ok("The webhook", operatorWebhook),
  },
  moveWebhook: {
    ...change,
    ...withWebhook,
    operationId: "moveWebhook",
    path: "/v1/operator/clients/{clientId}/webhook/move",
    summary: "Moves a webhook to another URL; what waits is sent there",
    body: z.strictObject({ url: webhookUrl, why }),
    auditedOrigins: ["url"],
    answer: ok("The webhook", operatorWebhook),
  },
  recoverDeliveries: {
    ...change,
    ...withWebhook,
    operationId: "recoverDeliveries",
    path: "/v1/operator/clients/{clientId}/webhook/recover",
    summary: "Sends everything of a period that was not delivered to the current webhook",
    body: z
      .strictObject({
        since: time,
        until: z.exactOptional(time),
        eventTypes: z.exactOptional(eventTypeFilters),
        why,
      })
      .check(notReversed),
    audited: ["since", "until", "eventTypes"],
    answer: accepted("The recovery has started", recoveryView),
  },
  getRecovery: {
    ...look,
    operationId: "getRecovery",
    path: "/v1/operator/clients/{clientId}/recoveries/{recoveryId}",
    summary: "Returns the progress of a recovery",
    isInPortal: true,
    params: z.extend(clientParams, { recoveryId: text(128) }),
    answer: ok("The recovery", recoveryView),
    problems: [404],
  },
  listDeliveries: {
    ...look,
    operationId: "listDeliveries",
    path: "/v1/operator/deliveries",
    summary: "Lists deliveries that match every filter, newest first",
    isInPortal: true,
    query: z
      .strictObject({
        ...paging,
        ...ofClient,
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
      listOf(operatorDelivery),
    ),
    problems: [404],
  },
  getDelivery: {
    ...look,
    operationId: "getDelivery",
    path: "/v1/operator/deliveries/{id}",
    summary: "Returns one delivery with its attempts, and what is sent",
    isInPortal: true,
    params: deliveryParams,
    query: z.strictObject(ofClient),
    answer: ok("The delivery", deliveryDetails),
    problems: [404],
  },
  resendDelivery: {
    ...change,
    operationId: "resendDelivery",
    path: "/v1/operator/deliveries/{id}/resend",
    summary:
      "Resends an ended delivery with the same id and bytes; a waiting one is attempted at once",
    scope: "operate",
    isInPortal: true,
    params: deliveryParams,
    query: z.strictObject(ofClient),
    answer: accepted("The delivery is queued", operatorDelivery),
    problems: [404, 409],
  },
} as const satisfies Record<string, OperatorOperation>;

export type OperatorWebhookView = z.output<typeof operatorWebhook>;
