import type { WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";
import { newDelivery } from "../creation/new-delivery.ts";
import { toAttemptMessage } from "../state/attempt-message.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import type { DeliveryQueue, DeliveryStore } from "../state/ports.ts";

export interface TestSendDeps {
  deliveries: DeliveryStore;
  queue: DeliveryQueue;
  /** The master keys, `keyId` among them if there is one of that name. @throws DEPENDENCY_DOWN */
  masterKeys: (keyId?: string) => Promise<MasterKeys>;
  context: () => DeliveryContext;
  randomHex: (bytes: number) => string;
  /** Told of what was given up without harm. */
  onIgnoredError: (error: unknown) => void;
}

/**
 * An event of its own for one webhook alone, which goes all the way that every
 * other goes. It is not on the bus.
 *
 * @throws CONFLICT while the webhook is disabled, DEPENDENCY_DOWN
 */
export async function sendTest(
  webhook: WebhookItem,
  deps: TestSendDeps,
): Promise<{ deliveryId: string; eventId: string }> {
  if (webhook.status !== "active") {
    throw new Failure("CONFLICT", "the webhook is disabled: enable it with PATCH");
  }
  const { clientId } = webhook;
  const context = deps.context();
  const type = "webhook.test" as const;
  const eventId = `${type}:${deps.randomHex(16)}`;
  const envelope = JSON.stringify({
    id: eventId,
    type,
    createdAt: new Date(context.nowMs).toISOString(),
    data: { provider: "ackwire", eventType: "UNKNOWN", message: "A test of your webhook" },
  });
  const master = await masterKeysFor(webhook, deps);
  const event = { id: eventId, type, clientId, envelope };
  const delivery = newDelivery(webhook, event, { master, context });
  await deps.deliveries.create(delivery);
  // It is stored: the sweep finds it where the message is lost.
  await deps.queue
    .send("retries", [{ message: toAttemptMessage(delivery) }])
    .catch(deps.onIgnoredError);
  return { deliveryId: delivery.deliveryId, eventId };
}

/** Another process may have made the secret with a master key that is newer than ours. */
async function masterKeysFor({ secrets }: WebhookItem, { masterKeys }: TestSendDeps) {
  const keyId = secrets[0]?.masterKeyId ?? "";
  const master = await masterKeys(keyId);
  if (master.keys.has(keyId)) return master;
  throw new Failure("DEPENDENCY_DOWN", `master key ${keyId} is not known here yet: try again`);
}
