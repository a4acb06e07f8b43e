import { consumerSchema, deliverableTypes, describeEvent } from "../events.ts";
import { providerPacks } from "../providers.ts";
import { TRACEPARENT_FORM, TRACEPARENT_HEADER } from "../traceparent.ts";
import { jsonSchemaOf, referenceTo } from "./json-schema.ts";

type Components = Record<string, object>;

/** `workflow.completed` has the component `WorkflowCompletedEvent`. */
export function eventComponent(type: string): string {
  const words = type.split(".").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join("")}Event`;
}

/** The headers of every delivery, by Standard Webhooks. */
export const webhookHeaderSchemas = {
  "webhook-id": {
    description: "The event's id. The same for every attempt: process each id once.",
    schema: { type: "string", pattern: "^[\\x21-\\x7e]{1,512}$" },
  },
  "webhook-timestamp": {
    description: "When this attempt was made: seconds since 1970, in real time.",
    schema: { type: "string", pattern: "^[0-9]{1,12}$" },
  },
  "webhook-signature": {
    description:
      "`v1,` and the HMAC-SHA256 of `id.timestamp.body`, Base64; during a rotation one for each secret, with a space between.",
    schema: { type: "string", pattern: "^v1,[A-Za-z0-9+/=]+( v1,[A-Za-z0-9+/=]+)*$" },
  },
} as const;

/** The header of deliveries whose event belongs to a trace. */
const traceHeaderSchema = {
  description: "The trace that the event belongs to (W3C Trace Context).",
  schema: { type: "string", pattern: TRACEPARENT_FORM.source },
} as const;

/** The formats of webhooks besides the events themselves, with the schema of their payloads. */
export const providerFormats = Object.values(providerPacks).flatMap(
  (pack) => ("webhookFormat" in pack ? pack.webhookFormat?.payload : undefined) ?? [],
);

/** The schemas of what webhooks carry, and the `webhooks` section of the OpenAPI document. */
export function webhooksSection(): { components: Components; webhooks: object } {
  const events = deliverableTypes.map((type) => {
    const { schema } = jsonSchemaOf(consumerSchema(type), "answer");
    return [eventComponent(type), { description: `Sent when ${describeEvent(type)}.`, ...schema }];
  });
  const formats = providerFormats.map(({ name, schema }) => [
    name,
    jsonSchemaOf(schema, "answer").schema,
  ]);
  const standard = deliverableTypes.map((type) => ({ $ref: referenceTo(eventComponent(type)) }));
  const flat = providerFormats.map(({ name }) => ({ $ref: referenceTo(name) }));
  return {
    components: Object.fromEntries([...events, ...formats]),
    webhooks: {
      delivery: {
        post: {
          operationId: "receiveDelivery",
          summary: "Ackwire sends an event to the client's webhook",
          description:
            "Any 2xx within 15 seconds is success; 410 disables the webhook; anything else is tried again, 8 attempts in all. See docs/receiving-webhooks.md.",
          tags: ["Webhook"],
          security: [],
          parameters: [
            ...Object.entries(webhookHeaderSchemas).map(([name, header]) => ({
              name,
              in: "header",
              required: true,
              ...header,
            })),
            { name: TRACEPARENT_HEADER, in: "header", required: false, ...traceHeaderSchema },
          ],
          requestBody: {
            required: true,
            content: { "application/json": { schema: { anyOf: [...standard, ...flat] } } },
          },
          responses: {
            "2XX": { description: "The event is taken; its body is not read." },
            "410": { description: "The webhook is disabled." },
            "4XX": { description: "The delivery is tried again." },
          },
        },
      },
    },
  };
}
