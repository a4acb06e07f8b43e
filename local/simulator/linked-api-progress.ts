import type { JsonObject } from "../../shared/core/json/json.ts";
import { type Action, workflowOutcome } from "./linked-api-outcome.ts";

/** A step of a workflow: its webhook, and the answer to status calls from then on. */
interface WorkflowStep {
  atMs: number;
  webhook: JsonObject;
  answer: JsonObject;
}

/** Returns the three steps of a workflow at the given times, in their order. */
export function workflowSteps(workflow: {
  workflowId: string;
  accountId: string;
  actions: readonly Action[];
  times: readonly [number, number, number];
}): WorkflowStep[] {
  const { workflowId, accountId, actions } = workflow;
  const { workflowStatus, ...ending } = workflowOutcome(actions);
  const result = "completion" in ending ? ending.completion : ending;
  const times = workflow.times.toSorted((a, b) => a - b);
  const step = (type: string, status: string, { data = {}, answer = {} } = {}): WorkflowStep => {
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
    step("workflow.created", "pending"),
    step("workflow.started", "running"),
    step("workflow.completed", workflowStatus, { data: { result }, answer: ending }),
  ];
}
