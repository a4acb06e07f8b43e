/**
 * Values by which a caller selects the outcome of its call:
 *
 * | value | outcome |
 * | --- | --- |
 * | We-Link: any member `fail:CODE` | a FAILED webhook with that code |
 * | We-Link: a login with the password `wrong` | FAILED, WRONG_PASSWORD |
 * | We-Link: a login of an address with `pin` in it | PIN_REQUIRED until `login_code` |
 * | We-Link: `login_code` with `000000` | the same prompt again, byte by byte |
 * | Linked API: any member of an action `fail:TYPE` | that action fails, the workflow completes |
 * | Linked API: any member of an action `fail-workflow:REASON` | the workflow fails |
 * | a credential `refused` | 401 |
 *
 * "Any member" means a member at the top level of the body or of the action.
 */
export function requestedFailure(
  of: Readonly<Record<string, unknown>>,
  prefix: "fail" | "fail-workflow" = "fail",
): string | undefined {
  return Object.values(of)
    .map((value) => (typeof value === "string" ? value.match(/^([a-z-]+):(\w+)$/) : null))
    .find((match) => match?.[1] === prefix)?.[2];
}

export const WRONG_PASSWORD = "wrong";

/** The code that the PIN prompt always rejects. */
export const WRONG_PIN = "000000";

export const needsPin = (email: string) => email.includes("pin");

export const isRefusedCredential = (value: unknown) => value === "refused";
