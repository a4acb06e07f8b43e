import { limits } from "../../contracts/limits.ts";
import type { ProviderEvent } from "../../core/events/provider-event.ts";
import { isObject, type JsonObject } from "../../core/json/json.ts";
import { type Meaning, wordIn } from "../../core/providers/vocabulary.ts";
import { linkedApiVocabulary } from "./vocabulary.ts";

type Outcome = Pick<ProviderEvent["data"], "status" | "action" | "eventType" | "result" | "error">;

/**
 * Returns the outcome of a workflow. `result` is one completion, a list of them,
 * or `{completion, failure}`. A completed workflow may have a failed action, which
 * the `eventType` shows.
 */
export function workflowOutcome(status: "completed" | "failed", result: unknown): Outcome {
  const first = firstCompletion(result);
  const action = typeof first?.actionType === "string" ? first.actionType : undefined;
  const succeeded = status === "completed" && first?.success !== false;
  return {
    status,
    ...(action === undefined ? {} : { action }),
    eventType: linkedApiEventTypeOf(action ?? "", succeeded ? "succeeded" : "failed"),
    ...(status === "failed" ? { error: errorOf(result) } : {}),
    // A failed workflow may have done a part of its work.
    ...(result !== undefined && (status === "completed" || hasDoneWork(result)) ? { result } : {}),
  };
}

/** Members that say why a workflow failed, and nothing that it has done. */
const reasonMembers = ["failure", "error", "errors", "reason", "type", "code", "message"];

/** Whether the result of a failed workflow holds more than the reason. */
function hasDoneWork(result: unknown): boolean {
  if (Array.isArray(result)) return result.length > 0;
  if (!isObject(result)) return false;
  const { completion, success: _, ...others } = result;
  if ((completion ?? undefined) !== undefined) return true;
  return Object.keys(others).some((name) => !reasonMembers.includes(name));
}

/** What the state of a workflow is, in an answer or in the `data` of a webhook. */
export interface WorkflowState {
  /** `unknown`: a status that the vocabulary does not list. Absent: there is neither a status nor an outcome. */
  meaning?: Meaning | "unknown";
  /** The status as it was sent. */
  word?: string;
}

/** Reads the status; where there is none, a completion or a failure stands for it. */
export function workflowStateOf(workflow: JsonObject): WorkflowState {
  const word = wordIn(workflow.workflowStatus) ?? wordIn(workflow.status);
  if (word !== undefined) {
    return { meaning: linkedApiVocabulary.meaningOf(word) ?? "unknown", word };
  }
  const has = (name: string) => (workflow[name] ?? undefined) !== undefined;
  if (has("failure")) return { meaning: "failed" };
  return has("completion") ? { meaning: "completed" } : {};
}

/** Why a workflow has not begun, in Linked API's words: `queued` or `outsideWorkingHours`. */
export function pendingReasonOf({ pendingReason }: JsonObject): { pendingReason?: string } {
  const reason = wordIn(pendingReason)?.trim().slice(0, limits.maxNameLength);
  return reason === undefined ? {} : { pendingReason: reason };
}

/** Returns the labels of a result: Linked API repeats each action's label in its completion. */
export function labelsOf(result: unknown): { labels?: string[] } {
  const labels = completionsOf(result)
    .map((completion) => (isObject(completion) ? completion.label : undefined))
    .filter((label) => typeof label === "string");
  return labels.length > 0 ? { labels } : {};
}

/** Returns the result without this label in its completions, and everything else as it came. */
export function withoutLabel(result: unknown, label: string): unknown {
  if (isObject(result) && "completion" in result) {
    return { ...result, completion: withoutLabel(result.completion, label) };
  }
  if (Array.isArray(result)) return result.map((completion) => withoutLabelOf(completion, label));
  return withoutLabelOf(result, label);
}

function withoutLabelOf(completion: unknown, label: string): unknown {
  if (!isObject(completion) || completion.label !== label) return completion;
  const { label: _, ...others } = completion;
  return others;
}

function firstCompletion(result: unknown): JsonObject | undefined {
  const [first] = completionsOf(result);
  return isObject(first) ? first : undefined;
}

function completionsOf(result: unknown): readonly unknown[] {
  const inner = isObject(result) && "completion" in result ? result.completion : result;
  return Array.isArray(inner) ? inner : [inner];
}

/** Finds the reason in `failure`, in the result itself, or in the failed completion. */
function errorOf(result: unknown): { code: string; message: string } {
  const places = [result, firstCompletion(result)].filter(isObject);
  const reasons = places.flatMap((place) => [place.failure, place.error, place]).filter(isObject);
  const text = (key: string) =>
    reasons.map((reason) => reason[key]).find((value) => typeof value === "string");
  const code = text("reason") ?? text("type") ?? text("code");
  return {
    code:
      (code === undefined ? code : (linkedApiVocabulary.codeOf(code) ?? code)) ?? "WORKFLOW_FAILED",
    message: text("message") ?? "The workflow failed",
  };
}

const eventNames = new Map(
  Object.entries({
    "st.sendConnectionRequest": { succeeded: "CONNECTION_SENT", failed: "CONNECTION_FAILED" },
    "st.sendMessage": { succeeded: "MESSAGE_SENT", failed: "MESSAGE_FAILED" },
    "nv.sendMessage": { succeeded: "MESSAGE_SENT", failed: "MESSAGE_FAILED" },
    "st.openPersonPage": { succeeded: "PROFILE_DATA", failed: "PROFILE_DATA" },
    "nv.openPersonPage": { succeeded: "PROFILE_DATA", failed: "PROFILE_DATA" },
    "st.searchPeople": { succeeded: "SEARCH_COMPLETED", failed: "SEARCH_COMPLETED" },
    "nv.searchPeople": { succeeded: "SEARCH_COMPLETED", failed: "SEARCH_COMPLETED" },
  }),
);

export function linkedApiEventTypeOf(action: string, outcome: "succeeded" | "failed"): string {
  return eventNames.get(action)?.[outcome] ?? "UNKNOWN";
}
