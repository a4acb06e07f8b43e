import type { Category, Hours, Limit, WarmUp } from "../../contracts/pace.ts";

/** A limit that is in force. */
export interface PaceLimit extends Limit {
  /** It is the provider's own rule: the warm-up does not lower it. */
  isProviderLimit?: true;
}

/** A range from which a time is drawn. */
export interface MsRange {
  minMs: number;
  maxMs: number;
}

/** The provider's own limits for one account. They apply whatever the account's settings are. */
export interface ProviderLimits {
  limits: readonly Limit[];
}

/** Everything that decides when an account may submit, merged: its preset, its own limits and the provider's limits. */
export interface PaceSettings {
  /** The shortest and the longest gap between the answer to a submission and the next submission. */
  minGapMs: number;
  maxGapMs: number;
  /** At most one of each category and window. */
  limits: readonly PaceLimit[];
  /** Absent: open always. */
  hours?: Hours;
  warmUp?: WarmUp;
  /** The time after a submission in which no request of its category is submitted. */
  coolDowns: Partial<Record<Category, MsRange>>;
  /** Decides every draw, so that a forecast draws as the worker does; the lane's id. */
  seed: string;
}
