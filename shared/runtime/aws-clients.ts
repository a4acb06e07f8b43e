/**
 * The configuration of every SDK client: few and quick retries, so that a call
 * ends inside the function's timeout. The queue retries after longer delays.
 */
export const awsClientDefaults = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    // Without it, the handler logs a warning and an unanswered call lasts until the function times out.
    throwOnRequestTimeout: true,
  },
};
