/** What SQS delays a message by at most. */
const MAX_DELAY_SECONDS = 900;

/** As SQS takes it: in whole seconds, never less than was asked for, up to a quarter of an hour. */
export function delaySeconds(delayMs: number): number {
  return Math.min(Math.max(0, Math.ceil(delayMs / 1_000)), MAX_DELAY_SECONDS);
}
