/**
 * Real time that a test waits for a condition before it fails. A condition that
 * holds ends the wait at once, so this is long enough for a machine that is busy
 * with other work. No test asserts that something takes less.
 */
export const WAIT_TIMEOUT_MS = 120_000;

/** For `expect.poll`, `vi.waitFor` and `vi.waitUntil`. */
export const waitOptions = { timeout: WAIT_TIMEOUT_MS, interval: 50 };

/** For a condition that calls a local run: each call takes from the processor what the awaited work needs. */
export const callWaitOptions = { timeout: WAIT_TIMEOUT_MS, interval: 200 };

/** A test or a hook fails after this time: longer than any wait in it, whose error states the missing condition. */
export const TEST_TIMEOUT_MS = 3 * WAIT_TIMEOUT_MS;

/** For a test that runs many cases, each of which waits for leases, timeouts and sweeps. */
export const LONG_TEST_TIMEOUT_MS = 10 * WAIT_TIMEOUT_MS;
