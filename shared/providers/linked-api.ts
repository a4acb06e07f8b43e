import * as z from "zod/mini";
import { type EventType, eventTypes } from "../contracts/events.ts";
import { Failure } from "../contracts/failures.ts";
import { discriminatorOf } from "../core/event-id.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import type { InboundEvent, ProviderPack } from "../core/provider-pack.ts";

const frame = z.object({
  id: z.string().check(z.minLength(1)),
  type: z.string().check(z.minLength(1)),
  createdAt: z.iso.datetime({ offset: true }),
  data: z.custom<JsonObject>(isObject),
});

type Frame = z.output<typeof frame>;

/** Linked API signs nothing: the secret in the URL is the proof, and it was checked before. */
export const linkedApi: ProviderPack = {
  id: "linked-api",

  verify: () => true,

  read(webhook) {
    const read = frame.safeParse(webhook.value);
    if (!read.success) {
      const members = read.error.issues.map((issue) => issue.path.join(".")).join(", ");
      throw new Failure("FRAME_INVALID", `not as Linked API sends it: ${members}`);
    }
    const { data: event } = read;
    const subject = subjectOf(event);
    const createdAt = new Date(event.createdAt).toISOString();
    if (subject === undefined) {
      return {
        type: "event.unrecognised",
        subjectId: event.id,
        createdAt,
        data: { eventType: "UNKNOWN", payload: webhook.value },
      };
    }
    return { ...subject, createdAt, data: dataOf(subject.type, event, webhook.value) };
  },
};

type Subject = Pick<InboundEvent, "type" | "subjectId" | "discriminator">;

function subjectOf(event: Frame): Subject | undefined {
  const type = eventTypes.find((known) => known === event.type);
  if (type === undefined || statusOf(type, event.data) === undefined) return undefined;
  if (type === "webhook.test") return { type, subjectId: event.id };
  if (type.startsWith("workflow.")) return workflowSubject(type, event);
  return accountSubject(type, event);
}

/** `id` alone tells workflow events apart; as a rule it is `<type>:<workflowId>`. */
function workflowSubject(type: EventType, event: Frame): Subject | undefined {
  const { workflowId } = event.data;
  if (typeof workflowId !== "string" || workflowId === "") return undefined;
  const asDocumented = event.id === `${type}:${workflowId}`;
  return {
    type,
    subjectId: workflowId,
    ...(asDocumented ? {} : { discriminator: discriminatorOf(event.id) }),
  };
}

/** An account can become active many times, perhaps under one `id`: the time is part of the key. */
function accountSubject(type: EventType, event: Frame): Subject | undefined {
  const { accountId } = event.data;
  if (typeof accountId !== "string" || accountId === "") return undefined;
  return {
    type,
    subjectId: accountId,
    discriminator: discriminatorOf(`${event.id}|${event.createdAt}`),
  };
}

/** Ours by the type; only a completed workflow says itself how it ended. */
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

function dataOf(type: EventType, event: Frame, payload: JsonObject): InboundEvent["data"] {
  if (type === "webhook.test") return { eventType: "UNKNOWN", payload };
  const { workflowId, accountId } = event.data;
  const status = statusOf(type, event.data);
  const isWorkflow = type.startsWith("workflow.") && typeof workflowId === "string";
  const common = {
    ...(isWorkflow ? { workflowId, providerRequestId: workflowId } : {}),
    ...(typeof accountId === "string" ? { accountId } : {}),
    ...(status === undefined ? {} : { status }),
  };
  if (type !== "workflow.completed") return { ...common, eventType: "UNKNOWN", payload };
  const completion = firstCompletion(event.data.result);
  const action = typeof completion?.actionType === "string" ? completion.actionType : undefined;
  return {
    ...common,
    ...(action === undefined ? {} : { action }),
    eventType: eventTypeOf(action, status !== "failed" && completion?.success !== false),
    ...outcomeOf(event.data),
  };
}

function outcomeOf(data: JsonObject): Pick<InboundEvent["data"], "result" | "error"> {
  if (data.status !== "failed") return "result" in data ? { result: data.result } : {};
  const failure = isObject(data.result) && isObject(data.result.failure) ? data.result.failure : {};
  const code = typeof failure.reason === "string" ? failure.reason : "WORKFLOW_FAILED";
  const message = typeof failure.message === "string" ? failure.message : "The workflow failed";
  return { error: { code, message } };
}

/** `result` is one completion, a list of them, or `{completion, failure}`. */
function firstCompletion(result: unknown): JsonObject | undefined {
  const inner = isObject(result) && "completion" in result ? result.completion : result;
  const first: unknown = Array.isArray(inner) ? inner[0] : inner;
  return isObject(first) ? first : undefined;
}

const eventNames: Readonly<Record<string, { succeeded: string; failed: string }>> = {
  "st.sendConnectionRequest": { succeeded: "CONNECTION_SENT", failed: "CONNECTION_FAILED" },
  "st.sendMessage": { succeeded: "MESSAGE_SENT", failed: "MESSAGE_FAILED" },
  "nv.sendMessage": { succeeded: "MESSAGE_SENT", failed: "MESSAGE_FAILED" },
  "st.openPersonPage": { succeeded: "PROFILE_DATA", failed: "PROFILE_DATA" },
  "nv.openPersonPage": { succeeded: "PROFILE_DATA", failed: "PROFILE_DATA" },
  "st.searchPeople": { succeeded: "SEARCH_COMPLETED", failed: "SEARCH_COMPLETED" },
  "nv.searchPeople": { succeeded: "SEARCH_COMPLETED", failed: "SEARCH_COMPLETED" },
};

function eventTypeOf(action: string | undefined, succeeded: boolean): string {
  const names = action === undefined ? undefined : eventNames[action];
  return names?.[succeeded ? "succeeded" : "failed"] ?? "UNKNOWN";
}
