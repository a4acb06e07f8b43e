import type { Hours, Limit, Preset, WarmUp } from "../../contracts/pace.ts";
import type { PaceFacts, PaceLimit, PaceSettings } from "./pace-settings.ts";
import { presets } from "./presets.ts";

/** What an account says about its pace. */
export interface AccountPace {
  /** Absent: `off`, because the account was registered before there were presets. */
  preset?: Preset | undefined;
  /** Each replaces the preset's limit of the same category and window. */
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

/** The pace of an account. Of a limit and a fact with the same category and window, the lower one is in force. */
export function mergePaceSettings(of: {
  /** Absent: the account is not registered. */
  account: AccountPace | undefined;
  facts: PaceFacts | undefined;
  stage: StagePace;
  /** The lane's id. */
  seed: string;
}): PaceSettings {
  const { account, facts, stage, seed } = of;
  const preset = presets[account ? (account.preset ?? "off") : stage.defaultPreset];
  const limits = new Map<string, PaceLimit>();
  for (const limit of [...preset.limits, ...(account?.limits ?? [])])
    limits.set(keyOf(limit), limit);
  for (const fact of facts?.limits ?? []) {
    const own = limits.get(keyOf(fact));
    if (!own || own.max > fact.max) limits.set(keyOf(fact), { ...fact, isFact: true });
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

const keyOf = ({ category, per }: Limit) => `${category} ${per}`;
