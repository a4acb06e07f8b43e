import * as z from "zod/mini";
import { eventType } from "../../contracts/events.ts";
import { nothing, text, time, webhookSecret, webhookUrl } from "../../contracts/http/parts.ts";
import { payloadMode } from "../../contracts/webhook-forms.ts";

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
  createdAt: time,
});

const byId = z.looseObject({ id: text(128) });

/** Linked API's operations on the client's webhook and its deliveries. */
export const linkedApiWebhookOperations = {
  linkedApiSetWebhook: {
    ...admin,
    operationId: "linkedApiSetWebhook",
    path: "/admin/webhook.set",
    summary: "Registers the client's webhook, in Linked API's protocol",
    body: z.looseObject({ url: webhookUrl, payloadMode: z.exactOptional(payloadMode) }),
    answer: envelope(z.object({ webhook: z.extend(linkedApiWebhook, { secret: webhookSecret }) })),
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
    ...admin,
    operationId: "linkedApiSetPayloadMode",
    path: "/admin/webhook.setPayloadMode",
    summary: "Changes the payload mode, in Linked API's protocol",
    body: z.looseObject({ id: text(128), payloadMode }),
    answer: envelope(z.object({ webhook: linkedApiWebhook })),
    problems: [404, 409],
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
    body: z.looseObject({ deliveryId: text(128) }),
    answer: envelope(z.object({ deliveryId: z.string() })),
    problems: [404, 409],
  },
} as const;
