import * as z from "zod/mini";
import { nothing, text } from "./parts.ts";

/**
 * The operations for clients that speak a provider's own protocol to Ackwire;
 * part of the one table in `http.ts`. Credentials are Ackwire's, errors have
 * the provider's shape.
 */

const common = { isPublic: false, params: nothing, query: z.looseObject({}) } as const;

const weLinkAnswer = z.object({
  request_id: z.string(),
  requestId: z.string(),
  status: z.enum([
    "SCHEDULED",
    "QUEUED",
    "PROCESSING",
    "PIN_REQUIRED",
    "SUCCESS",
    "FAILED",
    "CANCELLED",
    "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED",
  ]),
  result: z.optional(z.unknown()),
  error: z.optional(z.string()).check(z.describe("The error's code.")),
  message: z.optional(z.string()),
});

export type WeLinkStatus = z.output<typeof weLinkAnswer>["status"];

/** What every answer of this dialect from 400 on has as its body. */
export const weLinkError = z.object({
  status: z.string().check(z.describe("Our code.")),
  message: z.string(),
  error: z.string(),
  statusCode: z.number(),
});

const requestId = z.exactOptional(text(512));

const weLinkOperations = {
  weLinkGetResponse: {
    ...common,
    dialect: "we-link",
    operationId: "weLinkGetResponse",
    method: "POST",
    path: "/api/v1/get_response",
    summary: "We-Link's call for a request as it stands",
    body: z.looseObject({ request_id: requestId, requestId }).check(
      z.refine((body) => body.request_id !== undefined || body.requestId !== undefined, {
        path: ["request_id"],
        error: "must be the id of a request",
      }),
    ),
    answer: { status: 200, description: "The request", schema: weLinkAnswer },
    problems: [404],
  },
  weLinkSubmit: {
    ...common,
    dialect: "we-link",
    operationId: "weLinkSubmit",
    method: "POST",
    path: "/api/v1/{action}",
    summary: "We-Link's call for an action; every one is answered later",
    params: z.strictObject({ action: z.string().check(z.regex(/^[a-z][a-z0-9_]{0,63}$/)) }),
    body: z.looseObject({
      accountId: z.exactOptional(text(512)),
      scheduled: z
        .exactOptional(text(64))
        .check(z.describe("YYYY-MM-DDTHH:mm:ss.sssZ in UTC, at least 2 hours ahead.")),
    }),
    takesIdempotencyKey: true,
    answer: {
      status: 200,
      description: "It is stored and will be submitted",
      schema: z.object({ requestId: z.string() }),
    },
    problems: [404, 409],
  },
} as const;

const envelope = <Result extends z.ZodMiniType>(result: Result) =>
  z.object({ success: z.literal(true), result });

const workflowStatus = z.enum(["pending", "running", "completed", "failed"]);

export type WorkflowStatus = z.output<typeof workflowStatus>;

/** What every answer of this dialect from 400 on has as its body. */
export const linkedApiError = z.object({
  success: z.literal(false),
  error: z.object({ type: z.string(), message: z.string() }),
});

const action = z.looseObject({
  actionType: z.string().check(z.regex(/^[A-Za-z][A-Za-z0-9_.]{0,63}$/)),
});

const workflowParams = z.strictObject({ workflowId: text(512) });

const linkedApiOperations = {
  linkedApiStartWorkflow: {
    ...common,
    dialect: "linked-api",
    operationId: "linkedApiStartWorkflow",
    method: "POST",
    path: "/workflows",
    summary: "Linked API's call for a workflow",
    body: z.union(
      [action, z.tuple([action], z.record(z.string(), z.unknown())).check(z.maxLength(100))],
      { error: "must be an action with an actionType, or a list of 1 to 100 actions" },
    ),
    takesIdempotencyKey: true,
    answer: {
      status: 200,
      description: "It is stored and will be submitted",
      schema: envelope(z.object({ workflowId: z.string(), workflowStatus })),
    },
    problems: [404, 409],
  },
  linkedApiGetWorkflow: {
    ...common,
    dialect: "linked-api",
    operationId: "linkedApiGetWorkflow",
    method: "GET",
    path: "/workflows/{workflowId}",
    summary: "Linked API's call for a workflow as it stands",
    params: workflowParams,
    answer: {
      status: 200,
      description: "The workflow",
      schema: envelope(
        z.object({
          workflowId: z.string(),
          workflowStatus,
          completion: z.optional(z.unknown()),
          failure: z.optional(z.object({ reason: z.string(), message: z.string() })),
        }),
      ),
    },
    problems: [404],
  },
  linkedApiCancelWorkflow: {
    ...common,
    dialect: "linked-api",
    operationId: "linkedApiCancelWorkflow",
    method: "DELETE",
    path: "/workflows/{workflowId}",
    summary: "Linked API's call to cancel a workflow",
    params: workflowParams,
    answer: {
      status: 200,
      description: "Whether it is cancelled",
      schema: envelope(z.object({ cancelled: z.boolean() })),
    },
    problems: [404],
  },
} as const;

export const dialectOperations = { ...weLinkOperations, ...linkedApiOperations } as const;
