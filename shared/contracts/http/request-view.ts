import * as z from "zod/mini";
import { providerId } from "../providers.ts";
import { requestStatus } from "../statuses.ts";
import { dependencyView } from "./dependencies.ts";
import { named, time } from "./parts.ts";

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
    waitsFor: z
      .optional(z.enum(["dependency"]))
      .check(z.describe("Why the request waits; absent when it does not.")),
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
