import * as z from "zod/mini";
import { type EventType, eventTypes } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import { limits } from "../../contracts/limits.ts";
import { discriminatorOf } from "../../core/events/event-id.ts";
import type { ProviderEvent } from "../../core/events/provider-event.ts";
import { canonicalJson, isObject, type JsonObject } from "../../core/json/json.ts";
import type { ProviderPack } from "../../core/providers/provider-pack.ts";
import { confirmation } from "./confirmation.ts";
import { linkedApiDialect } from "./dialect.ts";
import { linkedApiRequests } from "./requests.ts";
import { labelsOf, workflowOutcome } from "./result.ts";

const frame = z.object({
  id: z.string().check(z.minLength(1), z.maxLength(limits.maxIdLength)),
  type: z.string().check(z.minLength(1), z.maxLength(limits.maxIdLength)),
  createdAt: z.iso.datetime({ offset: true }).check(z.refine(hasFourDigitYear)),
  data: z.custom<JsonObject>(isObject),
});

/** An offset can shift a time out of the years that ISO 8601 writes with four digits. */
function hasFourDigitYear(createdAt: string): boolean {
  const year = new Date(createdAt).getUTCFullYear();
  return year >= 1000 && year <= 9999;
}

type Frame = z.output<typeof frame>;

/**
 * Linked API: `POST /workflows`. It signs no webhooks: the token in the inbound
 * URL is the only proof, and is checked before the pack sees the webhook.
 */
export const linkedApi: ProviderPack<"linked-api"> = {
  id: "linked-api",
  name: "Linked API",
  baseUrl: "https://api.linkedapi.io",
  credentialHeaders: ["linked-api-token"],
  requiresWebhookSecret: false,
  accountTokenHeader: "identification-token",
  // The `actionType` of the first action.
  actionPattern: /^[A-Za-z][A-Za-z0-9_.]{0,63}$/,
  takesActionList: true,
  marksUnknownAccounts: true,
  confirmation,
  client: linkedApiRequests,
  dialect: linkedApiDialect,

  verify: () => ({ kind: "verified", form: "url" }),

  parseWebhook(webhook) {
    const read = frame.safeParse(webhook.value);
    if (!read.success) {
      const members = read.error.issues.map((issue) => issue.path.join(".")).join(", ");
      throw new Failure("FRAME_INVALID", `missing or invalid members: ${members}`);
    }
    const { data: event } = read;
    const subject = identityOf(event);
    const createdAt = new Date(event.createdAt).toISOString();
    if (subject === undefined) {
      return {
        type: "event.unrecognised",
        providerObjectId: event.id,
        // The meaning of its ids is unknown, so each body is an event of its own.
        discriminator: discriminatorOf(canonicalJson(webhook.value)),
        createdAt,
        data: { eventType: "UNKNOWN", payload: webhook.value },
      };
    }
    return {
      ...subject,
      createdAt,
      ...(subject.type === "workflow.completed" ? labelsOf(event.data.result) : {}),
      data: dataOf(subject.type, event, webhook.value),
    };
  },
};

function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= limits.maxIdLength;
}

type EventIdentity = Pick<ProviderEvent, "type" | "providerObjectId" | "discriminator">;

function identityOf(event: Frame): EventIdentity | undefined {
  const type = eventTypes.find((known) => known === event.type);
  if (type === undefined || statusOf(type, event.data) === undefined) return undefined;
  if (type === "webhook.test") {
    return { type, providerObjectId: event.id, discriminator: discriminatorOf(event.createdAt) };
  }
  if (type.startsWith("workflow.")) return workflowIdentity(type, event);
  return accountIdentity(type, event);
}

/** Workflow events differ by `id` alone, which is documented as `<type>:<workflowId>`. */
function workflowIdentity(type: EventType, event: Frame): EventIdentity | undefined {
  const { workflowId } = event.data;
  if (!isId(workflowId)) return undefined;
  const asDocumented = event.id === `${type}:${workflowId}`;
  return {
    type,
    providerObjectId: workflowId,
    ...(asDocumented ? {} : { discriminator: discriminatorOf(event.id) }),
  };
}

/** An account can become active several times under one `id`, so the time is part of the key. */
function accountIdentity(type: EventType, event: Frame): EventIdentity | undefined {
  const { accountId } = event.data;
  if (!isId(accountId)) return undefined;
  return {
    type,
    providerObjectId: accountId,
    discriminator: discriminatorOf(`${event.id}|${event.createdAt}`),
  };
}

/** The status by the type; only a completed workflow states its own. */
function statusOf(type: EventType, data: JsonObject): string | undefined {
  if (type !== "workflow.completed") return statusByType[type];
  return data.status === "completed" || data.status === "failed" ? data.status : undefined;
}

const statusByType: Readonly<Partial<Record<EventType, string>>> = {
  "workflow.created": "pending",
  "workflow.started": "running",
  "account.active": "active",
  "account.reconnectionRequired": "reconnection_required",
  "account.frozen": "frozen",
  "account.deleted": "deleted",
  "webhook.test": "test",
};

function dataOf(type: EventType, event: Frame, payload: JsonObject): ProviderEvent["data"] {
  if (type === "webhook.test") return { eventType: "UNKNOWN", payload };
  const { workflowId, accountId } = event.data;
  const status = statusOf(type, event.data);
  const isWorkflow = type.startsWith("workflow.") && isId(workflowId);
  const common = {
    ...(isWorkflow ? { workflowId, providerRequestId: workflowId } : {}),
    ...(isId(accountId) ? { accountId } : {}),
    ...(status === undefined ? {} : { status }),
  };
  if (type !== "workflow.completed") return { ...common, eventType: "UNKNOWN", payload };
  const outcome = status === "failed" ? "failed" : "completed";
  return { ...common, ...workflowOutcome(outcome, event.data.result) };
}
