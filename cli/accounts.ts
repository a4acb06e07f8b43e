import {
  composeAccountAdministration,
  type StackTarget,
} from "../shared/composition/administration.ts";
import { type ProviderId, providerId } from "../shared/contracts/providers.ts";
import type { AccountSelector } from "../shared/core/administration/account-change.ts";
import { type PaceOptions, paceChangeOf } from "./pace-options.ts";

/** Target of an accounts command. */
export interface AccountCommand {
  client: string;
  account: string;
  which: AccountSelector;
}

/** The commands `accounts …`. */
export const accountCommands = {
  list: async (where: StackTarget, client: string) =>
    (await composeAccountAdministration(where)).list(client),

  budget: async (where: StackTarget, { client, account, which }: AccountCommand) =>
    (await composeAccountAdministration(where)).budget(client, account, which),

  async set(where: StackTarget, { client, account, which }: AccountCommand, options: PaceOptions) {
    const accounts = await composeAccountAdministration(where);
    const { provider, connectionId, limits = [] } = await accounts.get(client, account, which);
    const change = paceChangeOf(options, limits);
    return accounts.put(client, account, { provider, connectionId, ...change });
  },

  pause: async (where: StackTarget, { client, account, which }: AccountCommand) =>
    (await composeAccountAdministration(where)).pause(client, account, which),

  resume: async (where: StackTarget, { client, account, which }: AccountCommand) =>
    (await composeAccountAdministration(where)).resume(client, account, which),
};

/** Parses `--provider` and `--connection`. @throws Error when the provider is unknown */
export function accountSelectorOf(values: {
  provider?: string | undefined;
  connection?: string | undefined;
}): AccountSelector {
  const { provider, connection: connectionId } = values;
  return {
    connectionId,
    ...(provider === undefined ? {} : { provider: providerOf(provider) }),
  };
}

/** Parses `--provider`. @throws Error when the provider is unknown */
export function providerOf(text: string): ProviderId {
  const provider = providerId.safeParse(text);
  if (provider.success) return provider.data;
  throw new Error(`--provider must be ${providerId.options.join(" or ")}`);
}
