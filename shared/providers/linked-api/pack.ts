import * as z from "zod/mini";
import type { EventType } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import { limits } from "../../contracts/limits.ts";
import { discriminatorOf } from "../../core/events/event-id.ts";
import { type ProviderEvent, unclearReport } from "../../core/events/provider-event.ts";
import { canonicalJson, isObject, type JsonObject } from "../../core/json/json.ts";
import { providerIdOf } from "../../core/providers/provider-id.ts";
import type { ProviderPack } from "../../core/providers/provider-pack.ts";
import { providerTimeOf } from "../../core/providers/provider-time.ts";
import { confirmation } from "./confirmation.ts";
import { linkedApiDialect } from "./dialect.ts";
import { linkedApiRequests } from "./requests.ts";
import { labelsOf, workflowOutcome, workflowStateOf } from "./result.ts";
import {
  SIGNATURE_HEADER,
  signAsLinkedApi,
  TIMESTAMP_HEADER,
  verifyLinkedApi,
} from "./signature.ts";

const frame = z.object({
  id: z.pipe(
    z.transform(providerIdOf),
    z.string().check(z.minLength(1), z.maxLength(limits.maxIdLength)),
  ),
  type: z.string().check(z.minLength(1), z.maxLength(limits.maxIdLength)),
  // The time of an authentic event may have any form, or be missing.
  createdAt: z.optional(z.unknown()),
  data: z.custom<JsonObject>(isObject),
});

type Frame = z.output<typeof frame>;

/** Linked API: `POST /workflows`. */
export const linkedApi: ProviderPack<"linked-api"> = {
  id: "linked-api",
  name: "Linked API",
  baseUrl: "https://api.linkedapi.io",
  credentialHeaders: ["linked-api-token"],
  requiresWebhookSecret: false,
  signatureHeaders: [SIGNATURE_HEADER, TIMESTAMP_HEADER],
  accountTokenHeader: "identification-token",
  // The `actionType` of the first action.
  actionPattern: /^[A-Za-z][A-Za-z0-9_.]{0,63}$/,
  takesActionList: true,
  marksUnknownAccounts: true,
  confirmation,
  client: linkedApiRequests,
  dialect: linkedApiDialect,
  signWebhook: signAsLinkedApi,

  verify: verifyLinkedApi,

  parseWebhook(webhook) {
    const read = frame.safeParse(webhook.value);
    if (!read.success) {
      const members = read.error.issues.map((issue) => issue.path.join(".")).join(", ");
      throw new Failure("FRAME_INVALID", `missing or invalid members: ${members}`);
    }
    const { data: event } = read;
    const subject = identityOf(event);
    const createdMs = providerTimeOf(event.createdAt);
    const time = createdMs === undefined ? {} : { createdAt: new Date(createdMs).toISOString() };
    const mark = createdMs === undefined ? ({ createdAtReplaced: true } as const) : {};
    if (subject === undefined) {
      const accountId = idOf(event.data.accountId);
      const workflowId = idOf(event.data.workflowId);
      const { word: status } = workflowStateOf(event.data);
      return {
        type: "event.unrecognised",
        providerObjectId: event.id,
        // The meaning of its ids is unknown, so each body is an event of its own.
        discriminator: discriminatorOf(canonicalJson(webhook.value)),
        ...time,
        unclear: unclearReport(
          isKnownType(event) ? "contradictory" : "unrecognised",
          webhook.value,
          { status, eventType: event.type },
        ),
        data: {
          // A request that it names goes on, and its provider is asked.
          ...(workflowId === undefined ? {} : { workflowId, providerRequestId: workflowId }),
          ...(accountId === undefined ? {} : { accountId }),
          eventType: "UNKNOWN",
          payload: webhook.value,
          ...mark,
        },
      };
    }
    return {
      ...subject,
      ...time,
      ...(subject.type === "workflow.completed" ? labelsOf(event.data.result) : {}),
      data: { ...dataOf(subject.type, event, webhook.value), ...mark },
    };
  },
};

/** Returns the id as text, unless it is longer than an id in an event may be. */
function idOf(value: unknown): string | undefined {
  const id = providerIdOf(value);
  return id !== undefined && id.length <= limits.maxIdLength ? id : undefined;
}

type EventIdentity = Pick<ProviderEvent, "type" | "providerObjectId" | "discriminator">;

function identityOf(event: Frame): EventIdentity | undefined {
  const type = typeByName.get(event.type);
  if (type === undefined) return undefined;
  if (type === "webhook.test") {
    return { type, providerObjectId: event.id, discriminator: discriminatorOf(timeText(event)) };
  }
  if (type.startsWith("workflow.")) {
    return statusOf(type, event.data) === undefined ? undefined : workflowIdentity(type, event);
  }
  return accountIdentity(type, event);
}

/** The time as it was sent, which may be no text. */
function timeText({ createdAt }: Frame): string {
  return typeof createdAt === "string" ? createdAt : (JSON.stringify(createdAt) ?? "");
}

/** Workflow events differ by `id` alone, which is documented as `<type>:<workflowId>`. */
function workflowIdentity(type: EventType, event: Frame): EventIdentity | undefined {
  const workflowId = idOf(event.data.workflowId);
  if (workflowId === undefined) return undefined;
  const asDocumented = event.id === `${type}:${workflowId}`;
  return {
    type,
    providerObjectId: workflowId,
    ...(asDocumented ? {} : { discriminator: discriminatorOf(event.id) }),
  };
}

/** An account can become active several times under one `id`, so the time is part of the key. */
function accountIdentity(type: EventType, event: Frame): EventIdentity | undefined {
  const accountId = idOf(event.data.accountId);
  if (accountId === undefined) return undefined;
  return {
    type,
    providerObjectId: accountId,
    discriminator: discriminatorOf(`${event.id}|${timeText(event)}`),
  };
}

/** Ackwire's type of each of Linked API's, which are those of `linkedapi` 1.4.7 (PyPI), types/webhooks.py. */
const typeByName = new Map<string, EventType>([
  ["workflow.created", "workflow.created"],
  ["workflow.started", "workflow.started"],
  ["workflow.completed", "workflow.completed"],
  ["account.active", "account.active"],
  ["account.reconnectionRequired", "account.reconnectionRequired"],
  ["account.frozen", "account.frozen"],
  ["account.deleted", "account.deleted"],
  ["inbox.messageReceived", "message.reply"],
  ["inbox.messageSent", "message.sent"],
  ["network.connectionAccepted", "connection.accepted"],
  ["network.connectionAdded", "connection.added"],
  ["network.connectionRequestReceived", "connection.requestReceived"],
  ["webhook.test", "webhook.test"],
]);

/** Whether the type is known, and the status says something else. */
function isKnownType({ type, data }: Frame): boolean {
  const { meaning } = workflowStateOf(data);
  return typeByName.has(type) && meaning !== undefined && meaning !== "unknown";
}

/**
 * The status by the type; only a completed workflow states its own. `undefined` if that status
 * is no end, or the vocabulary does not list it: the provider is then polled.
 */
function statusOf(type: EventType, data: JsonObject): string | undefined {
  const { meaning } = workflowStateOf(data);
  if (type === "workflow.completed") {
    const outcome = meaning ?? outcomeOfResult(data.result);
    return outcome === "completed" || outcome === "failed" ? outcome : undefined;
  }
  // A receiver branches on the type: whatever its status says, another type ends nothing.
  return statusByType[type];
}

/** The outcome that the result of a completed workflow shows, where it has no status. */
function outcomeOfResult(result: unknown): "completed" | "failed" | undefined {
  if (!isObject(result)) return Array.isArray(result) ? "completed" : undefined;
  return (result.failure ?? undefined) === undefined ? "completed" : "failed";
}

const statusByType: Readonly<Partial<Record<EventType, string>>> = {
  "workflow.created": "pending",
  "workflow.started": "running",
  "account.active": "active",
  "account.reconnectionRequired": "reconnection_required",
  "account.frozen": "frozen",
  "account.deleted": "deleted",
};

/** The specification's name where a type has one; that of a sent message is the outcome of a request. */
const eventTypeByType: Readonly<Partial<Record<EventType, string>>> = {
  "message.reply": "MESSAGE_REPLY",
  "connection.accepted": "CONNECTION_ACCEPTED",
};

function dataOf(type: EventType, event: Frame, payload: JsonObject): ProviderEvent["data"] {
  if (type === "webhook.test") return { eventType: "UNKNOWN", payload };
  const workflowId = type.startsWith("workflow.") ? idOf(event.data.workflowId) : undefined;
  const accountId = idOf(event.data.accountId);
  const status = statusOf(type, event.data);
  const common = {
    ...(workflowId === undefined ? {} : { workflowId, providerRequestId: workflowId }),
    ...(accountId === undefined ? {} : { accountId }),
    ...(status === undefined ? {} : { status }),
  };
  if (type !== "workflow.completed") {
    return { ...common, eventType: eventTypeByType[type] ?? "UNKNOWN", payload };
  }
  const outcome = status === "failed" ? "failed" : "completed";
  return { ...common, ...workflowOutcome(outcome, event.data.result) };
}
