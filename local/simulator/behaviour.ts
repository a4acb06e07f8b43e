import * as z from "zod/mini";
import { script } from "./script.ts";

const rate = () => z._default(z.number().check(z.gte(0), z.lte(1)), 0);

/** The faults of the simulated providers. An absent member is 0. */
export const behaviour = z.strictObject({
  /** Share of the webhook attempts that are sent twice. */
  duplicateRate: rate(),
  /** Share of the webhook attempts that are lost although the provider considers them delivered. */
  dropRate: rate(),
  /** Share of the webhook attempts that a forged copy precedes. */
  forgeRate: rate(),
  /** Share of the calls answered 500 without effect. */
  errorRate: rate(),
  /** Share of the calls answered 429. */
  tooManyRequestsRate: rate(),
  /** Share of the calls that take effect and get no answer. */
  lostAnswerRate: rate(),
  /** Business milliseconds before a webhook's first attempt. */
  delayMs: z._default(
    z
      .tuple([z.number().check(z.gte(0)), z.number().check(z.gte(0))])
      .check(z.refine(([min, max]) => min <= max, "must be [min, max]")),
    [0, 0],
  ),
  /** Answers and webhooks of one's choice. */
  scripts: z._default(z.array(script), []),
  /** Actions that are accepted although the documents do not name them; `*` accepts all. */
  actions: z._default(z.array(z.string()), []),
});

export type Behaviour = z.output<typeof behaviour>;

/** The fault of a call. Each has its own rate; a call has at most one. */
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
