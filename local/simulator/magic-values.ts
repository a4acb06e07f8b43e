/**
 * How a caller chooses what comes of its call, beside the behaviour:
 *
 * | what it sends | what comes of it |
 * | --- | --- |
 * | We-Link: any member `fail:CODE` | a webhook FAILED with that code |
 * | We-Link: a login with the password `wrong` | FAILED, WRONG_PASSWORD |
 * | We-Link: a login of an address with `pin` in it | PIN_REQUIRED, until `login_code` |
 * | We-Link: `login_code` with `000000` | the same prompt again, to the byte |
 * | Linked API: any member of an action `fail:TYPE` | that action fails, the workflow completes |
 * | Linked API: any member of an action `fail-workflow:REASON` | the workflow fails |
 * | a credential `refused` | 401 |
 *
 * A member is one of the body's, or of the action's, itself: not of what it holds.
 */
export function askedFailure(
  of: Readonly<Record<string, unknown>>,
  prefix: "fail" | "fail-workflow" = "fail",
): string | undefined {
  return Object.values(of)
    .map((value) => (typeof value === "string" ? value.match(/^([a-z-]+):(\w+)$/) : null))
    .find((match) => match?.[1] === prefix)?.[2];
}

export const WRONG_PASSWORD = "wrong";

/** The code that never answers a PIN prompt. */
export const WRONG_PIN = "000000";

export const needsPin = (email: string) => email.includes("pin");

export const isRefusedCredential = (value: unknown) => value === "refused";
