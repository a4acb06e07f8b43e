import * as z from "zod/mini";
import { categories } from "../pace.ts";
import { providerId } from "../providers.ts";
import { requestStatus } from "../statuses.ts";
import { dependencyView } from "./dependencies.ts";
import { named, time } from "./parts.ts";

/** Why a request is not submitted, or has no result, yet. */
export const waitsFor = z.enum([
  "schedule",
  "dependency",
  "pace",
  "hours",
  "budget",
  "lane",
  "account_paused",
  "connection_paused",
  "provider",
]);

export type WaitsFor = z.output<typeof waitsFor>;
export const requestPriority = z.enum(["high", "normal"]);

export type RequestPriority = z.output<typeof requestPriority>;

/** A request as the API returns it. Lists leave out results and reports. */
export const requestView = named(
  "Request",
  z.object({
    requestId: z.string(),
    status: requestStatus,
    provider: providerId,
    accountId: z.string(),
    action: z.string(),
    group: z.optional(z.string()),
    priority: requestPriority,
    scheduled: z.optional(time),
    recurringId: z
      .optional(z.string())
      .check(z.describe("The recurring request that made this one.")),
    dependsOn: z.optional(dependencyView),
    createdAt: time,
    joinedAt: z.optional(time),
    submittedAt: z.optional(time),
    finishedAt: z.optional(time),
    providerRequestId: z.optional(z.string()),
    pendingReason: z
      .optional(z.string())
      .check(
        z.describe(
          "While the provider has the request and has not started it: why, in the provider's words, such as `queued` or `outsideWorkingHours`.",
        ),
      ),
    attempts: z.number(),
    category: z
      .optional(z.enum(categories))
      .check(z.describe("What it counts as against the account's limits.")),
    notAfter: z.optional(time),
    waitsFor: z.optional(waitsFor),
    waitReason: z.optional(z.string()).check(z.describe("What it waits for, as a sentence.")),
    position: z
      .optional(z.number())
      .check(z.describe("Its place among the account's waiting requests; 1 is the next.")),
    expectedAt: z
      .optional(time)
      .check(z.describe("When it will be submitted, unless something changes.")),
    result: z.optional(z.unknown()),
    numbersAsText: z
      .optional(z.literal(true))
      .check(z.describe("A number of `result` that consumers could not read exactly is text.")),
    error: z.optional(z.object({ code: z.string(), message: z.string() })),
    lateResult: z
      .optional(z.unknown())
      .check(z.describe("The last outcome that came after the request had ended otherwise.")),
    earlierLateResults: z
      .optional(z.array(z.unknown()))
      .check(z.describe("Those before `lateResult`, oldest first.")),
    unclearReports: z
      .optional(
        z.array(
          z.object({
            at: time,
            source: z.enum(["webhook", "answer"]),
            kind: z.enum(["unrecognised", "contradictory"]),
            status: z.optional(z.string()),
            eventType: z.optional(z.string()),
            body: z.string(),
          }),
        ),
      )
      .check(
        z.describe(
          "Reports of the provider with a word that Ackwire does not know, or that contradict themselves. An unknown word ends no request.",
        ),
      ),
  }),
);
