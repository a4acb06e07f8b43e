import type { EventType } from "../../../contracts/events.ts";
import type { WebhookFormat } from "../../../contracts/webhook-format.ts";
import type { HashFormat, PayloadMode } from "../../../contracts/webhook-forms.ts";
import { topLevelMembers, withoutMember } from "../../json/json-members.ts";
import { isInWeLinkForm, weLinkBody } from "./we-link-body.ts";

/** Whether webhooks of this format tell of such an event at all. */
export function formatCarries(format: WebhookFormat, eventType: EventType): boolean {
  return format === "standard" || isInWeLinkForm(eventType);
}

/**
 * The one body of a delivery: it is made once, and every attempt sends it.
 * Every number has the digits that it has in the envelope.
 *
 * @param of.envelope the event's JSON text
 * @param of.secret signs We-Link's `hash`, as the text that the receiver has
 * @throws Error where the format does not carry the event
 */
export function bodyOf(of: {
  envelope: string;
  eventType: EventType;
  payloadMode: PayloadMode;
  format: WebhookFormat;
  hashFormat: HashFormat;
  secret: string;
}): string {
  const envelope = of.payloadMode === "thin" ? withoutResult(of.envelope) : of.envelope;
  return of.format === "standard" ? envelope : weLinkBody({ ...of, envelope });
}

function withoutResult(envelope: string): string {
  const data = topLevelMembers(envelope).find(({ key }) => key === "data");
  if (!data) return envelope;
  const text = envelope.slice(data.start, data.end);
  const result = topLevelMembers(text).find(({ key }) => key === "result");
  if (!result) return envelope;
  return envelope.slice(0, data.start) + withoutMember(text, result) + envelope.slice(data.end);
}
