import { Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import type { Settings } from "../shared/contracts/settings.ts";
import type { WebhookTargets } from "../shared/contracts/webhook-targets.ts";
import { ConfigurationError } from "./settings.ts";

/** The one stage that is never deployed. */
const LOCAL_STACK = "ackwire-local";

/**
 * No deployed stage posts to this machine, whoever composes the construct.
 *
 * @throws ConfigurationError
 */
export function refuseLocalTargets(scope: Construct, targets: string): void {
  const { allowsLocal } = JSON.parse(targets) as WebhookTargets;
  if (!allowsLocal || Stack.of(scope).stackName === LOCAL_STACK) return;
  throw new ConfigurationError(["webhookTargets: only the local run may have allowsLocal"]);
}

/** Where a deployed stage delivers webhooks to, as `WEBHOOK_TARGETS` has it: public addresses alone. */
export function webhookTargetsOf({ webhookPort, webhookAlternativePort }: Settings): string {
  const targets: WebhookTargets = {
    ports: [...new Set([webhookPort, webhookAlternativePort])],
    allowsLocal: false,
    refusedPorts: [],
  };
  return JSON.stringify(targets);
}
