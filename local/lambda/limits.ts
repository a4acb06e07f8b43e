/** Largest payload of a synchronous invocation (6 MB): https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const MAX_REQUEST_BYTES = 6_291_456;
/** AWS lets an answer be 100 bytes larger, and says so in its error. */
export const MAX_RESPONSE_BYTES = 6_291_556;
/**
 * Real milliseconds in which an environment must have loaded its function. AWS
 * takes 10 s; a laptop that starts all functions at once is given more.
 */
export const INIT_LIMIT_MS = 30_000;
/** Replaces the timeouts of a function that is debugged (24 h): a person may pause it for any time. */
export const INSPECTED_TIMEOUT_MS = 86_400_000;
/** Environments at the same time of a function that is invoked by requests: two cores have enough with them. */
export const DEFAULT_MAX_ENVIRONMENTS = 4;
/** Environments that have nothing to do are kept for so long (ms); AWS keeps them for some minutes. */
export const KEPT_IDLE_MS = 60_000;
/** Batches of one event source mapping at the same time, each in an environment of its own. */
export const DEFAULT_MAX_BATCHES = 16;
