import { requestEvent } from "../../events/envelope.ts";
import type { RequestRecord } from "../record.ts";
import { causing, type Moment } from "../request-state.ts";

/** With `workflow.started`, unless it was caused before. */
export function started(request: RequestRecord, moment: Moment, payload?: unknown): RequestRecord {
  if (request.isStarted) return request;
  const event = requestEvent("workflow.started", request, {
    atMs: moment.nowMs,
    status: "running",
    eventType: "UNKNOWN",
    ...(payload === undefined ? {} : { more: { payload } }),
  });
  return causing({ ...request, isStarted: true }, moment, event);
}
