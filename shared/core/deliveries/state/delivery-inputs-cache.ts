import type { WebhookItem } from "../../../contracts/config-items.ts";
import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import type { DeliveryContext } from "./delivery-context.ts";
import type { DeliveryInputKeys, DeliveryInputs, DeliveryInputsReader } from "./ports.ts";
import type { EndReason } from "./record.ts";
import { webhookStatusOf } from "./webhook-status.ts";

/**
 * Maximum age of cached inputs when an attempt starts (real time). A cancellation that
 * comes later than that acts as one that comes during the POST.
 */
const MAX_AGE_MS = 100;

/** Whether a delivery may be attempted, and if not, how it ends. */
export type DeliveryEligibility =
  | { kind: "eligible"; webhook: WebhookItem }
  | { kind: "ineligible"; status: "failed" | "cancelled"; reason: EndReason };

/** The stored inputs that a batch of attempts depends on, read again when they are older than 100 ms. */
export interface DeliveryInputsCache {
  /** @throws DEPENDENCY_DOWN */
  current(): Promise<DeliveryInputs>;
  /** The next `current` reads again: this worker has changed something. */
  invalidate(): void;
  /** @throws DEPENDENCY_DOWN, also if the client's webhook cannot be read */
  eligibilityOf(message: AttemptMessage): Promise<DeliveryEligibility>;
}

/** Returns the distinct keys of the inputs that a batch needs. */
export function inputKeysOf(
  items: readonly { clientId: string; requestId?: string | undefined }[],
): DeliveryInputKeys {
  return {
    clientIds: [...new Set(items.map(({ clientId }) => clientId))],
    requestIds: [...new Set(items.flatMap(({ requestId }) => requestId ?? []))],
  };
}

/** Makes the cache of one batch: a batch may last as long as its slowest endpoint. */
export function makeDeliveryInputsCache(
  { inputs, context }: { inputs: DeliveryInputsReader; context: () => DeliveryContext },
  messages: readonly AttemptMessage[],
): DeliveryInputsCache {
  const keys = inputKeysOf(messages);
  let cached: { inputs: Promise<DeliveryInputs>; atRealMs: number } | undefined;

  function current(): Promise<DeliveryInputs> {
    const { nowRealMs } = context();
    if (!cached || nowRealMs - cached.atRealMs > MAX_AGE_MS) {
      cached = { inputs: inputs.read(keys), atRealMs: nowRealMs };
    }
    return cached.inputs;
  }

  return {
    current,
    invalidate() {
      cached = undefined;
    },
    async eligibilityOf({ clientId, webhookId, requestId }) {
      const { webhooks, unreadable, cancelledRequests } = await current();
      const failure = unreadable.get(clientId);
      if (failure) throw failure;
      const webhook = webhooks.get(clientId);
      if (requestId !== undefined && cancelledRequests.has(requestId)) {
        return { kind: "ineligible", status: "cancelled", reason: "request_cancelled" };
      }
      const { status } = webhookStatusOf(webhook, webhookId);
      if (status === "deleted") {
        return { kind: "ineligible", status: "cancelled", reason: "webhook_deleted" };
      }
      if (status === "disabled" || webhook === undefined || webhook.webhookId !== webhookId) {
        return { kind: "ineligible", status: "failed", reason: "disabled" };
      }
      return { kind: "eligible", webhook };
    },
  };
}
