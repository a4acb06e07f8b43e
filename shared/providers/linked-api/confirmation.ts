import { Failure } from "../../contracts/failures.ts";
import type { ProviderEvent } from "../../core/events/provider-event.ts";
import { isObject, type JsonObject } from "../../core/json/json.ts";
import { providerIdOf } from "../../core/providers/provider-id.ts";
import type { ProviderPack } from "../../core/providers/provider-pack.ts";
import type { Meaning } from "../../core/providers/vocabulary.ts";
import { labelsOf, workflowOutcome, workflowStateOf } from "./result.ts";

/**
 * Linked API signs nothing: anyone who knows the inbound URL can send any body.
 * The answer of `GET /workflows/{id}` comes from the provider itself. There is no
 * such call for accounts.
 */
export const confirmation: NonNullable<ProviderPack["confirmation"]> = {
  request({ type, providerObjectId }, credentials) {
    if (!type.startsWith("workflow.")) return undefined;
    // Any other id could point outside of the path.
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(providerObjectId)) {
      throw new Failure("UNCONFIRMED", "the workflow id cannot be part of a path");
    }
    return { method: "GET", path: `/workflows/${providerObjectId}`, headers: credentials };
  },

  read(event, answer) {
    const { success, result } = answer;
    const { meaning } = success === true && isObject(result) ? workflowStateOf(result) : {};
    if (!isObject(result) || !meaning) {
      throw new Failure("UNCONFIRMED", "the answer of the provider is not a workflow");
    }
    if (namesAnother(result, event.providerObjectId)) return undefined;
    const { type, providerObjectId } = event;
    // Nothing else is taken from the webhook, which anyone with the URL may have written.
    const common = { workflowId: providerObjectId, providerRequestId: providerObjectId };
    if (type !== "workflow.completed") {
      if (!hasReached(event, meaning)) return undefined;
      const { status: ours = "" } = event.data;
      return { type, providerObjectId, data: { ...common, status: ours, eventType: "UNKNOWN" } };
    }
    if (meaning !== "completed" && meaning !== "failed") return undefined;
    const outcome = resultOf(result);
    const data = { ...common, ...workflowOutcome(meaning, outcome) };
    return { type, providerObjectId, ...labelsOf(outcome), data };
  },
};

/**
 * Whether the answer is about another workflow than the one that was asked for. The URL of
 * the call names the workflow, and the vendor's clients do not expect its id in the answer:
 * `linkedapi` (PyPI) 1.4.3 reads only `workflowStatus`, `completion` and `failure`.
 */
export function namesAnother({ workflowId }: JsonObject, asked: string): boolean {
  return workflowId !== undefined && workflowId !== null && providerIdOf(workflowId) !== asked;
}

const order: readonly (string | undefined)[] = ["pending", "running", "completed"];

const reached = {
  waiting: "pending",
  running: "running",
  completed: "completed",
  failed: "completed",
} as const satisfies Partial<Record<Meaning, string>>;

/** Whether the workflow has reached the state. A later state confirms an earlier one, because events arrive late and in any order. */
function hasReached({ data }: ProviderEvent, meaning: Meaning | "unknown"): boolean {
  const now = (reached as Partial<Record<string, string>>)[meaning];
  return order.indexOf(now) >= order.indexOf(data.status ?? "");
}

function resultOf({ completion, failure }: JsonObject): unknown {
  return failure === undefined ? completion : { completion, failure };
}
