import type { Settings } from "../shared/contracts/settings.ts";
import type { WebhookTargets } from "../shared/contracts/webhook-targets.ts";

/** Where a deployed stage delivers webhooks to, as `WEBHOOK_TARGETS` has it: public addresses alone. */
export function webhookTargetsOf({ webhookPort, webhookAlternativePort }: Settings): string {
  const targets: WebhookTargets = {
    ports: [...new Set([webhookPort, webhookAlternativePort])],
    allowsLocal: false,
    refusedPorts: [],
  };
  return JSON.stringify(targets);
}
