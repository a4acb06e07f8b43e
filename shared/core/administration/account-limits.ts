import type { AccountItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import type { Limit } from "../../contracts/pace.ts";
import type { Clock } from "../clock.ts";
import { limitBudgets } from "../pace/budget.ts";
import {
  isEnabled,
  type LimitKey,
  type StagePace,
  withoutLimits,
} from "../pace/merge-pace-settings.ts";
import type { PaceSettings } from "../pace/pace-settings.ts";
import { presets } from "../pace/presets.ts";
import { laneId } from "../requests/acceptance/request-id.ts";
import { currentCounters, noCounters } from "../requests/state/lane-counters.ts";
import type { LaneStore } from "../requests/state/lane-ports.ts";
import type { Lane } from "../requests/state/record.ts";
import type { AccountChange, AccountSelector } from "./account-change.ts";

/** A limit of an account, with what is used of it. */
export interface AccountLimit extends LimitKey {
  max: number;
  /** Lower than `max` while the account warms up. */
  maxNow: number;
  used: number;
  /** `false`: the account has removed the limit, and keeps its `max`. */
  isEnabled: boolean;
}

interface AccountLimitsDeps {
  stagePace: Pick<StagePace, "defaultPreset">;
  lanes: Pick<LaneStore, "find">;
  clock: Clock;
  /** @throws NOT_FOUND, REQUEST_INVALID where several have this id */
  find(clientId: string, accountId: string, which: AccountSelector): Promise<AccountItem>;
  /** @param more what else to change of the account as it is stored */
  put(
    clientId: string,
    accountId: string,
    change: AccountChange,
    more: (before: AccountItem | undefined) => Partial<AccountChange>,
  ): Promise<unknown>;
  paceSettingsOf(account: AccountItem): PaceSettings;
}

/** The limits of accounts. Each function on one account throws NOT_FOUND, REQUEST_INVALID, DEPENDENCY_DOWN. */
export function accountLimits(deps: AccountLimitsDeps) {
  const { find, put } = deps;
  const { defaultPreset } = deps.stagePace;
  return {
    /** The limits that a new account has. */
    defaultLimits: (): readonly Limit[] => presets[defaultPreset].limits,

    /** The account's limits, those that it has removed too. */
    async limits(
      clientId: string,
      accountId: string,
      which: AccountSelector,
    ): Promise<AccountLimit[]> {
      const account = await find(clientId, accountId, which);
      const lane = await deps.lanes.find(laneId(account));
      const settings = deps.paceSettingsOf(account);
      return limitsOfAccount(settings, account.limits ?? [], lane, deps.clock.businessMs());
    },

    /** Replaces the account's own limits by what `change` makes of them. */
    async changeLimits(
      clientId: string,
      accountId: string,
      which: AccountSelector,
      change: (own: readonly Limit[]) => readonly Limit[],
    ): Promise<void> {
      const { provider, connectionId } = await find(clientId, accountId, which);
      await put(clientId, accountId, { provider, connectionId }, (before) => ({
        limits: change(limitsOf(before)),
      }));
    },

    /**
     * Gives an account the limits of a new one.
     *
     * @param isKept tells which of its own limits stay
     */
    async resetLimits(
      clientId: string,
      accountId: string,
      which: AccountSelector,
      isKept: (own: Limit) => boolean,
    ): Promise<void> {
      const { provider, connectionId } = await find(clientId, accountId, which);
      await put(clientId, accountId, { provider, connectionId }, (before) => ({
        preset: defaultPreset,
        limits: limitsOf(before).filter(isKept),
      }));
    },
  };
}

/** The account's own limits. @throws NOT_FOUND when it was deleted meanwhile */
function limitsOf(account: AccountItem | undefined): readonly Limit[] {
  if (account) return account.limits ?? [];
  throw new Failure("NOT_FOUND", "there is no such account");
}

/**
 * The limits of an account: those in force, and those of its own that are not enabled.
 *
 * @param own the account's own limits
 */
function limitsOfAccount(
  settings: PaceSettings,
  own: readonly Limit[],
  lane: Lane | undefined,
  nowMs: number,
): AccountLimit[] {
  const { usage } = lane ? currentCounters(lane) : noCounters;
  const removed = own.filter((limit) => !isEnabled(limit));
  const limits = [...settings.limits, ...withoutLimits(removed, settings.limits)];
  const budgets = limitBudgets({ ...settings, limits }, usage, nowMs);
  return limits.map((limit, n) => ({
    category: limit.category,
    per: limit.per,
    max: limit.max,
    maxNow: budgets[n]?.max ?? limit.max,
    used: budgets[n]?.used ?? 0,
    isEnabled: isEnabled(limit),
  }));
}
