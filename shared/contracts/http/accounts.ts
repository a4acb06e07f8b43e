import * as z from "zod/mini";
import { providerId } from "../providers.ts";
import { accountId, listOf, named, paging, plain, secretText, text, time } from "./parts.ts";

/** The operations on accounts. */

export const paceRange = z
  .strictObject({
    minSeconds: z.number().check(z.gte(0), z.lte(86_400)),
    maxSeconds: z.number().check(z.gte(0), z.lte(86_400)),
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
  identificationToken: z
    .exactOptional(secretText)
    .check(z.describe("The provider's token of this account. Stored encrypted, never shown.")),
});

const accountView = named(
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
    identificationToken: z.optional(
      z
        .string()
        .check(z.describe("Identifies this account to Ackwire in the provider's own protocol.")),
    ),
  }),
);

const accountParams = z.strictObject({ accountId });
/** Selects one account where its id exists on several connections. */
const whichAccount = z.strictObject({
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
    params: accountParams,
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
