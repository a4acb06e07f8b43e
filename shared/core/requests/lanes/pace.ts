import type { AccountReader } from "../../connections/ports.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneOwner } from "../state/record.ts";
import type { Pace } from "../state/request-rules.ts";

/** Returns the account's own pace, or the stage's where the account has none. @throws DEPENDENCY_DOWN */
export const makePaceOf =
  ({
    accounts,
    context,
  }: {
    accounts: Pick<AccountReader, "find">;
    context: () => DecisionContext;
  }) =>
  async ({ connectionId, accountId }: LaneOwner): Promise<Pace> => {
    const account = await accounts.find(connectionId, accountId);
    const { minSeconds, maxSeconds } = account?.pace ?? {};
    if (minSeconds === undefined || maxSeconds === undefined) return context().rules.pace;
    return { minGapMs: minSeconds * 1_000, maxGapMs: maxSeconds * 1_000 };
  };

/** A gap of this pace. @param random a number from 0 to 1 */
export function drawGapMs({ minGapMs, maxGapMs }: Pace, random: number): number {
  return minGapMs + random * (maxGapMs - minGapMs);
}
