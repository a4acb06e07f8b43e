/**
 * Real seconds after which an event of the fan-out queue is received again when `deliver` has
 * failed with it for the first and for the second time. After that, the queue's visibility timeout
 * applies. A short fault of a dependency then delays a webhook by seconds instead of minutes.
 */
export const EARLY_RETRY_SECONDS: readonly number[] = [5, 30];
