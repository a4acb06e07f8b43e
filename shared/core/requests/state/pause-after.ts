import type { ProviderClient } from "../../providers/provider-client.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { LanePause } from "./record.ts";

/**
 * How an error with this code pauses the account's lane, whether the provider said it by
 * webhook, in answer to a poll or to a submission; `undefined` where it does not.
 *
 * @param retryAfterMs how long the provider asks to wait
 */
export function pauseAfter(
  code: string,
  { nowMs, rules }: DecisionContext,
  provider: Pick<ProviderClient, "consequenceOf">,
  retryAfterMs: number = rules.rateLimitPauseMs,
): LanePause | undefined {
  switch (provider.consequenceOf(code)) {
    case "pauseAccount":
      return { reason: code };
    case "pauseLane":
      return { reason: code, untilMs: nowMs + retryAfterMs };
    default:
      return undefined;
  }
}
