import type { WebhookItem } from "../../../contracts/config-items.ts";
import type { DeliverableType } from "../../../contracts/events.ts";
import type { WebhookView } from "../../../contracts/http/webhooks.ts";
import { providerPacks } from "../../../contracts/providers.ts";
import type { WebhookFormat } from "../../../contracts/webhook-format.ts";
import type { HashFormat, PayloadMode } from "../../../contracts/webhook-forms.ts";
import type { WebhookTargets } from "../../../contracts/webhook-targets.ts";
import { type FieldError, InvalidRequest } from "../../input/invalid-request.ts";
import { formatCarries } from "../creation/body.ts";
import { targetUrlProblem } from "./target-url.ts";

export interface NewWebhook {
  url: string;
  payloadMode?: PayloadMode | undefined;
  format?: WebhookFormat | undefined;
  hashFormat?: HashFormat | undefined;
  /** Only these; all that the format carries where it is absent. */
  eventTypes?: readonly DeliverableType[] | undefined;
  description?: string | undefined;
  /** Where this API was called: a webhook back to it would go round for ever. */
  origin?: string | undefined;
}

export interface WebhookChange {
  payloadMode?: PayloadMode | undefined;
  /** `null`: all that the format carries, again. */
  eventTypes?: readonly DeliverableType[] | null | undefined;
  description?: string | undefined;
  status?: "active" | "disabled" | undefined;
}

/** What of a stored webhook the client has asked for. */
type WebhookSettings = Pick<
  WebhookItem,
  "url" | "payloadMode" | "format" | "hashFormat" | "eventTypes" | "description"
>;

/** @throws REQUEST_INVALID that names `url`, `hashFormat` and `eventTypes`, where they are to blame */
export function parseWebhookSettings(of: NewWebhook, targets: WebhookTargets): WebhookSettings {
  const { url, payloadMode = "fat", format = "standard", eventTypes, description } = of;
  const urlProblem = targetUrlProblem(url, targets) ?? ownHostProblem(url, of.origin);
  const hashProblem =
    of.hashFormat !== undefined && !hasHash(format)
      ? `must be absent: format ${format} has no hash`
      : undefined;
  refuseWhere({ url: urlProblem, hashFormat: hashProblem, ...typesProblem(format, eventTypes) });
  return {
    url,
    payloadMode,
    format,
    hashFormat: of.hashFormat ?? "hmac-hex",
    ...(eventTypes ? { eventTypes: [...eventTypes] } : {}),
    ...(description === undefined ? {} : { description }),
  };
}

function hasHash(format: WebhookFormat): boolean {
  return format !== "standard" && providerPacks[format].webhookFormat?.hasHash === true;
}

function ownHostProblem(url: string, origin = ""): string | undefined {
  const ownHost = URL.parse(origin)?.host;
  const isOwn = ownHost !== undefined && URL.parse(url)?.host === ownHost;
  return isOwn ? "must not be this API itself: each delivery would cause the next" : undefined;
}

/**
 * The webhook with what is to change but for `disabled`, which is more than a
 * member.
 *
 * @throws REQUEST_INVALID that names `eventTypes`
 */
export function withChange(webhook: WebhookItem, change: WebhookChange): WebhookItem {
  const { payloadMode = webhook.payloadMode, eventTypes, description, status } = change;
  refuseWhere(typesProblem(webhook.format, eventTypes));
  const { eventTypes: typesBefore, disabledReason, disabledAt, ...rest } = webhook;
  const types = eventTypes === undefined ? typesBefore : eventTypes;
  const isEnabled = webhook.status === "active" || status === "active";
  return {
    ...rest,
    payloadMode,
    ...(types ? { eventTypes: [...types] } : {}),
    ...(description === undefined ? {} : { description }),
    ...(isEnabled ? { status: "active" } : { disabledReason, disabledAt }),
  };
}

/** A webhook as its client sees it, without its secret. */
export function viewOf(webhook: WebhookItem): WebhookView {
  const { webhookId: id, url, disabledReason, payloadMode, format, hashFormat } = webhook;
  const { eventTypes, description, createdAt } = webhook;
  return {
    id,
    url,
    status: webhook.status === "active" ? "active" : "disabled",
    disabledReason,
    payloadMode,
    format,
    hashFormat: hasHash(format) ? hashFormat : undefined,
    eventTypes,
    description,
    createdAt,
  };
}

function typesProblem(
  format: WebhookFormat,
  types: readonly DeliverableType[] | null | undefined,
): { eventTypes?: string } {
  const missing = (types ?? []).filter((type) => !formatCarries(format, type));
  if (missing.length === 0) return {};
  return { eventTypes: `are not carried by format ${format}: ${missing.join(", ")}` };
}

function refuseWhere(problems: Readonly<Record<string, string | undefined>>): void {
  const errors = Object.entries(problems).flatMap(([field, message]): FieldError[] =>
    message === undefined ? [] : [{ field, message }],
  );
  if (errors.length > 0) throw new InvalidRequest(errors);
}
