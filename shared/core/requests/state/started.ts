import { requestEvent } from "../../events/envelope.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { RequestRecord } from "./record.ts";
import { withOutboxEvents } from "./request-state.ts";

/** With `workflow.started`, unless it was caused before. */
export function emitStarted(
  request: RequestRecord,
  context: DecisionContext,
  payload?: unknown,
): RequestRecord {
  if (request.isStarted) return request;
  const event = requestEvent("workflow.started", request, {
    atMs: context.nowMs,
    status: "running",
    eventType: "UNKNOWN",
    ...(payload === undefined ? {} : { more: { payload } }),
  });
  return withOutboxEvents({ ...request, isStarted: true }, context, event);
}
