import { isObject, type JsonObject } from "../../shared/core/json/json.ts";
import { dataOf } from "./linked-api-data.ts";
import { askedFailure } from "./magic-values.ts";

/** One action of a workflow, with what is done with its result. */
export interface Action extends JsonObject {
  actionType: string;
}

/** What `GET /workflows/{id}` says of a workflow that has ended. */
export type WorkflowOutcome =
  | { workflowStatus: "completed"; completion: JsonObject | JsonObject[] }
  | { workflowStatus: "failed"; failure: { reason: string; message: string } };

/** The actions of a definition; `undefined` where it is none. */
export function actionsOf(definition: unknown): Action[] | undefined {
  const actions = Array.isArray(definition) ? definition : [definition];
  return actions.length > 0 && actions.every(isAction) ? actions : undefined;
}

function isAction(value: unknown): value is Action {
  if (!isObject(value) || typeof value.actionType !== "string" || value.actionType === "") {
    return false;
  }
  const { then = [] } = value;
  return Array.isArray(then) ? then.every(isAction) : isAction(then);
}

/** What comes of a workflow. One that completes may have actions that failed. */
export function workflowOutcome(actions: readonly Action[]): WorkflowOutcome {
  const reason = actions.map((one) => askedFailure(one, "fail-workflow")).find(Boolean);
  if (reason !== undefined) {
    return { workflowStatus: "failed", failure: { reason, message: `Asked to fail: ${reason}` } };
  }
  const completions = actions.map(completionOf);
  const [only, ...others] = completions;
  const isAlone = only !== undefined && others.length === 0;
  return { workflowStatus: "completed", completion: isAlone ? only : completions };
}

function completionOf(action: Action): JsonObject {
  const { actionType, label } = action;
  const named = { actionType, ...(typeof label === "string" ? { label } : {}) };
  const type = askedFailure(action);
  if (type !== undefined) {
    return { ...named, success: false, error: { type, message: `Asked to fail: ${type}` } };
  }
  const data = dataOf(action);
  const then = thenOf(action);
  const whole = Array.isArray(data)
    ? data.map((item) => ({ ...item, ...then }))
    : { ...data, ...then };
  return { ...named, success: true, data: whole };
}

/** The results of the actions that follow, in the form in which they were asked for. */
function thenOf({ then }: Action): JsonObject {
  const completions = actionsOf(then)?.map(completionOf);
  if (!completions) return {};
  // biome-ignore lint/suspicious/noThenProperty: it is the provider's name, and holds no function
  return { then: Array.isArray(then) ? completions : completions[0] };
}
