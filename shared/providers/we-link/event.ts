import type { EventType } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import { limits } from "../../contracts/limits.ts";
import { discriminatorOf } from "../../core/events/event-id.ts";
import {
  type ProviderEvent,
  type UnclearReport,
  unclearReport,
} from "../../core/events/provider-event.ts";
import { canonicalJson, isObject, type JsonObject, type ParsedJson } from "../../core/json/json.ts";
import { normalised } from "../../core/providers/vocabulary.ts";
import { type WeLinkOutcome, weLinkOutcomeOf, withNestedMembers } from "./outcome.ts";
import { accountIdOf, requestIdsOf } from "./request-id.ts";
import { weLinkVocabulary } from "./vocabulary.ts";

/**
 * Translates a body of We-Link into an event: a webhook or an answer of `get_response`. A
 * status that the vocabulary does not list gives `event.unrecognised`, which ends no request.
 *
 * @throws FRAME_INVALID when it lacks a request id, or a status and what may stand for one
 */
export function readWeLink(webhook: ParsedJson): ProviderEvent {
  const { value } = webhook;
  const read = weLinkOutcomeOf(value);
  if (!read || (read.word?.length ?? 0) > limits.maxNameLength) {
    throw new Failure("FRAME_INVALID", `must have a text "status" of 1 to ${limits.maxNameLength}`);
  }
  const requestId = requestIdOf(value);
  const { hash: _, ...payload } = value;
  const outcome = outcomeOf[read.meaning];
  const { action, eventType, contradiction, ...mark } = actionAndEventTypeOf(value, read);
  const type = typeOf(eventType, outcome);
  const unclear = unclearOf({ ...read, type, payload, contradiction, sentType: value.event_type });
  const accountId = shortText(accountIdOf(value));
  const common = {
    workflowId: requestId,
    providerRequestId: requestId,
    ...(accountId === undefined ? {} : { accountId }),
    ...(action === undefined ? {} : { action }),
  };
  return {
    type,
    providerObjectId: requestId,
    discriminator: discriminatorOf(canonicalJson(payload)),
    ...mark,
    ...(unclear ? { unclear } : {}),
    ...(read.meaning === "waiting" ? pendingReasonOf(read) : {}),
    data: { ...common, ...eventDataOf({ type, eventType, outcome, read, payload }) },
  };
}

function unclearOf(of: {
  type: EventType;
  payload: JsonObject;
  word?: string;
  contradiction?: true | undefined;
  sentType: unknown;
}): UnclearReport | undefined {
  const { type, payload, word: status } = of;
  if (type === "event.unrecognised") return unclearReport("unrecognised", payload, { status });
  if (!of.contradiction) return undefined;
  return unclearReport("contradictory", payload, { status, eventType: shortText(of.sentType) });
}

/** Why We-Link has not started a request: the word by which it says so. */
export function pendingReasonOf({ word }: WeLinkOutcome): { pendingReason?: string } {
  const reason = word?.trim().slice(0, limits.maxNameLength);
  return reason ? { pendingReason: reason } : {};
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

type Outcome = "succeeded" | "failed" | "actionRequired" | "running" | "unrecognised";

const outcomeOf = {
  completed: "succeeded",
  failed: "failed",
  actionRequired: "actionRequired",
  running: "running",
  waiting: "running",
  absent: "unrecognised",
  unknown: "unrecognised",
} as const satisfies Record<WeLinkOutcome["meaning"], Outcome>;

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

/** Names that are no outcome of a request, as `event_type` or as an event-specific status. */
const unsolicitedNames = ["MESSAGE_REPLY", "CONNECTION_ACCEPTED"];

interface ActionAndEventType {
  action?: string;
  eventType: string;
  hasProviderEventType?: true;
  /** The name of the event, or the error, says something else than the status. */
  contradiction?: true;
}

/**
 * `event_type` is either an event name of the specification or the path of the API call; an
 * event name may be the status too. Where a name contradicts the status, the status decides.
 */
function actionAndEventTypeOf(value: JsonObject, read: WeLinkOutcome): ActionAndEventType {
  const outcome = outcomeOf[read.meaning];
  const sentType = shortText(value.event_type);
  const action = sentType?.match(/^\/?api\/v1\/([a-z][a-z0-9_]{0,63})$/)?.[1];
  const mark = read.contradiction ? { contradiction: true as const } : {};
  const sentName = sentType !== undefined && action === undefined ? sentType : undefined;
  const name = sentName ?? (isEventName(read.word ?? "") ? read.word : undefined);
  if (name !== undefined) {
    const eventType = isEventName(name) ? normalised(name) : name;
    if (agrees(eventType, outcome)) {
      return { eventType, hasProviderEventType: true, ...mark };
    }
    return { eventType: correctedName(eventType, outcome), contradiction: true };
  }
  const unsolicitedType = unsolicited.get(action ?? "");
  if (action !== undefined && unsolicitedType !== undefined)
    return { action, eventType: unsolicitedType, ...mark };
  const named = { ...(action ? { action } : {}), ...mark };
  if (outcome === "actionRequired") return { ...named, eventType: "LOGIN_PIN_REQUIRED" };
  const isEnd = outcome === "succeeded" || outcome === "failed";
  return {
    ...named,
    eventType: isEnd ? weLinkEventTypeOf(action ?? guessActionFromBody(value), outcome) : "UNKNOWN",
  };
}

/** Whether the text, in any spelling, is an event name of the specification. */
function isEventName(text: string): boolean {
  const name = normalised(text.slice(0, limits.maxNameLength));
  return [...outcomesByName.keys(), ...unsolicitedNames].includes(name);
}

/** The outcomes that an event name stands for: a failed visit of a profile is `PROFILE_VIEWED` too. */
const outcomesByName = new Map<string, Outcome[]>([["LOGIN_PIN_REQUIRED", ["actionRequired"]]]);
for (const { succeeded, failed } of eventNames) {
  const isOne = succeeded === failed;
  outcomesByName.set(succeeded, isOne ? ["succeeded", "failed"] : ["succeeded"]);
  if (!isOne) outcomesByName.set(failed, ["failed"]);
}

/** Whether an event of this name may have this outcome. A name without a known outcome is compatible with any. */
function agrees(name: string, outcome: Outcome): boolean {
  if (outcome === "unrecognised" || unsolicitedNames.includes(name)) return true;
  const known = outcomesByName.get(name);
  if (known) return known.includes(outcome);
  const meaning = weLinkVocabulary.meaningOf(name);
  return meaning === undefined || outcomeOf[meaning] === outcome;
}

/** The event name of the same action with the outcome that the status tells. */
function correctedName(name: string, outcome: Outcome): string {
  if (outcome === "actionRequired") return "LOGIN_PIN_REQUIRED";
  if (outcome !== "succeeded" && outcome !== "failed") return "UNKNOWN";
  const isLogin = name === "LOGIN_PIN_REQUIRED";
  const row = eventNames.find(
    ({ succeeded, failed }) =>
      [succeeded, failed].includes(name) || (isLogin && succeeded === "LOGIN_SUCCESS"),
  );
  return row?.[outcome] ?? "UNKNOWN";
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
  return types[outcome];
}

const types = {
  succeeded: "workflow.completed",
  failed: "workflow.completed",
  actionRequired: "workflow.actionRequired",
  running: "workflow.started",
  unrecognised: "event.unrecognised",
} as const satisfies Record<Outcome, EventType>;

const statusNames = {
  succeeded: "completed",
  failed: "failed",
  actionRequired: "action_required",
  running: "running",
} as const satisfies Record<Exclude<Outcome, "unrecognised">, string>;

function eventDataOf(of: {
  type: EventType;
  eventType: string;
  outcome: Outcome;
  read: WeLinkOutcome;
  payload: JsonObject;
}): ProviderEvent["data"] {
  const { type, eventType, outcome, read, payload } = of;
  if (!type.startsWith("workflow.") || outcome === "unrecognised") return { eventType, payload };
  const named = { status: statusNames[outcome], eventType };
  if (type !== "workflow.completed") return { ...named, payload };
  // A failed request may have done a part of its work.
  if (read.error) return { ...named, error: read.error, ...resultOf(read) };
  return { ...named, ...resultOf({ ...withNestedMembers(payload), ...read }) };
}

function resultOf(of: object): { result?: unknown } {
  return "result" in of ? { result: of.result } : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Returns the text unless it is longer than a name in an event may be. */
function shortText(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && text.length <= limits.maxNameLength ? text : undefined;
}
