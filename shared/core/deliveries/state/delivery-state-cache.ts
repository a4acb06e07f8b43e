import type { WebhookItem } from "../../../contracts/config-items.ts";
import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import type { DeliveryFacts, DeliveryFactsReader } from "./ports.ts";
import type { EndReason } from "./record.ts";
import { standingOf } from "./webhook-of.ts";

/**
 * How old (real) what a batch knows may be when an attempt begins: what is
 * cancelled or ended in less time before a POST is as what is while it lasts.
 */
const MAX_AGE_MS = 100;

/** What a batch must know of these, each named once. */
export function factKeysOf(
  of: readonly { clientId: string; requestId?: string | undefined }[],
): Parameters<DeliveryFactsReader["read"]>[0] {
  return {
    clientIds: [...new Set(of.map(({ clientId }) => clientId))],
    requestIds: [...new Set(of.flatMap(({ requestId }) => requestId ?? []))],
  };
}

/** What a batch must know, read again when it is no longer fresh: a batch may last as long as its slowest endpoint. */
export function makeDeliveryStateCache(
  { facts, context }: { facts: DeliveryFactsReader; context: () => DeliveryContext },
  hints: readonly AttemptMessage[],
) {
  const of = factKeysOf(hints);
  let read: { facts: Promise<DeliveryFacts>; atRealMs: number } | undefined;

  function now(): Promise<DeliveryFacts> {
    const { nowRealMs } = context();
    if (!read || nowRealMs - read.atRealMs > MAX_AGE_MS) {
      read = { facts: facts.read(of), atRealMs: nowRealMs };
    }
    return read.facts;
  }

  return {
    now,
    forget(): void {
      read = undefined;
    },
    /** Whether a delivery is wanted still. @throws DEPENDENCY_DOWN */
    async standingOf({
      clientId,
      webhookId,
      requestId,
    }: AttemptMessage): Promise<DeliveryEligibility> {
      const { webhooks, cancelledRequests } = await now();
      const present = webhooks.get(clientId);
      if (requestId !== undefined && cancelledRequests.has(requestId)) {
        return { kind: "ineligible", status: "cancelled", reason: "request_cancelled" };
      }
      const { status } = standingOf(present, webhookId);
      if (status === "deleted") {
        return { kind: "ineligible", status: "cancelled", reason: "webhook_deleted" };
      }
      if (status === "disabled" || present === undefined || present.webhookId !== webhookId) {
        return { kind: "ineligible", status: "failed", reason: "disabled" };
      }
      return { kind: "eligible", webhook: present };
    },
  };
}

/** What stands against an attempt, as it is the moment before it would begin. */
export type DeliveryEligibility =
  | { kind: "eligible"; webhook: WebhookItem }
  | { kind: "ineligible"; status: "failed" | "cancelled"; reason: EndReason };
