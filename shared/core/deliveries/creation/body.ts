import type { WebhookItem } from "../../../contracts/config-items.ts";
import { isChosen } from "../../../contracts/event-type-filter.ts";
import type { EventType } from "../../../contracts/events.ts";
import { providerPacks } from "../../../contracts/providers.ts";
import type { WebhookFormat } from "../../../contracts/webhook-format.ts";
import type { OutboundHashFormat, PayloadMode } from "../../../contracts/webhook-forms.ts";
import { topLevelMembers, withoutMember } from "../../json/json-members.ts";
import type { PayloadWriter } from "../../providers/webhook-format.ts";

/** Whether this format has a payload for events of this type. */
export function formatSupports(format: WebhookFormat, eventType: EventType): boolean {
  return format === "standard" || payloadWriterOf(format, eventType) !== undefined;
}

/** Whether a webhook that is not deleted gets the events of this type. */
export function isSubscribed(
  { status, format, eventTypes }: Pick<WebhookItem, "status" | "format" | "eventTypes">,
  type: EventType,
): boolean {
  return status !== "deleted" && isChosen(eventTypes, type) && formatSupports(format, type);
}

/**
 * Composes the body of a delivery. It is composed once, and every attempt sends
 * it. Every number keeps the digits that it has in the envelope.
 *
 * @param delivery.envelope the event's JSON text
 * @param delivery.secret the secret in the text form that the receiver was shown; it keys the
 *   format's `hash`
 * @throws Error if the format has no payload for the event
 */
export function composeWebhookBody(delivery: {
  envelope: string;
  eventType: EventType;
  payloadMode: PayloadMode;
  format: WebhookFormat;
  hashFormat: OutboundHashFormat;
  secret: string;
}): string {
  const envelope =
    delivery.payloadMode === "thin" ? withoutResult(delivery.envelope) : delivery.envelope;
  if (delivery.format === "standard") return envelope;
  const writePayload = payloadWriterOf(delivery.format, delivery.eventType);
  if (!writePayload)
    throw new Error(`The format ${delivery.format} has no payload for ${delivery.eventType}`);
  return writePayload({ envelope, hashFormat: delivery.hashFormat, secret: delivery.secret });
}

/** @returns `undefined` if the format has no payload for events of this type */
function payloadWriterOf(
  format: Exclude<WebhookFormat, "standard">,
  eventType: EventType,
): PayloadWriter | undefined {
  const payloads: Readonly<Partial<Record<EventType, PayloadWriter | null>>> =
    providerPacks[format].webhookFormat?.payloads ?? {};
  return payloads[eventType] ?? undefined;
}

function withoutResult(envelope: string): string {
  const data = topLevelMembers(envelope).find(({ key }) => key === "data");
  if (!data) return envelope;
  const text = envelope.slice(data.start, data.end);
  const result = topLevelMembers(text).find(({ key }) => key === "result");
  if (!result) return envelope;
  return envelope.slice(0, data.start) + withoutMember(text, result) + envelope.slice(data.end);
}
