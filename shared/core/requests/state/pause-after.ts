import type { ProviderClient } from "../../providers/provider-client.ts";
import type { DecisionContext } from "./decision-context.ts";
import type { LanePause, RequestRecord } from "./record.ts";

/** Pause (business) of a category whose limit is reached, where the provider does not say how long. */
export const CATEGORY_PAUSE_MS = 5 * 3_600_000;

/**
 * How an error with this code pauses the account's lane or the category of the request, whether
 * the provider said it by webhook, in answer to a poll or to a submission; `undefined` where it
 * does not.
 */
export function pauseAfter(
  code: string,
  { category = "other" }: Pick<RequestRecord, "category">,
  { nowMs, rules }: DecisionContext,
  of: {
    provider: Pick<ProviderClient, "consequenceOf" | "isRestriction">;
    /** How long the provider asks to wait. */
    retryAfterMs?: number | undefined;
  },
): LanePause | undefined {
  const { provider, retryAfterMs } = of;
  switch (provider.consequenceOf(code)) {
    case "pauseAccount":
      return pauseOfAccount({ code }, provider);
    case "pauseLane":
      return { reason: code, untilMs: nowMs + (retryAfterMs ?? rules.rateLimitPauseMs) };
    case "pauseCategory":
      return { reason: code, untilMs: nowMs + (retryAfterMs ?? CATEGORY_PAUSE_MS), category };
    default:
      return undefined;
  }
}

/** The pause, while it is not over. */
export function activePause(pause: LanePause | undefined, nowMs: number): LanePause | undefined {
  const isOver = pause?.untilMs !== undefined && pause.untilMs <= nowMs;
  return isOver ? undefined : pause;
}

/** Pause of an account at which nothing can be done until a person has repaired it. */
export function pauseOfAccount(
  { code }: { code: string },
  provider: Pick<ProviderClient, "isRestriction">,
): LanePause {
  return { reason: code, ...(provider.isRestriction(code) ? { isRestriction: true } : {}) };
}
