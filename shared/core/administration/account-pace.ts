import type { AccountItem } from "../../contracts/config-items.ts";
import type { PaceRange } from "../../contracts/http/accounts.ts";
import type { Hours, Limit, Preset, WarmUp } from "../../contracts/pace.ts";

/** What a client changes of an account's pace. */
export interface AccountPaceChange {
  pace?: PaceRange | undefined;
  preset?: Preset | undefined;
  limits?: readonly Limit[] | undefined;
  /** `null` removes them. */
  hours?: Hours | null | undefined;
  warmUp?: WarmUp | null | undefined;
}

type PaceMembers = Pick<AccountItem, "pace" | "preset" | "limits" | "hours" | "warmUp">;

/** The account's pace after a change. A member that the change leaves out stays as it was. */
export function paceMembers(change: AccountPaceChange, before: PaceMembers): PaceMembers {
  const { pace, preset, limits, hours, warmUp } = change;
  const members = {
    pace: pace ?? before.pace,
    preset: preset ?? before.preset,
    limits: limits ? [...limits] : before.limits,
    hours: hours === null ? undefined : (hours ?? before.hours),
    warmUp: warmUp === null ? undefined : (warmUp ?? before.warmUp),
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
