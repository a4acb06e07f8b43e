import type { ProviderId } from "../../../contracts/providers.ts";
import type { RequestRecord } from "./record.ts";

/**
 * Kinds of work that is due at a business time. The sweep reads each kind apart from the others,
 * so that a backlog of one kind delays no other kind:
 *
 * - `start`: scheduled requests that must join their lane, and lanes that must be worked;
 * - `end`: time limits, and lanes that are only checked;
 * - `poll`: requests about which one provider must be asked, before or at their time limit.
 */
export type DueWork = "start" | "end" | { poll: ProviderId };

/**
 * Kinds of work that a writer did not complete in its time (real):
 *
 * - `recent`: submissions whose worker crashed, inputs whose message was lost, and events that their
 *   writer did not publish;
 * - `outbox`: events of which a second worker has taken over the publishing. While the bus accepts
 *   none, these are many, and wait apart from the others.
 */
export type StaleWork = "recent" | "outbox";

export const staleWorks: readonly StaleWork[] = ["recent", "outbox"];

export function dueWorkOf({
  status,
  provider,
  providerRequestId,
}: Pick<RequestRecord, "status" | "provider" | "providerRequestId">): DueWork {
  if (status === "SCHEDULED") return "start";
  const canBePolled = status === "RUNNING" || status === "ACTION_REQUIRED" || status === "UNKNOWN";
  return canBePolled && providerRequestId !== undefined ? { poll: provider } : "end";
}

export function staleWorkOf({
  status,
  outbox: [first],
}: Pick<RequestRecord, "status" | "outbox">): StaleWork {
  const isTakenOver = first?.claimedInVersion !== undefined;
  return status !== "SUBMITTING" && isTakenOver ? "outbox" : "recent";
}
