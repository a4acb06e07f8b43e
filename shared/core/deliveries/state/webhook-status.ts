import type { WebhookItem } from "../../../contracts/config-items.ts";

/**
 * Returns the status of one of a client's webhooks, the current one or an earlier one.
 *
 * @param current the client's stored webhook
 * @returns `deleted` for a webhook that is not known
 */
export function webhookStatusOf(
  current: WebhookItem | undefined,
  webhookId: string,
): Pick<WebhookItem, "status" | "disabledReason" | "disabledAt"> {
  if (current?.webhookId === webhookId) return current;
  const earlier = current?.previousWebhooks.find((one) => one.webhookId === webhookId);
  return earlier ?? { status: "deleted" };
}
