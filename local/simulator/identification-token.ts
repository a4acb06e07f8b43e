const PREFIX = "simulated-";

/** What the simulated Linked API takes as the token of an account. */
export function simulatedIdentificationToken(accountId: string): string {
  return `${PREFIX}${accountId}`;
}

/** The account that a token names; a token of another form is taken as the account's id itself. */
export function accountIdOfToken(token: string): string {
  return token.startsWith(PREFIX) ? token.slice(PREFIX.length) : token;
}
