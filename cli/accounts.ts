import {
  composeAccountAdministration,
  type StackTarget,
} from "../shared/composition/administration.ts";
import { type ProviderId, providerId } from "../shared/contracts/providers.ts";
import type { AccountSelector } from "../shared/core/administration/account-change.ts";

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

  async set(where: StackTarget, { client, account, which }: AccountCommand, pace: string) {
    const accounts = await composeAccountAdministration(where);
    const { provider, connectionId } = await accounts.get(client, account, which);
    return accounts.put(client, account, {
      provider,
      connectionId,
      pace: submissionIntervalOf(pace),
    });
  },

  pause: async (where: StackTarget, { client, account, which }: AccountCommand) =>
    (await composeAccountAdministration(where)).pause(client, account, which),

  resume: async (where: StackTarget, { client, account, which }: AccountCommand) =>
    (await composeAccountAdministration(where)).resume(client, account, which),
};

/** Parses seconds such as `30-90`. @throws Error */
function submissionIntervalOf(text: string): { minSeconds: number; maxSeconds: number } {
  const [, min, max] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const pace = { minSeconds: Number(min), maxSeconds: Number(max) };
  if (min !== undefined && pace.minSeconds <= pace.maxSeconds) return pace;
  throw new Error("--pace must be seconds as MIN-MAX, such as 30-90");
}

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
