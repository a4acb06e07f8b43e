import type { ProviderId } from "../../contracts/providers.ts";
import type { AccountPaceChange } from "./account-pace.ts";

/** Selects an account where its id exists on several connections. */
export interface AccountSelector {
  provider?: ProviderId | undefined;
  connectionId?: string | undefined;
}

export interface AccountChange extends AccountPaceChange {
  provider: ProviderId;
  connectionId?: string | undefined;
  identificationToken?: string | undefined;
}
