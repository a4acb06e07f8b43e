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
    if (type !== "workflow.started") return event.type === type ? event : undefined;
    return provesStart.includes(event.type) ? startOf(event) : undefined;
  },
};

/** What a request reports that has been started. */
const provesStart: readonly string[] = [
  "workflow.started",
  "workflow.actionRequired",
  "workflow.completed",
];

/**
 * The start of the request that an answer reports. It is one event with one content, whatever the
 * request does by the time of the answer.
 */
function startOf(event: ProviderEvent): ProviderEvent {
  const { type, providerObjectId, unclear, pendingReason } = event;
  const { accountId } = event.data;
  const account = accountId === undefined ? {} : { accountId };
  const ids = { workflowId: providerObjectId, providerRequestId: providerObjectId };
  return {
    type: "workflow.started",
    providerObjectId,
    // What is unclear of a later state is not about the start.
    ...(type === "workflow.started" && unclear ? { unclear } : {}),
    ...(pendingReason === undefined ? {} : { pendingReason }),
    data: { ...ids, ...account, status: "running", eventType: "UNKNOWN" },
  };
}

function readAnswer(value: Parameters<typeof readWeLink>[0]["value"]): ProviderEvent {
  try {
    return readWeLink({ value, text: "", numbersAsText: false });
  } catch (cause) {
    throw new Failure("UNCONFIRMED", "the answer of the provider is not a request", { cause });
  }
}
