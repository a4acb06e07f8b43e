import { providerPacks } from "../../contracts/providers.ts";
import type { Credentials } from "../providers/provider-client.ts";
import type { Connection, KnownAccount } from "./ports.ts";

/** The headers of a call to the provider: the connection's, and the account's token where there is one. */
export function credentialsOf(
  connection: Pick<Connection, "provider" | "secrets"> | undefined,
  account: KnownAccount | undefined,
): Credentials {
  if (connection === undefined) return {};
  const token = account?.identificationToken;
  const header = providerPacks[connection.provider].accountTokenHeader;
  return {
    ...connection.secrets.credentials,
    ...(token === undefined || header === undefined ? {} : { [header]: token }),
  };
}
