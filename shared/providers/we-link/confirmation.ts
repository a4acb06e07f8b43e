import { Failure } from "../../contracts/failures.ts";
import type { ProviderEvent } from "../../core/events/provider-event.ts";
import type { ProviderPack } from "../../core/providers/provider-pack.ts";
import { readWeLink } from "./event.ts";
import { requestIdsOf } from "./request-id.ts";
import { weLinkRequests } from "./requests.ts";

/** Asks `get_response` for a request. It has no answer for replies and other unsolicited events. */
export const confirmation: NonNullable<ProviderPack["confirmation"]> = {
  request({ type, providerObjectId }, credentials) {
    const isKnown = credentials["x-api-key"] !== undefined;
    if (!isKnown || !type.startsWith("workflow.")) return undefined;
    return weLinkRequests.pollCall(providerObjectId, credentials);
  },

  read({ type, providerObjectId }, answer) {
    const named = requestIdsOf(answer);
    const event = readAnswer(
      named.length > 0 ? answer : { request_id: providerObjectId, ...answer },
    );
    if (event.providerObjectId !== providerObjectId) return undefined;
    if (event.type === type) return event;
    const isLate = type === "workflow.started" && laterThanStarted.includes(event.type);
    return isLate ? lateStart(providerObjectId) : undefined;
  },
};

/** What only a request reports that has been started. */
const laterThanStarted: readonly string[] = ["workflow.actionRequired", "workflow.completed"];

/** A report that comes late: of it, only that the request was started is confirmed. */
function lateStart(requestId: string): ProviderEvent {
  const ids = { workflowId: requestId, providerRequestId: requestId };
  return {
    type: "workflow.started",
    providerObjectId: requestId,
    data: { ...ids, status: "running", eventType: "UNKNOWN" },
  };
}

function readAnswer(value: Parameters<typeof readWeLink>[0]["value"]): ProviderEvent {
  try {
    return readWeLink({ value, text: "", numbersAsText: false });
  } catch (cause) {
    throw new Failure("UNCONFIRMED", "the answer of the provider is not a request", { cause });
  }
}
