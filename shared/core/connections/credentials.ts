import type { Credentials } from "../providers/provider-client.ts";
import type { Connection, KnownAccount } from "./ports.ts";

/** The headers by which the provider knows the connection and, at Linked API, the account. */
export function credentialsOf(
  connection: Pick<Connection, "secrets"> | undefined,
  account: KnownAccount | undefined,
): Credentials {
  const token = account?.identificationToken;
  return {
    ...connection?.secrets.credentials,
    ...(token === undefined ? {} : { "identification-token": token }),
  };
}
