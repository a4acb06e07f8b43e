import type { AccountReader } from "../../ports.ts";
import type { LaneOwner } from "../record.ts";
import type { Moment } from "../request-state.ts";

/** The shortest and the longest gap between submissions, in milliseconds of business time. */
export type Pace = readonly [minMs: number, maxMs: number];

/** The account's own pace, or that of the stage. @throws DEPENDENCY_DOWN */
export const makePaceOf =
  ({ accounts, moment }: { accounts: AccountReader; moment: () => Moment }) =>
  async ({ connectionId, accountId }: LaneOwner): Promise<Pace> => {
    const account = await accounts.find(connectionId, accountId);
    const { minSeconds, maxSeconds } = account?.pace ?? {};
    if (minSeconds === undefined || maxSeconds === undefined) return moment().rules.paceMs;
    return [minSeconds * 1_000, maxSeconds * 1_000];
  };
