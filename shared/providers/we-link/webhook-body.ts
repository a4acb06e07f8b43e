import * as z from "zod/mini";
import type { OutboundHashFormat } from "../../contracts/webhook-forms.ts";
import { sha256Hex } from "../../core/crypto/digest.ts";
import { signHs256 } from "../../core/crypto/hs256.ts";
import { isObject, type JsonObject } from "../../core/json/json.ts";
import { topLevelMembers } from "../../core/json/json-members.ts";
import { phpJson } from "../../core/json/php-json.ts";
import { pythonJson } from "../../core/json/python-json.ts";
import type { PayloadWriter, ProviderWebhookFormat } from "../../core/providers/webhook-format.ts";
import { weLinkFailureOf } from "./failure.ts";
import { hmacHex } from "./hash.ts";
import { isText } from "./text.ts";

/** A member as JSON text, `"key":value`; it is copied, not serialised again, to keep every digit. */
interface MemberText {
  key: string;
  text: string;
}

/** The parts of an event from which a payload is composed. */
interface EventParts {
  data: JsonObject;
  /** The members of `data`. */
  members: readonly MemberText[];
  /** The members of `data.payload`. */
  payload: readonly MemberText[];
  /** The request's id under both names; empty where the event has none. */
  ids: readonly MemberText[];
}

/**
 * We-Link's flat payload. We-Link itself sends webhooks of these events only: a
 * receiver would take a payload for a created or started request for a failure.
 */
export const weLinkWebhookFormat: ProviderWebhookFormat = {
  hasHash: true,
  payload: {
    name: "WeLinkPayload",
    schema: z
      .looseObject({
        status: z.string(),
        request_id: z.optional(z.string()),
        requestId: z.optional(z.string()),
        event_type: z.optional(z.string()),
        result: z.optional(z.unknown()),
        error: z.optional(z.string()),
        message: z.optional(z.string()),
        hash: z.string(),
      })
      .check(z.describe("We-Link's flat payload, of a webhook with `format: we-link`.")),
  },
  payloads: {
    "workflow.created": null,
    "workflow.started": null,
    "workflow.actionRequired": payloadOf(actionRequired),
    "workflow.completed": payloadOf(ending),
    // We-Link sends a result whenever it comes: one after a failure looks as any other.
    "workflow.lateResult": payloadOf(ending),
    "account.active": null,
    "account.reconnectionRequired": null,
    "account.frozen": null,
    "account.deleted": null,
    "message.reply": payloadOf(unsolicited),
    "message.sent": null,
    "connection.accepted": payloadOf(unsolicited),
    "connection.added": null,
    "connection.requestReceived": null,
    "webhook.test": payloadOf(() => [
      member("status", "SUCCESS"),
      member("event_type", "webhook.test"),
    ]),
    "event.unrecognised": null,
  },
};

/** Writes the members and, last, `hash` over the bytes without it. */
function payloadOf(compose: (event: EventParts) => MemberText[]): PayloadWriter {
  return ({ envelope, ...signing }) => {
    const { data } = JSON.parse(envelope) as { data: JsonObject };
    const id = [data.requestId, data.providerRequestId, data.workflowId].find(isText);
    const [members = [], payload = []] = membersIn(envelope, isObject(data.payload));
    const ids = id === undefined ? [] : [member("request_id", id), member("requestId", id)];
    const composed = [...compose({ data, members, payload, ids }), ...flagsIn(members)];
    const text = `{${composed.map((one) => one.text).join(",")}}`;
    return `${text.slice(0, -1)},"hash":"${hashOf(text, id, signing)}"}`;
  };
}

function hashOf(
  text: string,
  id: string | undefined,
  { hashFormat, secret }: { hashFormat: OutboundHashFormat; secret: string },
): string {
  switch (hashFormat) {
    case "hmac-hex":
      return hmacHex(secret, text);
    case "python":
      return hmacHex(secret, pythonJson(text));
    case "php":
      return hmacHex(secret, phpJson(text));
    case "jwt":
      return tokenOf(text, id, secret);
  }
}

function tokenOf(text: string, id: string | undefined, secret: string): string {
  const named = id === undefined ? {} : { request_id: id };
  return signHs256({ ...named, sha256: sha256Hex(text) }, secret);
}

function ending(event: EventParts): MemberText[] {
  return event.data.status === "failed" ? failure(event) : success(event);
}

function success({ ids, members }: EventParts): MemberText[] {
  return [member("status", "SUCCESS"), ...ids, ...resultIn(members)];
}

function failure({ data, ids, members }: EventParts): MemberText[] {
  const { status, error, message } = weLinkFailureOf(isObject(data.error) ? data.error : {});
  const told = [member("error", error), member("message", message)];
  // A failed request may have done a part of its work.
  return [member("status", status), ...ids, ...told, ...resultIn(members)];
}

function resultIn(members: readonly MemberText[]): readonly MemberText[] {
  return members.filter(({ key }) => key === "result");
}

function actionRequired({ data, ids }: EventParts): MemberText[] {
  const { message } = isObject(data.payload) ? data.payload : {};
  const messages = isText(message) ? [member("message", message)] : [];
  return [member("status", "PIN_REQUIRED"), ...ids, ...messages];
}

/** Written by us: a receiver rejects a payload with two different ids or a second hash. */
const reservedNames = ["request_id", "requestId", "requestID", "hash"];

/** The provider's own payload, with `status`, ids and `event_type` added where they are missing. */
function unsolicited({ data, ids, payload }: EventParts): MemberText[] {
  const { eventType } = data;
  const has = (name: string) => payload.some(({ key }) => key === name);
  const isNamed = isText(eventType) && eventType !== "UNKNOWN" && !has("event_type");
  return [
    ...(has("status") ? [] : [member("status", "SUCCESS")]),
    ...ids,
    ...payload.filter(({ key }) => !reservedNames.includes(key)),
    ...(isNamed ? [member("event_type", eventType)] : []),
  ];
}

/** Flags that a reader of the result needs. */
function flagsIn(members: readonly MemberText[]): MemberText[] {
  return members.filter(({ key }) => key === "numbersAsText" || key === "resultTruncated");
}

/** The members of `data`, and those of its `payload` where that is an object. */
function membersIn(envelope: string, hasPayload: boolean): MemberText[][] {
  const data = membersOf(envelope).find(({ key }) => key === "data");
  const members = data ? membersOf(data.text) : [];
  const payload = hasPayload ? members.find(({ key }) => key === "payload") : undefined;
  return [members, payload ? membersOf(payload.text) : []];
}

/** The members of the first object in the text, which may be the value of a member. */
function membersOf(text: string): MemberText[] {
  return topLevelMembers(text).map(({ key, start, end }) => ({
    key,
    text: text.slice(start, end),
  }));
}

function member(key: string, value: string): MemberText {
  return { key, text: `${JSON.stringify(key)}:${JSON.stringify(value)}` };
}
