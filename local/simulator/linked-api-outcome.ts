import { isObject, type JsonObject } from "../../shared/core/json/json.ts";
import { dataOf } from "./linked-api-data.ts";
import { requestedFailure } from "./magic-values.ts";

/** An action of a workflow, with the actions that follow it. */
export interface Action extends JsonObject {
  actionType: string;
}

/** The part of `GET /workflows/{id}` that describes how a workflow ended. */
export type WorkflowOutcome =
  | { workflowStatus: "completed"; completion: JsonObject | JsonObject[] }
  | { workflowStatus: "failed"; failure: { reason: string; message: string } };

/** Returns the actions of a definition, or undefined for an invalid definition. */
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

/** Returns the types of actions and of those that follow them. */
export function actionTypesOf(actions: readonly Action[]): string[] {
  return actions.flatMap(({ actionType, then }) => [
    actionType,
    ...actionTypesOf(then === undefined ? [] : (actionsOf(then) ?? [])),
  ]);
}

/** Returns how a workflow ends. A workflow that completes may have failed actions. */
export function workflowOutcome(actions: readonly Action[]): WorkflowOutcome {
  const reason = actions.map((one) => requestedFailure(one, "fail-workflow")).find(Boolean);
  if (reason !== undefined) {
    return {
      workflowStatus: "failed",
      failure: { reason, message: `Requested failure: ${reason}` },
    };
  }
  const completions = actions.map(completionOf);
  const [only, ...others] = completions;
  const isAlone = only !== undefined && others.length === 0;
  return { workflowStatus: "completed", completion: isAlone ? only : completions };
}

function completionOf(action: Action): JsonObject {
  const { actionType, label } = action;
  const named = { actionType, ...(typeof label === "string" ? { label } : {}) };
  const type = requestedFailure(action);
  if (type !== undefined) {
    return { ...named, success: false, error: { type, message: `Requested failure: ${type}` } };
  }
  const data = dataOf(action);
  const then = thenOf(action);
  const whole = Array.isArray(data)
    ? data.map((item) => ({ ...item, ...then }))
    : { ...data, ...then };
  return { ...named, success: true, data: whole };
}

/** Returns the results of the following actions, as one object or a list like the definition. */
function thenOf({ then }: Action): JsonObject {
  const completions = actionsOf(then)?.map(completionOf);
  if (!completions) return {};
  // biome-ignore lint/suspicious/noThenProperty: the provider's name for a member that is not a function
  return { then: Array.isArray(then) ? completions : completions[0] };
}
