import type { WebhookItem } from "../../../contracts/config-items.ts";
import { type EventTypeFilter, typesChosenBy } from "../../../contracts/event-type-filter.ts";
import type { WebhookView } from "../../../contracts/http/webhooks.ts";
import { type ProviderId, providerPacks } from "../../../contracts/providers.ts";
import type { WebhookFormat } from "../../../contracts/webhook-format.ts";
import type { OutboundHashFormat, PayloadMode } from "../../../contracts/webhook-forms.ts";
import type { WebhookHeaders } from "../../../contracts/webhook-headers.ts";
import type { WebhookTargets } from "../../../contracts/webhook-targets.ts";
import { type FieldError, InvalidRequest } from "../../input/invalid-request.ts";
import { formatSupports } from "../creation/body.ts";
import { hostOf, portOf, targetUrlProblem } from "./target-url.ts";

export interface NewWebhook {
  url: string;
  payloadMode?: PayloadMode | undefined;
  format?: WebhookFormat | undefined;
  hashFormat?: OutboundHashFormat | undefined;
  /** Absent: all types that the format carries. */
  eventTypes?: readonly EventTypeFilter[] | undefined;
  description?: string | undefined;
  /** The provider in whose own scheme deliveries are signed too; absent: an active webhook keeps its own. */
  signedAs?: ProviderId | undefined;
  /** Added to each delivery. */
  headers?: WebhookHeaders | undefined;
  /** Origin of this API, which must not be the target: each delivery would cause another one. */
  origin?: string | undefined;
}

export interface WebhookChange {
  url?: string | undefined;
  payloadMode?: PayloadMode | undefined;
  /** `null`: all types that the format carries. */
  eventTypes?: readonly EventTypeFilter[] | null | undefined;
  description?: string | undefined;
  /** Replaces all of them; `null`: removes them. */
  headers?: WebhookHeaders | null | undefined;
  /** Sets one header, or removes it where the value is `null`; the others stay. */
  header?: { name: string; value: string | null } | undefined;
  /** `null`: in no provider's scheme. */
  signedAs?: ProviderId | null | undefined;
  status?: "active" | "disabled" | undefined;
  /** Origin of this API, which must not be the target. */
  origin?: string | undefined;
}

/** The part of a stored webhook that the client supplies, except the headers. */
export type WebhookSettings = Pick<
  WebhookItem,
  "url" | "payloadMode" | "format" | "hashFormat" | "eventTypes" | "description" | "signedAs"
>;

/** Checks the settings of a new webhook and adds defaults. @throws REQUEST_INVALID that names each invalid member */
export function parseWebhookSettings(
  webhook: NewWebhook,
  targets: WebhookTargets,
): WebhookSettings {
  const { url, payloadMode = "fat", format = "standard", eventTypes, description } = webhook;
  const urlProblem = problemOfUrl(url, webhook.origin, targets);
  const hashProblem =
    webhook.hashFormat !== undefined && !hasHash(format)
      ? `must be absent: format ${format} has no hash`
      : undefined;
  refuseIfAny({ url: urlProblem, hashFormat: hashProblem, ...typesProblem(format, eventTypes) });
  return {
    url: new URL(url).href,
    payloadMode,
    format,
    hashFormat: webhook.hashFormat ?? "hmac-hex",
    ...(eventTypes ? { eventTypes: [...eventTypes] } : {}),
    ...(description === undefined ? {} : { description }),
    ...(webhook.signedAs === undefined ? {} : { signedAs: webhook.signedAs }),
  };
}

function hasHash(format: WebhookFormat): boolean {
  return format !== "standard" && providerPacks[format].webhookFormat?.hasHash === true;
}

function problemOfUrl(
  url: string,
  origin: string | undefined,
  targets: WebhookTargets,
): string | undefined {
  return targetUrlProblem(url, targets) ?? ownHostProblem(new URL(url), origin);
}

function ownHostProblem(url: URL, origin = ""): string | undefined {
  const own = URL.parse(origin);
  const isOwn = own && hostOf(own) === hostOf(url) && portOf(own) === portOf(url);
  return isOwn ? "must not be this API itself: each delivery would cause the next" : undefined;
}

/** Checks the URL of a change and returns it as it is stored. @throws REQUEST_INVALID that names `url` */
export function parseChangedUrl(
  { url, origin }: Pick<WebhookChange, "url" | "origin">,
  targets: WebhookTargets,
): string | undefined {
  if (url === undefined) return undefined;
  refuseIfAny({ url: problemOfUrl(url, origin, targets) });
  return new URL(url).href;
}

/** Whether a webhook has exactly these settings. `signedAs` is not compared, and the headers are by `hasHeaders`. */
export function hasSettings(webhook: WebhookItem, settings: WebhookSettings): boolean {
  const comparable = (of: WebhookSettings) =>
    JSON.stringify([
      of.url,
      of.payloadMode,
      of.format,
      of.hashFormat,
      of.eventTypes?.toSorted(),
      of.description ?? "",
    ]);
  return comparable(webhook) === comparable(settings);
}

/**
 * Applies a change to a webhook. The status `disabled` is not applied: a webhook is
 * disabled by `deactivateWebhook`. A change of the URL makes it the client's next endpoint.
 *
 * @param change.url as `parseChangedUrl` returns it
 * @param change.headers sealed; `null`: none
 * @throws REQUEST_INVALID that names `eventTypes`
 */
export function withChange(
  webhook: WebhookItem,
  change: Omit<WebhookChange, "headers" | "header" | "origin"> & {
    headers?: WebhookItem["headers"] | null | undefined;
  },
): WebhookItem {
  const { url = webhook.url, payloadMode = webhook.payloadMode, description, status } = change;
  refuseIfAny(typesProblem(webhook.format, change.eventTypes));
  const { eventTypes, headers, signedAs, disabledReason, disabledAt, ...rest } = webhook;
  const next = {
    eventTypes: change.eventTypes === undefined ? eventTypes : change.eventTypes,
    headers: change.headers === undefined ? headers : change.headers,
    signedAs: change.signedAs === undefined ? signedAs : change.signedAs,
  };
  const isEnabled = webhook.status === "active" || status === "active";
  return {
    ...rest,
    url,
    endpointNumber: webhook.endpointNumber + (url === webhook.url ? 0 : 1),
    payloadMode,
    ...(next.eventTypes ? { eventTypes: [...next.eventTypes] } : {}),
    ...(next.headers ? { headers: next.headers } : {}),
    ...(next.signedAs ? { signedAs: next.signedAs } : {}),
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
    headerNames: webhook.headers?.names,
    signedAs: webhook.signedAs,
    createdAt,
  };
}

function typesProblem(
  format: WebhookFormat,
  types: readonly EventTypeFilter[] | null | undefined,
): { eventTypes?: string } {
  const missing = (types ?? []).filter(
    (filter) => !typesChosenBy(filter).some((type) => formatSupports(format, type)),
  );
  if (missing.length === 0) return {};
  return { eventTypes: `are not carried by format ${format}: ${missing.join(", ")}` };
}

function refuseIfAny(problems: Readonly<Record<string, string | undefined>>): void {
  const errors = Object.entries(problems).flatMap(([field, message]): FieldError[] =>
    message === undefined ? [] : [{ field, message }],
  );
  if (errors.length > 0) throw new InvalidRequest(errors);
}
