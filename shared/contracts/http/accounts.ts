import * as z from "zod/mini";
import {
  categories,
  hoursSchema,
  limitCategories,
  limitsSchema,
  limitWindows,
  presetSchema,
  thousandths,
  warmUpSchema,
} from "../pace.ts";
import { providerId } from "../providers.ts";
import {
  accountId,
  listOf,
  named,
  paging,
  plain,
  secretText,
  storedAccountId,
  text,
  time,
} from "./parts.ts";

/** The operations on accounts. */

const paceSeconds = z
  .number()
  .check(z.gte(0), z.lte(86_400), thousandths(), z.describe("Rounded to milliseconds."));

export const paceRange = z
  .strictObject({
    minSeconds: paceSeconds,
    maxSeconds: paceSeconds,
  })
  .check(
    z.refine(({ minSeconds, maxSeconds }) => minSeconds <= maxSeconds, {
      path: ["maxSeconds"],
      error: "must be at least minSeconds",
    }),
  );

export type PaceRange = z.output<typeof paceRange>;

const accountChange = z.strictObject({
  provider: providerId,
  connectionId: z.exactOptional(text(128)),
  pace: z
    .exactOptional(paceRange)
    .check(
      z.describe(
        "Interval between the answer to one submission and the next submission; drawn at random.",
      ),
    ),
  preset: z
    .exactOptional(presetSchema)
    .check(z.describe("A set of limits: `off`, `careful` (of a new account) or `standard`.")),
  limits: z
    .exactOptional(limitsSchema)
    .check(
      z.describe("Limits of its own; each replaces the preset's of that category and window."),
    ),
  hours: z
    .exactOptional(z.nullable(hoursSchema))
    .check(z.describe("When requests may be submitted; `null`: always.")),
  warmUp: z
    .exactOptional(z.nullable(warmUpSchema))
    .check(
      z.describe(
        "Starts with a part of each limit and grows to all of it in a straight line; `null`: no warm-up. It begins with the first submission, and again after the provider has restricted the account.",
      ),
    ),
  identificationToken: z
    .exactOptional(secretText)
    .check(z.describe("The provider's token of this account. Stored encrypted, never shown.")),
});

export const accountView = named(
  "Account",
  z.object({
    accountId: z.string(),
    provider: providerId,
    connectionId: z.string(),
    createdAt: time,
    status: z.enum(["active", "paused"]),
    /** Why it is paused. */
    pausedBecause: z.optional(z.string()),
    /** When it resumes automatically. */
    pausedUntil: z.optional(time),
    pace: z.optional(paceRange),
    preset: presetSchema,
    limits: z.optional(limitsSchema),
    hours: z.optional(hoursSchema),
    warmUp: z.optional(warmUpSchema),
    identificationToken: z.optional(
      z
        .string()
        .check(z.describe("Identifies this account to Ackwire in the provider's own protocol.")),
    ),
  }),
);

export const budgetView = named(
  "Budget",
  z.object({
    limits: z.array(
      z.object({
        category: z.enum(limitCategories),
        per: z
          .enum(limitWindows)
          .check(z.describe("Rolling: the last 60 minutes, 24 hours, 7 days or 30 days.")),
        max: z.number().check(z.describe("Lower than the limit while the account warms up.")),
        used: z.number(),
        left: z.number(),
        availableAt: z
          .optional(time)
          .check(z.describe("When this limit allows a submission; absent where it allows none.")),
      }),
    ),
    categories: z.array(
      z.object({
        category: z.enum(categories),
        nextAt: z
          .optional(time)
          .check(z.describe("When all of the account's rules allow a submission.")),
        waitsFor: z.enum(["now", "pace", "hours", "budget"]),
      }),
    ),
    hours: z.optional(hoursSchema),
    isOpen: z.boolean(),
    opensAt: z
      .optional(time)
      .check(z.describe("The next opening of the hours; absent while they are open.")),
    warmUpStartedAt: z.optional(time),
    nextSubmissionNotBefore: z.optional(time).check(z.describe("The end of the account's gap.")),
  }),
);

const accountParams = z.strictObject({ accountId: storedAccountId });
/** Selects one account where its id exists on several connections. */
export const whichAccount = z.strictObject({
  provider: z.exactOptional(providerId),
  connectionId: z.exactOptional(text(128)),
});

export const accountOperations = {
  listAccounts: {
    ...plain,
    operationId: "listAccounts",
    method: "GET",
    path: "/v1/accounts",
    summary: "Lists the client's accounts",
    query: z.strictObject(paging),
    answer: { status: 200, description: "A page", schema: listOf(accountView) },
    problems: [],
  },
  putAccount: {
    ...plain,
    operationId: "putAccount",
    method: "PUT",
    path: "/v1/accounts/{accountId}",
    summary: "Registers an account, or changes its pace or token",
    params: z.strictObject({ accountId }),
    body: accountChange,
    answer: { status: 200, description: "The changed account", schema: accountView },
    problems: [404, 409],
  },
  getAccount: {
    ...plain,
    operationId: "getAccount",
    method: "GET",
    path: "/v1/accounts/{accountId}",
    summary: "Returns one account and whether it is paused",
    params: accountParams,
    query: whichAccount,
    answer: { status: 200, description: "The account", schema: accountView },
    problems: [404, 409],
  },
  getAccountBudget: {
    ...plain,
    operationId: "getAccountBudget",
    method: "GET",
    path: "/v1/accounts/{accountId}/budget",
    summary: "Returns what an account has used of its limits, and when it may submit again",
    params: accountParams,
    query: whichAccount,
    answer: { status: 200, description: "The limits that are in force", schema: budgetView },
    problems: [404, 409],
  },
  deleteAccount: {
    ...plain,
    operationId: "deleteAccount",
    method: "DELETE",
    path: "/v1/accounts/{accountId}",
    summary: "Deletes an account's settings; accepted requests continue",
    params: accountParams,
    query: whichAccount,
    answer: { status: 204, description: "The settings are deleted" },
    problems: [404, 409],
  },
  pauseAccount: {
    ...plain,
    operationId: "pauseAccount",
    method: "POST",
    path: "/v1/accounts/{accountId}/pause",
    summary: "Stops submitting for an account; accepted requests wait",
    params: accountParams,
    query: whichAccount,
    answer: { status: 200, description: "The changed account", schema: accountView },
    problems: [404, 409],
  },
  resumeAccount: {
    ...plain,
    operationId: "resumeAccount",
    method: "POST",
    path: "/v1/accounts/{accountId}/resume",
    summary: "Resumes submitting for an account, whatever paused it",
    params: accountParams,
    query: whichAccount,
    answer: { status: 200, description: "The changed account", schema: accountView },
    problems: [404, 409],
  },
} as const;
