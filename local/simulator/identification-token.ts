const PREFIX = "simulated-";

/** Returns the identification token of an account of the simulated Linked API. */
export function simulatedIdentificationToken(accountId: string): string {
  return `${PREFIX}${accountId}`;
}

/** Returns the account id in a token. A token of another form is the account id itself. */
export function accountIdOfToken(token: string): string {
  return token.startsWith(PREFIX) ? token.slice(PREFIX.length) : token;
}
