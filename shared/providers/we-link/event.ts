import type { EventType } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import { limits } from "../../contracts/limits.ts";
import { discriminatorOf } from "../../core/events/event-id.ts";
import type { ProviderEvent } from "../../core/events/provider-event.ts";
import { canonicalJson, isObject, type JsonObject, type ParsedJson } from "../../core/json/json.ts";
import { accountIdOf, requestIdsOf } from "./request-id.ts";

/**
 * Translates a body of We-Link into an event: a webhook or an answer of `get_response`.
 *
 * @throws FRAME_INVALID when it lacks a status or a request id
 */
export function readWeLink(webhook: ParsedJson): ProviderEvent {
  const { value } = webhook;
  const status = value.status;
  if (typeof status !== "string" || status === "" || status.length > limits.maxNameLength) {
    throw new Failure("FRAME_INVALID", `must have a text "status" of 1 to ${limits.maxNameLength}`);
  }
  const requestId = requestIdOf(value);
  const { hash: _, ...payload } = value;
  const outcome = outcomeOf(status);
  const { action, eventType, ...mark } = actionAndEventTypeOf(value, outcome);
  const accountId = shortText(accountIdOf(value));
  const common = {
    workflowId: requestId,
    providerRequestId: requestId,
    ...(accountId === undefined ? {} : { accountId }),
    ...(action === undefined ? {} : { action }),
  };
  return {
    type: typeOf(eventType, outcome),
    providerObjectId: requestId,
    discriminator: discriminatorOf(canonicalJson(payload)),
    ...mark,
    data: { ...common, ...eventDataOf(eventType, outcome, payload) },
  };
}

function requestIdOf(value: JsonObject): string {
  const [id, ...others] = requestIdsOf(value);
  if (id === undefined) throw new Failure("FRAME_INVALID", 'must have a text "request_id"');
  if (id.length > limits.maxIdLength) {
    throw new Failure("FRAME_INVALID", `has a request id of more than ${limits.maxIdLength}`);
  }
  if (others.some((other) => other !== id)) {
    throw new Failure("FRAME_INVALID", "names two different request ids");
  }
  return id;
}

type Outcome = "succeeded" | "failed" | "actionRequired" | "running";

/** A status that is not documented counts as failed: it may be the code of an error. */
function outcomeOf(status: string): Outcome {
  if (status === "SUCCESS" || status === "COMPLETED") return "succeeded";
  if (status === "PIN_REQUIRED") return "actionRequired";
  if (["QUEUED", "PROCESSING", "PENDING", "IN_PROGRESS"].includes(status)) return "running";
  return "failed";
}

/** The event names of We-Link's API specification, by action. */
const eventNames: readonly { action: RegExp; succeeded: string; failed: string }[] = [
  { action: /^login/, succeeded: "LOGIN_SUCCESS", failed: "LOGIN_FAILED" },
  { action: /^connect$/, succeeded: "CONNECTION_SENT", failed: "CONNECTION_FAILED" },
  { action: /^send_.*(message|inmail)/, succeeded: "MESSAGE_SENT", failed: "MESSAGE_FAILED" },
  { action: /^(view|visit)_profile/, succeeded: "PROFILE_VIEWED", failed: "PROFILE_VIEWED" },
  { action: /^(get|scrape)_profile/, succeeded: "PROFILE_DATA", failed: "PROFILE_DATA" },
  { action: /^search/, succeeded: "SEARCH_COMPLETED", failed: "SEARCH_COMPLETED" },
];

const unsolicited = new Map([
  ["message_received", "MESSAGE_REPLY"],
  ["connection_accepted", "CONNECTION_ACCEPTED"],
]);

/** `event_type` is either an event name of the specification or the path of the API call. */
function actionAndEventTypeOf(
  value: JsonObject,
  outcome: Outcome,
): { action?: string; eventType: string; hasProviderEventType?: true } {
  const sentType = shortText(value.event_type);
  const action = sentType?.match(/^\/?api\/v1\/([a-z][a-z0-9_]{0,63})$/)?.[1];
  if (sentType !== undefined && action === undefined)
    return { eventType: sentType, hasProviderEventType: true };
  const unsolicitedType = unsolicited.get(action ?? "");
  if (action !== undefined && unsolicitedType !== undefined)
    return { action, eventType: unsolicitedType };
  if (outcome === "actionRequired") {
    return { ...(action ? { action } : {}), eventType: "LOGIN_PIN_REQUIRED" };
  }
  return {
    ...(action ? { action } : {}),
    eventType:
      outcome === "running"
        ? "UNKNOWN"
        : weLinkEventTypeOf(action ?? guessActionFromBody(value), outcome),
  };
}

export function weLinkEventTypeOf(action: string, outcome: "succeeded" | "failed"): string {
  return eventNames.find((row) => row.action.test(action))?.[outcome] ?? "UNKNOWN";
}

/** The documented samples name no event; their members show the action. */
function guessActionFromBody(value: JsonObject): string {
  if (value.status === "WRONG_PASSWORD" || value.error === "WRONG_PASSWORD") return "login";
  const result = isObject(value.result) ? value.result : {};
  if (typeof result.connected === "boolean") return "connect";
  if ("message_id" in result || "thread_id" in result) return "send_message";
  if ("premium" in result && "email" in result) return "login";
  return "";
}

function typeOf(eventType: string, outcome: Outcome): EventType {
  if (eventType === "MESSAGE_REPLY") return "message.reply";
  if (eventType === "CONNECTION_ACCEPTED") return "connection.accepted";
  if (outcome === "actionRequired") return "workflow.actionRequired";
  return outcome === "running" ? "workflow.started" : "workflow.completed";
}

const statusNames = {
  succeeded: "completed",
  failed: "failed",
  actionRequired: "action_required",
  running: "running",
} as const satisfies Record<Outcome, string>;

function eventDataOf(
  eventType: string,
  outcome: Outcome,
  payload: JsonObject,
): ProviderEvent["data"] {
  const type = typeOf(eventType, outcome);
  if (type === "message.reply" || type === "connection.accepted") return { eventType, payload };
  const named = { status: statusNames[outcome], eventType };
  if (type !== "workflow.completed") return { ...named, payload };
  if (outcome === "failed") return { ...named, error: weLinkErrorOf(payload) };
  return "result" in payload ? { ...named, result: payload.result } : named;
}

/** `status: FAILED` puts the code into `error`; otherwise the status is the code. */
export function weLinkErrorOf(payload: JsonObject): { code: string; message: string } {
  const status = String(payload.status);
  const given = isObject(payload.error) ? payload.error : { code: payload.error };
  const error = textOf(given.code);
  const message =
    textOf(payload.message) ??
    textOf(payload.error_message) ??
    (isObject(payload.error) ? textOf(payload.error.message) : undefined) ??
    error ??
    status;
  const isCode = error !== undefined && /^[A-Z][A-Z0-9_]*$/.test(error);
  return { code: status === "FAILED" && isCode ? error : status, message };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Returns the text unless it is longer than a name in an event may be. */
function shortText(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && text.length <= limits.maxNameLength ? text : undefined;
}
