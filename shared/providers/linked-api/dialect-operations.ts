import * as z from "zod/mini";
import { nothing, text } from "../../contracts/http/parts.ts";

const common = { isPublic: false, params: nothing, query: z.looseObject({}) } as const;

const envelope = <Result extends z.ZodMiniType>(result: Result) =>
  z.object({ success: z.literal(true), result });

const workflowStatus = z.enum(["pending", "running", "completed", "failed"]);

export type WorkflowStatus = z.output<typeof workflowStatus>;

const action = z.looseObject({
  actionType: z
    .string()
    .check(z.regex(/^[A-Za-z][A-Za-z0-9_.]{0,63}$/, "is not an action, such as st.openPersonPage")),
});

const workflowParams = z.strictObject({ workflowId: text(512) });

/** Linked API's operations on workflows. https://linkedapi.io/docs/executing-workflows */
export const linkedApiWorkflowOperations = {
  linkedApiStartWorkflow: {
    ...common,
    operationId: "linkedApiStartWorkflow",
    method: "POST",
    path: "/workflows",
    summary: "Starts a workflow, in Linked API's protocol",
    body: z.union(
      [action, z.tuple([action], z.record(z.string(), z.unknown())).check(z.maxLength(100))],
      { error: "must be an action with an actionType, or a list of 1 to 100 actions" },
    ),
    takesIdempotencyKey: true,
    answer: {
      status: 200,
      description: "The workflow is stored and will be submitted",
      schema: envelope(z.object({ workflowId: z.string(), workflowStatus })),
    },
    problems: [404, 409],
  },
  linkedApiGetWorkflow: {
    ...common,
    operationId: "linkedApiGetWorkflow",
    method: "GET",
    path: "/workflows/{workflowId}",
    summary: "Returns a workflow, in Linked API's protocol",
    params: workflowParams,
    answer: {
      status: 200,
      description: "The workflow",
      schema: envelope(
        z.object({
          workflowId: z.string(),
          workflowStatus,
          pendingReason: z.optional(z.string()),
          completion: z.optional(z.unknown()),
          failure: z.optional(z.object({ reason: z.string(), message: z.string() })),
        }),
      ),
    },
    problems: [404],
  },
  linkedApiCancelWorkflow: {
    ...common,
    operationId: "linkedApiCancelWorkflow",
    method: "DELETE",
    path: "/workflows/{workflowId}",
    summary: "Cancels a workflow, in Linked API's protocol",
    params: workflowParams,
    answer: {
      status: 200,
      description: "Whether the workflow is cancelled",
      schema: envelope(z.object({ cancelled: z.boolean() })),
    },
    problems: [404],
  },
} as const;
