import * as z from "zod/mini";
import { nothing, storedAccountId } from "../../contracts/http/parts.ts";
import { type Category, categories, limitSchema } from "../../contracts/pace.ts";

/** The categories of Ackwire that Linked API has too. */
export const shownCategories = categories.filter((category) => category !== "other");

export type ShownCategory = Exclude<Category, "other">;

export const periods = ["daily", "weekly", "monthly"] as const;

const category = z.enum(shownCategories);
const period = z.enum(periods);
const maxValue = limitSchema.shape.max;

const limit = z.object({ category, period, maxValue: z.number(), isEnabled: z.boolean() });
const limitUsage = z.extend(limit, { currentUsage: z.number() });

/** A member that Linked API has and Ackwire does not is refused, never dropped. */
const newLimit = z.strictObject({
  category,
  period,
  maxValue,
  isEnabled: z.exactOptional(z.boolean()),
});

/** Callers may pass a whole limit. */
const limitToDelete = z.looseObject({ category, period });

const ofAccount = z.strictObject({ accountId: storedAccountId });

const eachOnce = z.refine<{ category: string; period: string }[]>(
  (limits) =>
    new Set(limits.map(({ category, period }) => `${category}/${period}`)).size === limits.length,
  "names a category and period twice",
);

const limitCall = <Id extends string, Result extends z.ZodMiniType>(of: {
  operationId: Id;
  call: string;
  summary: string;
  result: Result;
}) =>
  ({
    isPublic: false,
    needsAccount: false,
    params: nothing,
    query: z.looseObject({}),
    method: "POST",
    operationId: of.operationId,
    path: `/admin/limits.${of.call}`,
    summary: `${of.summary}, in Linked API's protocol`,
    answer: {
      status: 200,
      description: "The answer",
      schema: z.object({ success: z.literal(true), result: of.result }),
    },
    problems: [404],
  }) as const;

const limits = z.object({ limits: z.array(limit) });

/**
 * Linked API's operations on the limits of an account, which Ackwire keeps.
 * https://linkedapi.io/docs/admin-limits
 */
export const linkedApiLimitOperations = {
  linkedApiGetDefaultLimits: limitCall({
    operationId: "linkedApiGetDefaultLimits",
    call: "getDefaults",
    summary: "Returns the limits of a new account",
    result: limits,
  }),
  linkedApiGetLimits: {
    ...limitCall({
      operationId: "linkedApiGetLimits",
      call: "get",
      summary: "Returns the limits of an account",
      result: limits,
    }),
    body: ofAccount,
  },
  linkedApiGetLimitsUsage: {
    ...limitCall({
      operationId: "linkedApiGetLimitsUsage",
      call: "getUsage",
      summary: "Returns the use of an account's limits",
      result: z.object({ usage: z.array(limitUsage) }),
    }),
    body: ofAccount,
  },
  linkedApiSetLimits: {
    ...limitCall({
      operationId: "linkedApiSetLimits",
      call: "set",
      summary: "Sets limits of an account; the others stay",
      result: nothing,
    }),
    body: z.strictObject({
      accountId: storedAccountId,
      limits: z.array(newLimit).check(eachOnce),
    }),
  },
  linkedApiDeleteLimits: {
    ...limitCall({
      operationId: "linkedApiDeleteLimits",
      call: "delete",
      summary: "Deletes limits of an account's own",
      result: nothing,
    }),
    body: z.strictObject({ accountId: storedAccountId, limits: z.array(limitToDelete) }),
  },
  linkedApiResetLimits: {
    ...limitCall({
      operationId: "linkedApiResetLimits",
      call: "resetToDefaults",
      summary: "Gives an account the limits of a new one",
      result: nothing,
    }),
    body: ofAccount,
  },
} as const;
