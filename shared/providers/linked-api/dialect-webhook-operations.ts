import * as z from "zod/mini";
import { eventTypeFilter } from "../../contracts/event-type-filter.ts";
import { eventType } from "../../contracts/events.ts";
import { nothing, text, time, webhookSecret, webhookUrl } from "../../contracts/http/parts.ts";
import { payloadMode } from "../../contracts/webhook-forms.ts";
import { headerName, headerValue } from "../../contracts/webhook-headers.ts";

/** These operations name no account: the API key is enough. https://linkedapi.io/docs/admin-overview */
const admin = {
  isPublic: false,
  needsAccount: false,
  params: nothing,
  query: z.looseObject({}),
  method: "POST",
} as const;

const envelope = <Result extends z.ZodMiniType>(result: Result) =>
  ({
    status: 200,
    description: "The answer",
    schema: z.object({ success: z.literal(true), result }),
  }) as const;

const linkedApiWebhook = z.object({
  id: z.string(),
  url: z.string(),
  payloadMode,
  isActive: z.boolean(),
  signingEnabled: z.boolean(),
  headerNames: z.array(z.string()),
  events: z.nullable(z.array(z.string())),
  createdAt: time,
});
const withSecret = z.extend(linkedApiWebhook, { secret: webhookSecret });

const id = text(128);
/** A member that Linked API has and Ackwire does not is refused, never dropped. */
const byId = z.strictObject({ id });
const events = z.nullable(z.array(eventTypeFilter).check(z.minLength(1)));
/** What they have to be together is checked by the webhook itself. */
const headers = z.nullable(z.record(headerName, headerValue));

const change = <Id extends string>(operationId: Id, call: string, summary: string) =>
  ({
    ...admin,
    operationId,
    path: `/admin/webhook.${call}`,
    summary: `${summary}, in Linked API's protocol`,
    answer: envelope(z.object({ webhook: linkedApiWebhook })),
    problems: [404, 409],
  }) as const;

/** Linked API's operations on the client's webhook and its deliveries. */
export const linkedApiWebhookOperations = {
  linkedApiSetWebhook: {
    ...admin,
    operationId: "linkedApiSetWebhook",
    path: "/admin/webhook.set",
    summary: "Registers the client's webhook, in Linked API's protocol",
    body: z.strictObject({
      url: webhookUrl,
      payloadMode: z.exactOptional(payloadMode),
      signingEnabled: z.exactOptional(z.boolean()),
      headers: z.exactOptional(headers),
      events: z.exactOptional(events),
    }),
    answer: envelope(z.object({ webhook: withSecret })),
    problems: [409],
  },
  linkedApiGetWebhook: {
    ...admin,
    operationId: "linkedApiGetWebhook",
    path: "/admin/webhook.get",
    summary: "Returns the client's webhook, in Linked API's protocol",
    answer: envelope(z.object({ webhooks: z.array(linkedApiWebhook) })),
    problems: [],
  },
  linkedApiSetPayloadMode: {
    ...change("linkedApiSetPayloadMode", "setPayloadMode", "Changes the payload mode"),
    body: z.strictObject({ id, payloadMode }),
  },
  linkedApiSetEvents: {
    ...change("linkedApiSetEvents", "setEvents", "Chooses the events of the webhook"),
    body: z.strictObject({ id, events }),
  },
  linkedApiSetHeaders: {
    ...change("linkedApiSetHeaders", "setHeaders", "Replaces the webhook's headers"),
    body: z.strictObject({ id, headers }),
  },
  linkedApiSetHeader: {
    ...change("linkedApiSetHeader", "setHeader", "Sets one header of the webhook"),
    body: z.strictObject({ id, name: headerName, value: headerValue }),
  },
  linkedApiDeleteHeader: {
    ...change("linkedApiDeleteHeader", "deleteHeader", "Removes a header of the webhook"),
    body: z.strictObject({ id, name: z.string() }),
  },
  linkedApiSetSigning: {
    ...change("linkedApiSetSigning", "setSigning", "Turns Linked API's signature on or off"),
    body: z.strictObject({ id, signingEnabled: z.boolean() }),
    answer: envelope(z.object({ webhook: z.union([withSecret, linkedApiWebhook]) })),
  },
  linkedApiRevealSecret: {
    ...change("linkedApiRevealSecret", "revealSecret", "Returns the webhook's secret"),
    body: byId,
    answer: envelope(z.object({ webhook: withSecret })),
  },
  linkedApiRotateSecret: {
    ...change("linkedApiRotateSecret", "rotateSecret", "Replaces the webhook's secret"),
    body: byId,
    answer: envelope(z.object({ webhook: withSecret })),
  },
  linkedApiListEventTypes: {
    ...admin,
    operationId: "linkedApiListEventTypes",
    path: "/admin/webhook.eventTypes",
    summary: "Lists the event types of a webhook, in Linked API's protocol",
    answer: envelope(z.object({ eventTypes: z.array(z.string()) })),
    problems: [],
  },
  linkedApiDeleteWebhook: {
    ...admin,
    operationId: "linkedApiDeleteWebhook",
    path: "/admin/webhook.delete",
    summary: "Deletes the webhook, in Linked API's protocol",
    body: byId,
    answer: envelope(z.object({ deleted: z.literal(true) })),
    problems: [404],
  },
  linkedApiSendTest: {
    ...admin,
    operationId: "linkedApiSendTest",
    path: "/admin/webhook.sendTest",
    summary: "Sends a test event, in Linked API's protocol",
    answer: envelope(z.object({ deliveryId: z.string() })),
    problems: [404, 409],
  },
  linkedApiListDeliveries: {
    ...admin,
    operationId: "linkedApiListDeliveries",
    path: "/admin/webhook.deliveries",
    summary: "Lists the last deliveries, at most 100, in Linked API's protocol",
    answer: envelope(
      z.object({
        deliveries: z.array(
          z.object({
            id: z.string(),
            eventType,
            eventId: z.string(),
            status: z.enum(["pending", "delivering", "success", "failed"]),
            attempts: z.number(),
            responseStatusCode: z.optional(z.number()),
            lastError: z.optional(z.string()),
            createdAt: time,
            updatedAt: time,
          }),
        ),
      }),
    ),
    problems: [],
  },
  linkedApiReplayDelivery: {
    ...admin,
    operationId: "linkedApiReplayDelivery",
    path: "/admin/webhook.replayDelivery",
    summary: "Resends a delivery, in Linked API's protocol",
    body: z.strictObject({ deliveryId: text(128) }),
    answer: envelope(z.object({ deliveryId: z.string() })),
    problems: [404, 409],
  },
} as const;
