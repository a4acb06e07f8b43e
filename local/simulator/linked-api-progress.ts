import type { JsonObject } from "../../shared/core/json/json.ts";
import { type Action, workflowOutcome } from "./linked-api-outcome.ts";

/** A moment of a workflow's life: its webhook, and the answer to a question from then on. */
interface Moment {
  atMs: number;
  webhook: JsonObject;
  answer: JsonObject;
}

/** The whole life of a workflow; its three moments come at the times given, in their order. */
export function courseOf(of: {
  workflowId: string;
  accountId: string;
  actions: readonly Action[];
  times: readonly [number, number, number];
}): Moment[] {
  const { workflowId, accountId, actions } = of;
  const { workflowStatus, ...ending } = workflowOutcome(actions);
  const result = "completion" in ending ? ending.completion : ending;
  const times = of.times.toSorted((a, b) => a - b);
  const moment = (type: string, status: string, { data = {}, answer = {} } = {}): Moment => {
    const atMs = times.shift() ?? 0;
    return {
      atMs,
      webhook: {
        id: `${type}:${workflowId}`,
        type,
        createdAt: new Date(atMs).toISOString(),
        data: { workflowId, accountId, status, ...data },
      },
      answer: { workflowStatus: status, ...answer },
    };
  };
  return [
    moment("workflow.created", "pending"),
    moment("workflow.started", "running"),
    moment("workflow.completed", workflowStatus, { data: { result }, answer: ending }),
  ];
}
