import * as z from "zod/mini";
import { limits } from "../limits.ts";
import { type RequestStatus, requestStatus } from "../statuses.ts";
import { batchItem, requestMembers } from "./new-request.ts";
import { named, paging, plain, storedGroupName, time } from "./parts.ts";
import { problem } from "./problem.ts";
import { requestView } from "./request-view.ts";

/** The operations on many requests at once. */

/** Real time in which a batch is answered: less than API Gateway waits. */
const BATCH_DEADLINE_MS = 25_000;

/** What all requests of a batch have that do not have it themselves. */
const batchDefaults = {
  group: requestMembers.group,
  priority: requestMembers.priority,
};

const newBatch = z.strictObject({
  requests: z.array(batchItem).check(z.minLength(1), z.maxLength(limits.maxBatchItems)),
  ...batchDefaults,
});

/** A batch whose requests are judged each by itself. */
const batchOfAnything = z.strictObject({
  requests: z.array(z.unknown()).check(z.minLength(1), z.maxLength(limits.maxBatchItems)),
  ...batchDefaults,
});

const batchItemResult = named(
  "BatchItemResult",
  z.object({
    status: z.int().check(z.describe("As a call for this request alone is answered: 202 or 4xx.")),
    request: z.optional(requestView),
    problem: z.optional(problem),
  }),
);

const batchResult = named(
  "BatchResult",
  z.object({
    accepted: z.int(),
    refused: z.int(),
    items: z.array(batchItemResult).check(z.describe("One for each request, in order.")),
  }),
);

const wholeNumber = z.int().check(z.gte(0));

const perStatus = Object.fromEntries(
  requestStatus.options.map((status) => [status, wholeNumber]),
) as Record<RequestStatus, typeof wholeNumber>;

const groupView = named(
  "Group",
  z.object({
    group: z.string(),
    total: wholeNumber,
    counts: z.object(perStatus).check(z.describe("The number of its requests in each status.")),
    isComplete: z
      .boolean()
      .check(z.describe("`false`: the group has more requests; these are its oldest.")),
    firstCreatedAt: time,
    lastCreatedAt: time,
    firstSubmittedAt: z.optional(time),
    lastSubmittedAt: z.optional(time),
    lastFinishedAt: z.optional(time),
    expectedAt: z
      .optional(time)
      .check(z.describe("When its last waiting request is expected to be submitted.")),
  }),
);

export type Group = z.output<typeof groupView>;

const groupCancellation = named(
  "GroupCancellation",
  z.object({
    group: z.string(),
    cancelled: wholeNumber.check(z.describe("Requests that this call has cancelled.")),
    tooLate: wholeNumber.check(z.describe("Submitted ones that can no longer be cancelled.")),
    failed: wholeNumber.check(z.describe("Those whose provider did not answer: cancel again.")),
    remaining: wholeNumber.check(z.describe("Those read so far that the next call may cancel.")),
    nextCursor: z
      .optional(z.string())
      .check(
        z.describe(
          "Present until all were looked at, also if `remaining` is 0: the next call's `cursor`.",
        ),
      ),
  }),
);

export type GroupCancellation = z.output<typeof groupCancellation>;

const groupParams = z.strictObject({ group: storedGroupName });

export const batchOperations = {
  createBatch: {
    ...plain,
    operationId: "createBatch",
    method: "POST",
    path: "/v1/requests/batch",
    summary: "Accepts up to 1,000 requests, and answers for each of them",
    body: newBatch,
    validatedBody: batchOfAnything,
    maxBodyBytes: limits.maxBatchBytes,
    deadlineMs: BATCH_DEADLINE_MS,
    takesIdempotencyKey: true,
    answer: {
      status: 200,
      description: "Each request is stored or refused: `status` of its item says which",
      schema: batchResult,
    },
    problems: [409],
  },
  getGroup: {
    ...plain,
    operationId: "getGroup",
    method: "GET",
    path: "/v1/groups/{group}",
    summary: "Counts the requests of a group by their status",
    params: groupParams,
    answer: { status: 200, description: "The group", schema: groupView },
    problems: [404],
  },
  cancelGroup: {
    ...plain,
    operationId: "cancelGroup",
    method: "DELETE",
    path: "/v1/groups/{group}",
    summary: "Cancels up to 500 requests of a group, and says how many remain",
    params: groupParams,
    query: z.strictObject({ cursor: paging.cursor }),
    deadlineMs: BATCH_DEADLINE_MS,
    answer: {
      status: 200,
      description: "The requests are cancelled; repeat the call while there is a `nextCursor`",
      schema: groupCancellation,
    },
    problems: [404],
  },
} as const;
