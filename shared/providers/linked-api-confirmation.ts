import { Failure } from "../contracts/failures.ts";
import { isObject, type JsonObject } from "../core/json.ts";
import type { InboundEvent, ProviderPack } from "../core/provider-pack.ts";
import { workflowOutcome } from "./linked-api-result.ts";

/**
 * Linked API signs nothing: who knows the inbound URL can say anything. What
 * `GET /workflows/{id}` answers comes from the provider itself. It has no such
 * call for accounts.
 */
export const confirmation: NonNullable<ProviderPack["confirmation"]> = {
  request({ type, subjectId }, credentials) {
    if (!type.startsWith("workflow.")) return undefined;
    return {
      method: "GET",
      path: `/workflows/${encodeURIComponent(subjectId)}`,
      headers: credentials,
    };
  },

  read(event, answer) {
    const { success, result } = answer;
    if (success !== true || !isObject(result) || typeof result.workflowStatus !== "string") {
      throw new Failure("UNCONFIRMED", "the provider's answer is not a workflow's");
    }
    const { workflowStatus: status } = result;
    if (event.type !== "workflow.completed") return hasReached(event, status) ? event : undefined;
    if (status !== "completed" && status !== "failed") return undefined;
    const { result: _, error: __, action: ___, ...common } = event.data;
    return { ...event, data: { ...common, ...workflowOutcome(status, resultOf(result)) } };
  },
};

const order = ["pending", "running", "completed"];

/** A later state confirms an earlier one: events come late, and in any order. */
function hasReached({ data }: InboundEvent, status: string): boolean {
  const now = status === "failed" ? "completed" : status;
  return order.indexOf(now) >= order.indexOf(data.status ?? "");
}

function resultOf({ completion, failure }: JsonObject): unknown {
  return failure === undefined ? completion : { completion, failure };
}
