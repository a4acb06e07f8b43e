import { type AccountItem, configKey } from "../../contracts/config-items.ts";
import { Failure, type Remedy } from "../../contracts/failures.ts";
import type { ProviderId } from "../../contracts/providers.ts";
import { type Clock, toIso } from "../clock.ts";
import type { MasterKeys } from "../crypto/master-keys.ts";
import type { PageOf } from "../input/cursor.ts";
import { InvalidRequest } from "../input/invalid-request.ts";
import { mergePaceSettings, type StagePace } from "../pace/merge-pace-settings.ts";
import type { PaceSettings } from "../pace/pace-settings.ts";
import type { ProviderClient } from "../providers/provider-client.ts";
import type { AccountDirectory } from "../requests/acceptance/accept-request.ts";
import { laneId } from "../requests/acceptance/request-id.ts";
import type { LaneScheduler } from "../requests/lanes/lane-scheduler.ts";
import type { LaneStore } from "../requests/state/lane-ports.ts";
import { activePause } from "../requests/state/pause-after.ts";
import { type LaneAccount, PAUSED_BY_CLIENT } from "../requests/state/record.ts";
import type { AccountChange, AccountSelector } from "./account-change.ts";
import { accountLimits } from "./account-limits.ts";
import { makeAccountWrites, requiresToken } from "./account-writes.ts";
import { budgetView } from "./budget-view.ts";
import { identificationToken } from "./identification-token.ts";
import type { ConfigStore } from "./ports.ts";

export interface AccountsDeps {
  /** The pace of accounts that have none of their own; new accounts get `defaultPreset`. */
  stagePace: StagePace;
  providerClients: Readonly<Record<ProviderId, Pick<ProviderClient, "providerLimits">>>;
  store: ConfigStore;
  lanes: LaneStore;
  laneScheduler: LaneScheduler;
  masterKeys: () => Promise<MasterKeys>;
  /** Returns that many random bytes as hex. */
  randomHex: (bytes: number) => string;
  clock: Clock;
  /** Called with errors that do not fail the call. */
  onNonFatalError: (error: unknown) => void;
}

/** Cache TTL (real time) for a client's only connection of a provider. */
const CONNECTION_TTL_MS = 30_000;

export type Accounts = ReturnType<typeof makeAccounts>;

/** Manages a client's accounts: pace, provider token, pause and resume. */
export function makeAccounts(deps: AccountsDeps) {
  const { store, lanes, laneScheduler, clock, stagePace } = deps;
  const { defaultPreset } = stagePace;
  const writes = makeAccountWrites({ ...deps, defaultPreset });
  /** Accounts that this process has registered or found registered. */
  const registeredAccounts = new Set<string>();
  const soleConnections = new Map<string, { connectionId: string; readAtMs: number }>();

  async function connectionIdsOf(clientId: string, provider: ProviderId): Promise<string[]> {
    const connections = await store.connectionsOf(clientId);
    return connections
      .filter((connection) => connection.provider === provider)
      .map(({ connectionId }) => connectionId);
  }

  const connectionIdOf: AccountDirectory["connectionIdOf"] = async (of) => {
    const { clientId, provider, connectionId, accountId } = of;
    if (connectionId !== undefined) {
      const named = await store.connection(connectionId);
      if (named?.clientId === clientId && named.provider === provider) return connectionId;
      throw invalid("connectionId", `is not one of your ${provider} connections`);
    }
    const key = `${clientId} ${provider}`;
    const known = soleConnections.get(key);
    const nowMs = clock.realMs();
    if (known && nowMs - known.readAtMs < CONNECTION_TTL_MS) return known.connectionId;
    const [only, ...others] = await connectionIdsOf(clientId, provider);
    if (only === undefined)
      throw invalid("provider", "has no connection: create one first", "createConnection");
    if (others.length > 0) return soleConnectionWithAccount([only, ...others], accountId);
    if (soleConnections.size >= CACHE_LIMIT) soleConnections.clear();
    soleConnections.set(key, { connectionId: only, readAtMs: nowMs });
    return only;
  };

  /** Returns the one connection that has the account. @throws REQUEST_INVALID where none or several have it */
  async function soleConnectionWithAccount(connectionIds: string[], accountId: string | undefined) {
    const known = await Promise.all(
      connectionIds.map((id) =>
        accountId === undefined ? undefined : store.account(id, accountId),
      ),
    );
    const [one, ...more] = known.filter((item) => item !== undefined);
    if (one && more.length === 0) return one.connectionId;
    const listed = `there are several, ${listOf(connectionIds)}`;
    throw invalid("connectionId", `is required: ${listed}`, "nameConnection");
  }

  /** @throws NOT_FOUND, REQUEST_INVALID where several have this id */
  async function find(clientId: string, accountId: string, which: AccountSelector) {
    const connections = (await store.connectionsOf(clientId)).filter(
      ({ provider, connectionId }) =>
        (which.provider ?? provider) === provider &&
        (which.connectionId ?? connectionId) === connectionId,
    );
    const found = await Promise.all(
      connections.map(({ connectionId }) => store.account(connectionId, accountId)),
    );
    const [account, ...others] = found.filter((item) => item?.clientId === clientId);
    if (account === undefined) throw new Failure("NOT_FOUND", "there is no such account");
    if (others.length > 0) {
      const ids = found.flatMap((item) => item?.connectionId ?? []);
      const several = `is required: several have this account, ${listOf(ids)}`;
      throw invalid("connectionId", several, "nameConnection");
    }
    return account;
  }

  function paceSettingsOf(account: AccountItem): PaceSettings {
    const providerLimits = deps.providerClients[account.provider].providerLimits;
    return mergePaceSettings({ account, providerLimits, stage: stagePace, seed: laneId(account) });
  }

  async function viewOf(item: AccountItem) {
    const { accountId, provider, connectionId, createdAt, pace, clientId } = item;
    const lane = await lanes.find(laneId(item));
    const pause = activePause(lane?.pause, clock.businessMs());
    const token = requiresToken(provider)
      ? identificationToken(await deps.masterKeys(), { clientId, accountId })
      : undefined;
    return {
      accountId,
      provider,
      connectionId,
      createdAt,
      status: pause ? ("paused" as const) : ("active" as const),
      pausedBecause: pause?.reason,
      pausedUntil: toIso(pause?.untilMs),
      pace,
      preset: item.preset ?? "off",
      limits: item.limits,
      hours: item.hours,
      warmUp: item.warmUp,
      identificationToken: token,
    };
  }

  async function put(
    clientId: string,
    accountId: string,
    change: AccountChange,
    more: (before: AccountItem | undefined) => Partial<AccountChange> = () => ({}),
  ) {
    const { provider } = change;
    const connectionId = await connectionIdOf({ clientId, ...change });
    const of = { clientId, provider, connectionId, accountId };
    const item = await writes.change(of, (before) => ({ ...change, ...more(before) }));
    if (item === undefined) throw new Error("an account that is put is always written");
    // If this fails, the repeated call stores the same and wakes the lane.
    await laneScheduler.wakeAfterChange({ lane: laneId(of), clientId });
    return viewOf(item);
  }

  const accountDirectory: AccountDirectory = {
    connectionIdOf,
    async requireAccount({ provider, connectionId, accountId }) {
      if (!requiresToken(provider)) return;
      const account = await store.account(connectionId, accountId);
      if (account?.sealedIdentificationToken !== undefined) return;
      const how = "use PUT /v1/accounts/{accountId}";
      throw invalid("accountId", `is not registered: ${how}`, "registerAccount");
    },
    async registerAccountIfNew({ clientId, provider, connectionId, accountId }: LaneAccount) {
      const pk = configKey.account(connectionId, accountId);
      if (registeredAccounts.has(pk)) return;
      if (registeredAccounts.size >= CACHE_LIMIT) registeredAccounts.clear();
      const createdAt = toIso(clock.businessMs());
      await store
        .addAccountIfNew({
          ...{ pk, clientId, connectionId, accountId, provider, createdAt },
          ...{ preset: defaultPreset, version: clock.realMs() },
        })
        .then(() => registeredAccounts.add(pk))
        // Not critical: the next request of the account tries again.
        .catch(deps.onNonFatalError);
    },
  };

  return {
    accountDirectory,
    connectionIdsOf,
    put,
    registerToken: writes.registerToken,
    /** Ackwire's token of an account, whether it is registered or not. @throws DEPENDENCY_DOWN */
    tokenOf: async (of: { clientId: string; accountId: string }) =>
      identificationToken(await deps.masterKeys(), of),
    /** All accounts of a client, or one page in the order of `accountKey`. Reads the lanes of these accounts only. */
    async list(clientId: string, page?: PageOf) {
      return Promise.all((await store.accountsOf(clientId, page)).map(viewOf));
    },
    get: async (clientId: string, accountId: string, which: AccountSelector) =>
      viewOf(await find(clientId, accountId, which)),
    /** What the account has used of its limits. @throws NOT_FOUND, REQUEST_INVALID, DEPENDENCY_DOWN */
    async budget(clientId: string, accountId: string, which: AccountSelector) {
      const account = await find(clientId, accountId, which);
      const lane = await lanes.find(laneId(account));
      return budgetView(paceSettingsOf(account), lane, clock.businessMs());
    },
    ...accountLimits({ ...deps, find, put, paceSettingsOf }),
    async delete(clientId: string, accountId: string, which: AccountSelector) {
      const account = await find(clientId, accountId, which);
      const { connectionId } = account;
      await store.deleteAccount(connectionId, accountId);
      registeredAccounts.delete(configKey.account(connectionId, accountId));
      // Its requests have the stage's pace now. A repeated call would not find the account.
      await laneScheduler
        .wakeAfterChange({ lane: laneId(account), clientId })
        .catch(deps.onNonFatalError);
    },
    async pause(clientId: string, accountId: string, which: AccountSelector) {
      const account = await find(clientId, accountId, which);
      await lanes.pause(laneId(account), account, { reason: PAUSED_BY_CLIENT });
      return viewOf(account);
    },
    async resume(clientId: string, accountId: string, which: AccountSelector) {
      const account = await find(clientId, accountId, which);
      const lane = laneId(account);
      const nowMs = clock.businessMs();
      if (await lanes.endAllPauses(lane, laneScheduler.dueAfterWakeUp(nowMs)))
        await laneScheduler.sendWakeUp({ lane, clientId }, nowMs);
      return viewOf(account);
    },
    /**
     * Wakes the lanes of a connection in which requests wait. Accounts after the first
     * `MAX_WOKEN` go on when their lanes are checked next, within five minutes. Never throws.
     */
    async wakeLanesOf({ clientId, connectionId }: Pick<AccountItem, "clientId" | "connectionId">) {
      const wakeAll = async () => {
        const page = { limit: MAX_WOKEN, after: accountKey({ connectionId, accountId: "" }) };
        const accounts = await store.accountsOf(clientId, page);
        const own = accounts.filter((one) => one.connectionId === connectionId);
        const wake = (account: AccountItem) =>
          laneScheduler.wakeEarly({ lane: laneId(account), clientId });
        await Promise.all(own.map((one) => wake(one).catch(deps.onNonFatalError)));
      };
      await wakeAll().catch(deps.onNonFatalError);
    },
  };
}

/** The key by which a client's accounts are listed. */
export function accountKey(of: Pick<AccountItem, "connectionId" | "accountId">): string {
  return `${of.connectionId}#${of.accountId}`;
}

const CACHE_LIMIT = 1_000;

/** Accounts whose lanes one call wakes. */
const MAX_WOKEN = 200;

/** Connections that an error lists. */
const MAX_LISTED = 10;

function listOf(connectionIds: readonly string[]): string {
  const listed = connectionIds.slice(0, MAX_LISTED);
  return [...listed, ...(connectionIds.length > MAX_LISTED ? ["…"] : [])].join(", ");
}

function invalid(field: string, message: string, remedy?: Remedy): InvalidRequest {
  return new InvalidRequest([{ field, message }], remedy);
}
