import type { WebhookItem } from "../../../contracts/config-items.ts";
import type { DeliverableType } from "../../../contracts/events.ts";
import type { WebhookView } from "../../../contracts/http/webhooks.ts";
import { providerPacks } from "../../../contracts/providers.ts";
import type { WebhookFormat } from "../../../contracts/webhook-format.ts";
import type { HashFormat, PayloadMode } from "../../../contracts/webhook-forms.ts";
import type { WebhookTargets } from "../../../contracts/webhook-targets.ts";
import { type FieldError, InvalidRequest } from "../../input/invalid-request.ts";
import { formatSupports } from "../creation/body.ts";
import { targetUrlProblem } from "./target-url.ts";

export interface NewWebhook {
  url: string;
  payloadMode?: PayloadMode | undefined;
  format?: WebhookFormat | undefined;
  hashFormat?: HashFormat | undefined;
  /** Absent: all types that the format carries. */
  eventTypes?: readonly DeliverableType[] | undefined;
  description?: string | undefined;
  /** Origin of this API, which must not be the target: each delivery would cause another one. */
  origin?: string | undefined;
}

export interface WebhookChange {
  payloadMode?: PayloadMode | undefined;
  /** `null`: all types that the format carries. */
  eventTypes?: readonly DeliverableType[] | null | undefined;
  description?: string | undefined;
  status?: "active" | "disabled" | undefined;
}

/** The part of a stored webhook that the client supplies. */
type WebhookSettings = Pick<
  WebhookItem,
  "url" | "payloadMode" | "format" | "hashFormat" | "eventTypes" | "description"
>;

/** Checks the settings of a new webhook and adds defaults. @throws REQUEST_INVALID that names each invalid member */
export function parseWebhookSettings(
  webhook: NewWebhook,
  targets: WebhookTargets,
): WebhookSettings {
  const { url, payloadMode = "fat", format = "standard", eventTypes, description } = webhook;
  const urlProblem = targetUrlProblem(url, targets) ?? ownHostProblem(url, webhook.origin);
  const hashProblem =
    webhook.hashFormat !== undefined && !hasHash(format)
      ? `must be absent: format ${format} has no hash`
      : undefined;
  refuseIfAny({ url: urlProblem, hashFormat: hashProblem, ...typesProblem(format, eventTypes) });
  return {
    url,
    payloadMode,
    format,
    hashFormat: webhook.hashFormat ?? "hmac-hex",
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
 * Applies a change to a webhook. The status `disabled` is not applied: a webhook is
 * disabled by `deactivateWebhook`.
 *
 * @throws REQUEST_INVALID that names `eventTypes`
 */
export function withChange(webhook: WebhookItem, change: WebhookChange): WebhookItem {
  const { payloadMode = webhook.payloadMode, eventTypes, description, status } = change;
  refuseIfAny(typesProblem(webhook.format, eventTypes));
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

/** Returns a webhook as the API shows it, without its secret. */
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
  const missing = (types ?? []).filter((type) => !formatSupports(format, type));
  if (missing.length === 0) return {};
  return { eventTypes: `are not carried by format ${format}: ${missing.join(", ")}` };
}

function refuseIfAny(problems: Readonly<Record<string, string | undefined>>): void {
  const errors = Object.entries(problems).flatMap(([field, message]): FieldError[] =>
    message === undefined ? [] : [{ field, message }],
  );
  if (errors.length > 0) throw new InvalidRequest(errors);
}
