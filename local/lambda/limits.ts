import { availableParallelism } from "node:os";

/**
 * Maximum payload of a synchronous invocation (6 MB):
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_REQUEST_BYTES = 6_291_456;
/**
 * Maximum response. AWS allows 100 bytes more than it documents and names this
 * number in its error.
 */
export const MAX_RESPONSE_BYTES = 6_291_556;
/**
 * Maximum initialisation time (real). AWS allows 10 s; a laptop that starts all
 * functions at once needs more.
 */
export const INIT_LIMIT_MS = 30_000;
/** Replaces the timeouts of a function that is debugged (24 h): a person may pause it for any time. */
export const INSPECTED_TIMEOUT_MS = 86_400_000;
/** Maximum number of environments of a function without an event source. */
export const DEFAULT_MAX_ENVIRONMENTS = 4;
/**
 * Maximum number of processes that load their function at the same time: each uses
 * a core, and more would only make each other slower.
 */
export const MAX_CONCURRENT_STARTS = Math.max(2, availableParallelism());
/** Environments that are idle for this time (ms) are ended; AWS keeps them for some minutes. */
export const MAX_IDLE_MS = 60_000;
/**
 * Maximum number of concurrent batches of one event source mapping, each in its
 * own environment: twice the cores, from 4 to 16. More processes (some 100 MB each)
 * would make each other slower, and a slow machine would start still more.
 */
export const DEFAULT_MAX_BATCHES = Math.min(16, Math.max(4, 2 * availableParallelism()));
