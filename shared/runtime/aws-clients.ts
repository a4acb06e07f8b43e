/**
 * How every SDK client is made: few, quick retries, so that a call ends well
 * inside the function's timeout and the queue does the long waiting.
 */
export const awsClientDefaults = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    // Without it the handler only warns, and a silent call lasts as long as the function.
    throwOnRequestTimeout: true,
  },
};
