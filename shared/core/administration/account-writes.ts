import { type AccountItem, configKey } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import type { Preset } from "../../contracts/pace.ts";
import { type ProviderId, providerPacks } from "../../contracts/providers.ts";
import { type Clock, toIso } from "../clock.ts";
import { type MasterKeys, seal, unseal } from "../crypto/master-keys.ts";
import { InvalidRequest } from "../input/invalid-request.ts";
import type { LaneAccount } from "../requests/state/record.ts";
import { retryOnConflict } from "../retry-on-conflict.ts";
import type { AccountChange } from "./account-change.ts";
import { paceMembers } from "./account-pace.ts";
import { identificationToken } from "./identification-token.ts";
import type { ConfigStore } from "./ports.ts";

/** Attempts to change an account when other writers come first. At each, one of them succeeds. */
const MAX_ATTEMPTS = 20;

/** Changes accounts by optimistic writes: of two changes at the same moment, none is lost. */
export function makeAccountWrites(deps: {
  store: Pick<ConfigStore, "account" | "replaceAccount">;
  masterKeys: () => Promise<MasterKeys>;
  randomHex: (bytes: number) => string;
  clock: Clock;
  /** The set of limits of a new account. */
  defaultPreset: Preset;
}) {
  const { store, clock, defaultPreset } = deps;

  /**
   * Changes an account, or creates it.
   *
   * @param changeOf what to change of the account as it is stored; `undefined`: nothing
   * @returns the account; `undefined` where nothing was to be changed
   * @throws DEPENDENCY_DOWN, also when other writers come first at every attempt
   */
  async function change(
    of: LaneAccount,
    changeOf: (before: AccountItem | undefined) => Partial<AccountChange> | undefined,
  ): Promise<AccountItem | undefined> {
    const { connectionId, accountId } = of;
    const result = await retryOnConflict({
      find: async () => ({ before: await store.account(connectionId, accountId) }),
      async decide({ before }) {
        const changes = changeOf(before);
        return changes && itemOf(of, changes, before);
      },
      replace: async (item, { before }) =>
        (await store.replaceAccount(item, before)) ? item : undefined,
      maxAttempts: MAX_ATTEMPTS,
    });
    if (result.kind === "conflict") {
      throw new Failure("DEPENDENCY_DOWN", "the account was changed at the same time");
    }
    return result.kind === "written" ? result.written : undefined;
  }

  async function itemOf(
    { clientId, provider, connectionId, accountId }: LaneAccount,
    change: Partial<AccountChange>,
    before: AccountItem | undefined,
  ): Promise<AccountItem> {
    const pk = configKey.account(connectionId, accountId);
    const { identificationToken: token } = change;
    const tokenStoredRealMs = token ? clock.realMs() : before?.tokenStoredRealMs;
    const sealed = token
      ? seal({ masterKeys: await deps.masterKeys(), randomHex: deps.randomHex }, pk, token)
      : before?.sealedIdentificationToken;
    if (requiresToken(provider) && sealed === undefined) {
      const { name } = providerPacks[provider];
      const message = `is required: ${name} identifies an account by it`;
      throw new InvalidRequest([{ field: "identificationToken", message }]);
    }
    return {
      ...{ pk, clientId, connectionId, accountId, provider },
      createdAt: before?.createdAt ?? toIso(clock.businessMs()),
      version: (before?.version ?? clock.realMs()) + 1,
      ...(sealed === undefined ? {} : { sealedIdentificationToken: sealed }),
      ...(tokenStoredRealMs === undefined ? {} : { tokenStoredRealMs }),
      ...paceMembers(change, before ?? { preset: defaultPreset }),
    };
  }

  /**
   * Stores the provider's token of an account, unless it is stored already, and registers
   * the account where it is new. Returns Ackwire's token of the account.
   *
   * @param askedRealMs when the provider was asked for the token, which may be older than one that
   *   has been stored since; absent: the token is new. Of two that are made at the same moment the
   *   one that is stored last stays, until the provider is asked again
   */
  async function registerToken(
    account: LaneAccount,
    providerToken: string,
    askedRealMs = Number.POSITIVE_INFINITY,
  ): Promise<string> {
    const { clientId, connectionId, accountId } = account;
    const master = await deps.masterKeys();
    const pk = configKey.account(connectionId, accountId);
    await change(account, (before) => {
      const { sealedIdentificationToken: sealed, tokenStoredRealMs = 0 } = before ?? {};
      const isKnown = sealed !== undefined && unseal(master, pk, sealed) === providerToken;
      const isOlder = askedRealMs < tokenStoredRealMs;
      return isKnown || isOlder ? undefined : { identificationToken: providerToken };
    });
    return identificationToken(master, { clientId, accountId });
  }

  return { change, registerToken };
}

/** Whether the provider identifies each account by a token of its own. */
export function requiresToken(provider: ProviderId): boolean {
  return providerPacks[provider].accountTokenHeader !== undefined;
}
