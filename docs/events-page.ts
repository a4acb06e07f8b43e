import * as z from "zod/mini";
import {
  consumerSchema,
  deliverableTypes,
  describeEvent,
  type EventType,
  eventTypes,
} from "../shared/contracts/events.ts";
import { exampleOf } from "./event-examples.ts";

interface MemberSchema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
}

/** `docs/events.md`: each event type with its members and an example. */
export function eventsPage(): string {
  const rows = eventTypes.map((type) => {
    const isDelivered = (deliverableTypes as readonly string[]).includes(type);
    return `| [\`${type}\`](#${anchorOf(type)}) | ${describeEvent(type)} | ${isDelivered ? "yes" : "no"} |`;
  });
  return `# Events

Everything that happens becomes an event on the stack's EventBridge bus, with the source \`ackwire\`,
the event's type as \`detail-type\`, and the envelope of this page with \`clientId\` as \`detail\`. The
same envelope without \`clientId\` is sent to the client's webhook, if the type can be delivered.

| Type | Published when | To webhooks |
| --- | --- | --- |
${rows.join("\n")}

- **Dedupe by \`id\`.** An event that is published or delivered again has the same \`id\` and the same
  bytes. A result that came while its request was being submitted can also be an event of its own,
  with another \`id\` and without \`requestId\`; its \`providerRequestId\` is the same.
- **New members and types can be added.** Ignore members that you do not know, and answer 2xx to
  types that you do not know.
- \`eventType\` is the provider's own name of what happened, such as \`CONNECTION_SENT\`. It is
  \`UNKNOWN\` where the specification of the provider has no name for it, which is no fault.
- \`createdAt\` is the provider's time where it sends one.

The page is generated from the definitions that the product itself parses with; so are
[the JSON Schema](contracts/events.schema.json) and [the AsyncAPI document](contracts/asyncapi.json).
Changes by operators are published as \`operator.action\` with the source \`ackwire.operator\`
([operator API](operator-api.md#audit)).

${eventTypes.map(sectionOf).join("\n\n")}
`;
}

const anchorOf = (type: string) => type.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

function sectionOf(type: EventType): string {
  const schema = z.toJSONSchema(consumerSchema(type), { io: "input" }) as unknown as {
    properties: { data: { properties: Record<string, MemberSchema>; required?: string[] } };
  };
  const { properties, required = [] } = schema.properties.data;
  const rows = Object.entries(properties).map(
    ([name, member]) =>
      `| \`${name}\` | ${formOf(member)} | ${required.includes(name) ? "always" : "sometimes"} |`,
  );
  return `## ${type}

Published when ${describeEvent(type)}.

| Member of \`data\` | Form | Present |
| --- | --- | --- |
${rows.join("\n")}

\`\`\`json
${JSON.stringify(exampleOf(type), null, 2)}
\`\`\``;
}

function formOf({ type, const: value, enum: values }: MemberSchema): string {
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  if (values !== undefined) return values.map((one) => `\`${JSON.stringify(one)}\``).join(" or ");
  return type ?? "any JSON";
}
