import type { WebhookItem } from "../../../contracts/config-items.ts";

/** How a webhook of a client stands, the present one or one before it; `deleted` where nothing is known of it. */
export function standingOf(
  present: WebhookItem | undefined,
  webhookId: string,
): Pick<WebhookItem, "status" | "disabledReason" | "disabledAt"> {
  if (present?.webhookId === webhookId) return present;
  const former = present?.former.find((one) => one.webhookId === webhookId);
  return former ?? { status: "deleted" };
}
