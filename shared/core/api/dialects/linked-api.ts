import { Failure } from "../../../contracts/failures.ts";
import type { WorkflowStatus } from "../../../contracts/http/dialects.ts";
import type { RequestStatus } from "../../../contracts/statuses.ts";
import { isObject, type JsonObject } from "../../json/json.ts";
import { topLevelMembers } from "../../json/json-members.ts";
import type { Requests } from "../../requests/requests.ts";
import type { RequestView } from "../../requests/state/request-view.ts";
import { type FoundEvent, findRequest } from "./find-request.ts";

type Action = JsonObject & { actionType: string };
type Actions = readonly [Action, ...JsonObject[]];

/** `POST /workflows`: one action, or a list of which the first gives the request its name. */
export async function startAsLinkedApi(
  requests: Requests,
  of: {
    clientId: string;
    accountId: string;
    body: Action | Actions;
    idempotencyKey?: string | undefined;
  },
): Promise<string> {
  const { body, ...account } = of;
  const { actionType, ...params } = isList(body) ? body[0] : body;
  const { requestId, status } = await requests.accept({
    ...account,
    provider: "linked-api",
    action: actionType,
    params: isList(body) ? body : params,
  });
  return answered({ workflowId: requestId, workflowStatus: statuses[status] });
}

const isList = (body: Action | Actions): body is Actions => Array.isArray(body);

/** `GET /workflows/{id}` @throws NOT_FOUND, DEPENDENCY_DOWN */
export async function getAsLinkedApi(
  requests: Requests,
  { clientId, workflowId }: { clientId: string; workflowId: string },
): Promise<string> {
  const found = await findRequest(requests, { clientId, provider: "linked-api", id: workflowId });
  const { workflowStatus, failure, result } =
    "request" in found ? workflowOf(found.request) : eventWorkflow(found.event);
  const workflow = JSON.stringify({ workflowId, workflowStatus, failure });
  const parts = result === undefined ? "" : `,${partsOf(result)}`;
  return `{"success":true,"result":${workflow.slice(0, -1)}${parts}}}`;
}

/** `DELETE /workflows/{id}` @throws NOT_FOUND, DEPENDENCY_DOWN */
export async function cancelAsLinkedApi(
  requests: Requests,
  { clientId, workflowId }: { clientId: string; workflowId: string },
): Promise<string> {
  const { provider } = await requests.get(clientId, workflowId);
  // Another provider's request is none in this protocol.
  if (provider !== "linked-api") throw new Failure("NOT_FOUND", "there is no such workflow");
  try {
    await requests.cancel(clientId, workflowId);
    return answered({ cancelled: true });
  } catch (error) {
    // It has gone too far: in this protocol an answer, not an error.
    if (error instanceof Failure && error.code === "CONFLICT")
      return answered({ cancelled: false });
    throw error;
  }
}

const statuses: Readonly<Record<RequestStatus, WorkflowStatus>> = {
  SCHEDULED: "pending",
  QUEUED: "pending",
  SUBMITTING: "running",
  RUNNING: "running",
  UNKNOWN: "running",
  ACTION_REQUIRED: "running",
  SUCCEEDED: "completed",
  FAILED: "failed",
  CANCELLED: "failed",
};

interface Workflow {
  workflowStatus: WorkflowStatus;
  failure?: { reason: unknown; message: unknown };
  /** JSON text. */
  result?: string | undefined;
}

function workflowOf({ status, result, error }: RequestView): Workflow {
  const workflowStatus = statuses[status];
  if (workflowStatus === "failed") {
    return { workflowStatus, failure: failureOf(status === "CANCELLED" ? cancelled : error) };
  }
  return { workflowStatus, result: status === "SUCCEEDED" ? result : undefined };
}

/** Linked API has no status for a cancelled workflow that its clients know. */
const cancelled = { code: "cancelled", message: "The workflow was cancelled" };

function failureOf(error: { code?: unknown; message?: unknown } | undefined) {
  const { code = "workflowFailed", message = "The workflow failed" } = error ?? {};
  return { reason: code, message };
}

/**
 * The members of a workflow that hold its result, as text in which no digit is
 * touched. A webhook may have told completion and failure together.
 */
function partsOf(result: string): string {
  const members = result.startsWith("{") ? topLevelMembers(result) : [];
  const has = (name: string) => members.some(({ key }) => key === name);
  if (!has("completion") || has("actionType")) return `"completion":${result}`;
  return members
    .filter(({ key }) => key === "completion" || key === "failure")
    .map(({ start, end }) => result.slice(start, end))
    .join(",");
}

/** A workflow made elsewhere, as its last event tells it. */
function eventWorkflow({ type, data, result }: FoundEvent): Workflow {
  if (type === "workflow.created") return { workflowStatus: "pending" };
  if (type === "workflow.started") return { workflowStatus: "running" };
  if (type !== "workflow.completed") throw new Failure("NOT_FOUND", "there is no such workflow");
  if (data.status === "failed") {
    const error = isObject(data.error) ? data.error : undefined;
    return { workflowStatus: "failed", failure: failureOf(error) };
  }
  return { workflowStatus: "completed", result };
}

function answered(result: object): string {
  return JSON.stringify({ success: true, result });
}
