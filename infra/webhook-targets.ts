import { Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Settings } from "../shared/contracts/settings.ts";
import type { WebhookTargets } from "../shared/contracts/webhook-targets.ts";
import { ConfigurationError } from "./configuration-error.ts";

/** The stack of the local run, which is never deployed. */
const LOCAL_STACK = "ackwire-local";

/**
 * Prevents a deployed stack from posting webhooks to loopback addresses.
 *
 * @throws ConfigurationError
 */
export function refuseLocalTargets(scope: Construct, targets: string): void {
  const { allowsLocal } = JSON.parse(targets) as WebhookTargets;
  if (!allowsLocal || Stack.of(scope).stackName === LOCAL_STACK) return;
  throw new ConfigurationError(["webhookTargets: only the local run may have allowsLocal"]);
}

/** Returns the value of `WEBHOOK_TARGETS` for a deployed stage: public addresses only. */
export function webhookTargetsOf({ webhookPort, webhookAlternativePort }: Settings): string {
  const targets: WebhookTargets = {
    ports: [...new Set([webhookPort, webhookAlternativePort])],
    allowsLocal: false,
    refusedPorts: [],
  };
  return JSON.stringify(targets);
}
