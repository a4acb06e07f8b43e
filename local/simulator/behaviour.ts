import * as z from "zod/mini";

const rate = () => z._default(z.number().check(z.gte(0), z.lte(1)), 0);

/** How the simulated providers misbehave. What is absent is 0. */
export const behaviour = z.strictObject({
  /** Webhook attempts that are sent twice. */
  duplicateRate: rate(),
  /** Webhook attempts that never leave, and that the provider believes delivered. */
  dropRate: rate(),
  /** Webhook attempts that a forged copy comes along with. */
  forgeRate: rate(),
  /** Calls answered 500 without effect. */
  errorRate: rate(),
  /** Calls answered 429. */
  tooManyRequestsRate: rate(),
  /** Calls that took effect and are never answered. */
  lostAnswerRate: rate(),
  /** Business milliseconds before a webhook's first attempt. */
  delayMs: z._default(
    z
      .tuple([z.number().check(z.gte(0)), z.number().check(z.gte(0))])
      .check(z.refine(([min, max]) => min <= max, "must be [min, max]")),
    [0, 0],
  ),
});

export type Behaviour = z.output<typeof behaviour>;

/** What befalls a call: each at its own rate, at most one of them. */
export type CallFault = "lostAnswer" | "tooManyRequests" | "error";

export function drawCallFault(of: Behaviour): CallFault | undefined {
  const drawn = Math.random();
  if (drawn < of.lostAnswerRate) return "lostAnswer";
  if (drawn < of.lostAnswerRate + of.tooManyRequestsRate) return "tooManyRequests";
  if (drawn < of.lostAnswerRate + of.tooManyRequestsRate + of.errorRate) return "error";
  return undefined;
}

/** Business milliseconds before a webhook's first attempt. */
export function drawDelayMs({ delayMs: [min, max] }: Behaviour): number {
  return min + Math.random() * (max - min);
}
