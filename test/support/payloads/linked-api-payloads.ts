import type { JsonObject } from "../../../shared/core/json/json.ts";

/** Payloads of Linked API, after its documentation. */

const statuses = { created: "pending", started: "running" } as const;

/** A workflow's event; `of` is for `data`. */
export function workflowWords(
  state: "created" | "started" | "completed",
  workflowId: string,
  of: { createdAt: string; data?: JsonObject },
): JsonObject {
  const type = `workflow.${state}`;
  const status = state === "completed" ? "completed" : statuses[state];
  return {
    id: `${type}:${workflowId}`,
    type,
    createdAt: of.createdAt,
    data: { workflowId, accountId: "its own name of it", status, ...of.data },
  };
}

/** What each account event's `status` is. */
export const accountStatuses = {
  "account.reconnectionRequired": "reconnection_required",
  "account.active": "active",
  "account.frozen": "frozen",
  "account.deleted": "deleted",
} as const;

export function accountWords(
  type: keyof typeof accountStatuses,
  of: { createdAt: string; accountId: string },
): JsonObject {
  const { createdAt, accountId } = of;
  const data = { accountId, status: accountStatuses[type] };
  return { id: `${type}:${accountId}`, type, createdAt, data };
}
