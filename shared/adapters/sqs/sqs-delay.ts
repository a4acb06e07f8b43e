import { limits } from "../../contracts/limits.ts";

/** A delay as SQS accepts it: whole seconds, rounded up, at most `limits.maxSqsDelaySeconds`. */
export function delaySeconds(delayMs: number): number {
  return Math.min(Math.max(0, Math.ceil(delayMs / 1_000)), limits.maxSqsDelaySeconds);
}
