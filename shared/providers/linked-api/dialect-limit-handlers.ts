import { Failure } from "../../contracts/failures.ts";
import type { OperationHandlers } from "../../contracts/http/operation.ts";
import type { Limit, LimitCategory, LimitWindow } from "../../contracts/pace.ts";
import type { DialectLimit, DialectLimits } from "../../core/providers/dialect.ts";
import { answered } from "./dialect-answer.ts";
import {
  type linkedApiLimitOperations,
  periods,
  type ShownCategory,
  shownCategories,
} from "./dialect-limit-operations.ts";

type Period = (typeof periods)[number];

const windows = { daily: "day", weekly: "week", monthly: "month" } as const satisfies Record<
  Period,
  LimitWindow
>;

/** Linked API's operations on the limits of an account. Limits that Linked API does not have are neither shown nor changed. */
export function linkedApiLimitHandlers(limits: DialectLimits) {
  return {
    async linkedApiGetDefaultLimits() {
      return answered({ limits: shown(limits.defaults()).map(limitOf) });
    },
    async linkedApiGetLimits({ clientId, body: { accountId } }) {
      const all = await limits.get({ clientId, accountId }).catch(asUnknownAccount);
      return answered({ limits: shown(all).map(limitOf) });
    },
    async linkedApiGetLimitsUsage({ clientId, body: { accountId } }) {
      const all = await limits.get({ clientId, accountId }).catch(asUnknownAccount);
      const usage = shown(all).map(({ used, maxNow, ...limit }) => ({
        ...limitOf({ ...limit, max: maxNow }),
        currentUsage: used,
      }));
      return answered({ usage });
    },
    async linkedApiSetLimits({ clientId, body: { accountId, limits: given } }) {
      const set = given.map(({ category, period, maxValue, isEnabled = true }) => ({
        ...{ category, per: windows[period], max: maxValue, isEnabled },
      }));
      await limits.set({ clientId, accountId }, set).catch(asUnknownAccount);
      return answered({});
    },
    async linkedApiDeleteLimits({ clientId, body: { accountId, limits: given } }) {
      const keys = given.map(({ category, period }) => ({ category, per: windows[period] }));
      await limits.delete({ clientId, accountId }, keys).catch(asUnknownAccount);
      return answered({});
    },
    async linkedApiResetLimits({ clientId, body: { accountId } }) {
      await limits.reset({ clientId, accountId }, isNotShown).catch(asUnknownAccount);
      return answered({});
    },
  } satisfies OperationHandlers<typeof linkedApiLimitOperations>;
}

/** @throws NOT_FOUND that says how an account becomes known, and any other error as it is */
function asUnknownAccount(error: unknown): never {
  if (error instanceof Failure && error.code === "NOT_FOUND") {
    const how = "accounts.getAll registers the accounts of Linked API";
    throw new Failure("NOT_FOUND", `there is no such account: ${how}`);
  }
  throw error;
}

const periodOf = (per: LimitWindow) => periods.find((period) => windows[period] === per);

const isShownCategory = (category: LimitCategory): category is ShownCategory =>
  shownCategories.some((shown) => shown === category);

const isNotShown = ({ category, per }: Limit) =>
  periodOf(per) === undefined || !isShownCategory(category);

function shown<One extends DialectLimit>(limits: readonly One[]): One[] {
  return limits.filter((limit) => !isNotShown(limit));
}

function limitOf({ category, per, max, isEnabled }: DialectLimit) {
  return { category, period: periodOf(per), maxValue: max, isEnabled };
}
