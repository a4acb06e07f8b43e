import type { Hours, Limit, Preset, WarmUp } from "../../contracts/pace.ts";
import type { PaceLimit, PaceSettings, ProviderLimits } from "./pace-settings.ts";
import { presets } from "./presets.ts";

/** What an account says about its pace. */
export interface AccountPace {
  /** Absent: `off`, because the account was registered before there were presets. */
  preset?: Preset | undefined;
  /** Each replaces the preset's limit of the same category and window; one that is not enabled removes it. */
  limits?: readonly Limit[] | undefined;
  hours?: Hours | undefined;
  warmUp?: WarmUp | undefined;
  /** The account's own gap. */
  pace?: { minSeconds: number; maxSeconds: number } | undefined;
}

/** The pace of accounts that have chosen none. */
export interface StagePace {
  minGapMs: number;
  maxGapMs: number;
  defaultPreset: Preset;
}

/** The pace of an account. Of its own limit and the provider's limit with the same category and window, the lower one is in force. */
export function mergePaceSettings(of: {
  /** Absent: the account is not registered. */
  account: AccountPace | undefined;
  providerLimits: ProviderLimits | undefined;
  stage: StagePace;
  /** The lane's id. */
  seed: string;
}): PaceSettings {
  const { account, providerLimits, stage, seed } = of;
  const preset = presets[account ? (account.preset ?? "off") : stage.defaultPreset];
  const limits = new Map<string, PaceLimit>(
    replaceLimits(preset.limits, account?.limits ?? [])
      .filter(isEnabled)
      .map((limit) => [limitKey(limit), limit]),
  );
  for (const limit of providerLimits?.limits ?? []) {
    const key = limitKey(limit);
    const own = limits.get(key);
    if (!own || own.max > limit.max) limits.set(key, { ...limit, isProviderLimit: true });
  }
  const { hours, warmUp, pace } = account ?? {};
  return {
    minGapMs: pace ? pace.minSeconds * 1_000 : stage.minGapMs,
    maxGapMs: pace ? pace.maxSeconds * 1_000 : stage.maxGapMs,
    limits: [...limits.values()],
    coolDowns: preset.coolDowns,
    ...(hours ? { hours } : {}),
    ...(warmUp ? { warmUp } : {}),
    seed,
  };
}

/** What two limits have in common of which one replaces the other. */
export type LimitKey = Pick<Limit, "category" | "per">;

export const limitKey = ({ category, per }: LimitKey) => `${category} ${per}`;

export const isEnabled = (limit: Limit) => limit.isEnabled !== false;

/** The limits, each replaced by the one of `others` with its category and window, and the rest of `others`. */
export function replaceLimits(limits: readonly Limit[], others: readonly Limit[]): Limit[] {
  return [...new Map([...limits, ...others].map((limit) => [limitKey(limit), limit])).values()];
}

/** The limits without those of these categories and windows. */
export function withoutLimits(limits: readonly Limit[], keys: readonly LimitKey[]): Limit[] {
  const removed = new Set(keys.map(limitKey));
  return limits.filter((limit) => !removed.has(limitKey(limit)));
}
