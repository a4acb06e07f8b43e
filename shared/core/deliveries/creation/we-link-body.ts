import type { EventType } from "../../../contracts/events.ts";
import type { HashFormat } from "../../../contracts/webhook-forms.ts";
import { hmacHex } from "../../../providers/we-link/hash.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import { signHs256 } from "../../crypto/hs256.ts";
import { isObject, type JsonObject } from "../../json/json.ts";
import { topLevelMembers } from "../../json/json-members.ts";

/** A member as text, `"key":value`: what was written is passed on and never written anew. */
interface Written {
  key: string;
  text: string;
}

interface Told {
  data: JsonObject;
  /** The members of `data`, and those of its `payload`. */
  written: readonly Written[];
  payload: readonly Written[];
  /** The request's id under both names; nothing where there is none. */
  ids: readonly Written[];
}

/**
 * What We-Link itself sends webhooks of. Of a request that was created or
 * started it sends none: its receivers would take them for failures.
 */
const forms: Readonly<Partial<Record<EventType, (told: Told) => Written[]>>> = {
  "workflow.completed": (told) => (told.data.status === "failed" ? failure(told) : success(told)),
  "workflow.actionRequired": actionRequired,
  "message.reply": unsolicited,
  "connection.accepted": unsolicited,
  "webhook.test": () => [member("status", "SUCCESS"), member("event_type", "webhook.test")],
};

export function isInWeLinkForm(eventType: EventType): boolean {
  return Object.hasOwn(forms, eventType);
}

/**
 * The event as We-Link's flat payload, `hash` last: over the bytes without it.
 *
 * @throws Error where We-Link has no such payload
 */
export function weLinkBody(of: {
  envelope: string;
  eventType: EventType;
  hashFormat: HashFormat;
  secret: string;
}): string {
  const form = forms[of.eventType];
  if (!form) throw new Error(`We-Link's format has no payload for ${of.eventType}`);
  const { data } = JSON.parse(of.envelope) as { data: JsonObject };
  const id = [data.requestId, data.providerRequestId, data.workflowId].find(isText);
  const [written = [], payload = []] = writtenIn(of.envelope, isObject(data.payload));
  const ids = id === undefined ? [] : [member("request_id", id), member("requestId", id)];
  const members = [...form({ data, written, payload, ids }), ...marksIn(written)];
  const text = `{${members.map((one) => one.text).join(",")}}`;
  return `${text.slice(0, -1)},"hash":"${hashOf(text, id, of)}"}`;
}

function hashOf(
  text: string,
  id: string | undefined,
  { hashFormat, secret }: { hashFormat: HashFormat; secret: string },
): string {
  if (hashFormat === "hmac-hex") return hmacHex(secret, text);
  const named = id === undefined ? {} : { request_id: id };
  return signHs256({ ...named, sha256: sha256Hex(text) }, secret);
}

function success({ ids, written }: Told): Written[] {
  const result = written.filter(({ key }) => key === "result");
  return [member("status", "SUCCESS"), ...ids, ...result];
}

/** The one failure whose code is the status, in the specification's words. */
const QUEUE_TIMEOUT = "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED";

function failure({ data, ids }: Told): Written[] {
  const { code, message } = isObject(data.error) ? data.error : {};
  const error = isText(code) ? code : "FAILED";
  const status = error === QUEUE_TIMEOUT ? QUEUE_TIMEOUT : "FAILED";
  const explained = member("message", isText(message) ? message : error);
  return [member("status", status), ...ids, member("error", error), explained];
}

function actionRequired({ data, ids }: Told): Written[] {
  const { message } = isObject(data.payload) ? data.payload : {};
  const said = isText(message) ? [member("message", message)] : [];
  return [member("status", "PIN_REQUIRED"), ...ids, ...said];
}

/** Two ids that differ, or a second hash, would make a receiver refuse the whole. */
const ownNames = ["request_id", "requestId", "requestID", "hash"];

/** The provider's own words, completed where they lack what every payload has. */
function unsolicited({ data, ids, payload }: Told): Written[] {
  const { eventType } = data;
  const has = (name: string) => payload.some(({ key }) => key === name);
  const isNamed = isText(eventType) && eventType !== "UNKNOWN" && !has("event_type");
  return [
    ...(has("status") ? [] : [member("status", "SUCCESS")]),
    ...ids,
    ...payload.filter(({ key }) => !ownNames.includes(key)),
    ...(isNamed ? [member("event_type", eventType)] : []),
  ];
}

/** What a reader of the result must know of it. */
function marksIn(written: readonly Written[]): Written[] {
  return written.filter(({ key }) => key === "numbersAsText" || key === "resultTruncated");
}

/** The members of `data`, and those of its `payload` where that is an object. */
function writtenIn(envelope: string, hasPayload: boolean): Written[][] {
  const data = membersOf(envelope).find(({ key }) => key === "data");
  const written = data ? membersOf(data.text) : [];
  const payload = hasPayload ? written.find(({ key }) => key === "payload") : undefined;
  return [written, payload ? membersOf(payload.text) : []];
}

/** Of the first object in the text: also of the one that a member has as its value. */
function membersOf(text: string): Written[] {
  return topLevelMembers(text).map(({ key, start, end }) => ({
    key,
    text: text.slice(start, end),
  }));
}

function member(key: string, value: string): Written {
  return { key, text: `${JSON.stringify(key)}:${JSON.stringify(value)}` };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
