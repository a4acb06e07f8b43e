import type { AccountReader } from "../../connections/ports.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneOwner } from "../state/record.ts";

/** The shortest and the longest gap between submissions, in milliseconds of business time. */
export type Pace = readonly [minMs: number, maxMs: number];

/** The account's own pace, or that of the stage. @throws DEPENDENCY_DOWN */
export const makeSubmissionInterval =
  ({ accounts, context }: { accounts: AccountReader; context: () => DecisionContext }) =>
  async ({ connectionId, accountId }: LaneOwner): Promise<Pace> => {
    const account = await accounts.find(connectionId, accountId);
    const { minSeconds, maxSeconds } = account?.pace ?? {};
    if (minSeconds === undefined || maxSeconds === undefined) return context().rules.paceMs;
    return [minSeconds * 1_000, maxSeconds * 1_000];
  };
