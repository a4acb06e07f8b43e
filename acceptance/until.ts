import { setTimeout as sleep } from "node:timers/promises";

const INTERVAL_MS = 500;

/** Real time that a case waits for each condition: `ACKWIRE_WAIT_SECONDS`, or two minutes. */
export const waitLimitMs = Number(process.env.ACKWIRE_WAIT_SECONDS ?? "120") * 1_000;

/**
 * Waits until `find` returns something other than `undefined` and `false`, and returns it.
 *
 * @param what the condition, in words, for the error
 * @throws Error that names the condition when it does not hold within the limit
 */
export async function until<Found>(
  what: string | (() => string),
  find: () => Promise<Found | undefined | false> | Found | undefined | false,
): Promise<Found> {
  const endMs = Date.now() + waitLimitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > endMs)
      throw new Error(
        `Not within ${waitLimitMs / 1_000} s: ${typeof what === "string" ? what : what()}`,
      );
    await sleep(INTERVAL_MS);
  }
}
