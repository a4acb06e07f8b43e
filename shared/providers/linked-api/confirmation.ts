import { Failure } from "../../contracts/failures.ts";
import type { InboundEvent } from "../../core/events/inbound-event.ts";
import { isObject, type JsonObject } from "../../core/json/json.ts";
import type { ProviderPack } from "../../core/providers/provider-pack.ts";
import { labelsOf, workflowOutcome } from "./result.ts";

/**
 * Linked API signs nothing: who knows the inbound URL can say anything. What
 * `GET /workflows/{id}` answers comes from the provider itself. It has no such
 * call for accounts.
 */
export const confirmation: NonNullable<ProviderPack["confirmation"]> = {
  request({ type, subjectId }, credentials) {
    if (!type.startsWith("workflow.")) return undefined;
    // Any other id could lead out of the path.
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(subjectId)) {
      throw new Failure(
        "UNCONFIRMED",
        "its workflow id is none that the provider can be asked for",
      );
    }
    return { method: "GET", path: `/workflows/${subjectId}`, headers: credentials };
  },

  read(event, answer) {
    const { success, result } = answer;
    if (success !== true || !isObject(result) || typeof result.workflowStatus !== "string") {
      throw new Failure("UNCONFIRMED", "the provider's answer is not a workflow's");
    }
    const { workflowStatus: status, workflowId } = result;
    if (workflowId !== event.subjectId) return undefined;
    const { type, subjectId } = event;
    // Nothing else of the webhook is taken: who knows the URL wrote it.
    const common = { workflowId, providerRequestId: workflowId };
    if (type !== "workflow.completed") {
      if (!hasReached(event, status)) return undefined;
      const { status: ours = "" } = event.data;
      return { type, subjectId, data: { ...common, status: ours, eventType: "UNKNOWN" } };
    }
    if (status !== "completed" && status !== "failed") return undefined;
    const told = resultOf(result);
    const data = { ...common, ...workflowOutcome(status, told) };
    return { type, subjectId, ...labelsOf(told), data };
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
