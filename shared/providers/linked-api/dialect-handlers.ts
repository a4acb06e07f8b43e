import { Failure } from "../../contracts/failures.ts";
import type { RequestStatus } from "../../contracts/statuses.ts";
import { InvalidRequest } from "../../core/input/invalid-request.ts";
import { isObject, type JsonObject, parseJson } from "../../core/json/json.ts";
import { topLevelMembers } from "../../core/json/json-members.ts";
import type { DialectRequests, FoundEvent, FoundRequest } from "../../core/providers/dialect.ts";
import { answered } from "./dialect-answer.ts";
import type { WorkflowStatus } from "./dialect-operations.ts";

type Action = JsonObject & { actionType: string };
type Actions = readonly [Action, ...JsonObject[]];

/** `POST /workflows`: accepts one action or a list; the request is named after the first action. */
export async function startAsLinkedApi(
  requests: DialectRequests,
  of: {
    clientId: string;
    accountId: string;
    body: Action | Actions;
    idempotencyKey?: string | undefined;
    traceparent?: string | undefined;
  },
): Promise<string> {
  const { body, ...account } = of;
  const actions: readonly JsonObject[] = isList(body) ? body : [body];
  if (actions.some(({ scheduled }) => (scheduled ?? null) !== null)) {
    throw new InvalidRequest([{ field: "scheduled", message: NO_SCHEDULE }]);
  }
  const { actionType, ...params } = isList(body) ? body[0] : body;
  const { requestId, status } = await requests.accept({
    ...account,
    action: actionType,
    params: isList(body) ? body : params,
  });
  return answered({ workflowId: requestId, workflowStatus: statuses[status] });
}

/** Passed on, the time would be ignored, and the workflow would start at once. */
const NO_SCHEDULE =
  "is not a part of Linked API's protocol, in which a workflow starts in its turn";

const isList = (body: Action | Actions): body is Actions => Array.isArray(body);

/** `GET /workflows/{id}`: returns the current state of a workflow. @throws NOT_FOUND, DEPENDENCY_DOWN */
export async function getAsLinkedApi(
  requests: DialectRequests,
  { clientId, workflowId }: { clientId: string; workflowId: string },
): Promise<string> {
  const found = await requests.find(clientId, workflowId);
  const { result, ...workflow } =
    "request" in found ? workflowOf(found.request) : eventWorkflow(found.event);
  const withFailure = workflow.failure === undefined;
  const parts =
    result === undefined ? [] : partsOf(withoutOwnLabel(result, workflowId), withFailure);
  const members = [JSON.stringify({ workflowId, ...workflow }).slice(1, -1), ...parts].join(",");
  return `{"success":true,"result":{${members}}}`;
}

/** `DELETE /workflows/{id}`: cancels a workflow, if it is not too late. @throws NOT_FOUND, DEPENDENCY_DOWN */
export async function cancelAsLinkedApi(
  requests: DialectRequests,
  { clientId, workflowId }: { clientId: string; workflowId: string },
): Promise<string> {
  try {
    await requests.cancel(clientId, workflowId);
    return answered({ cancelled: true });
  } catch (error) {
    // Too late to cancel: this protocol answers 200 with `false`.
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

type RequestHere = Extract<FoundRequest, { request: object }>["request"];

interface Workflow {
  workflowStatus: WorkflowStatus;
  pendingReason?: string;
  failure?: { reason: unknown; message: unknown };
  /** JSON text. */
  result?: string | undefined;
  /** A number of the result that JavaScript cannot represent is text. */
  numbersAsText?: true | undefined;
}

function workflowOf(request: RequestHere): Workflow {
  const { status, pendingReason, result, error, numbersAsText } = request;
  if (pendingReason !== undefined) return { workflowStatus: "pending", pendingReason };
  const workflowStatus = statuses[status];
  if (workflowStatus === "failed") {
    const failure = failureOf(status === "CANCELLED" ? cancelled : error);
    // A failed workflow may have done a part of its work.
    return {
      workflowStatus,
      failure,
      result: status === "FAILED" ? result : undefined,
      numbersAsText,
    };
  }
  return { workflowStatus, result: status === "SUCCEEDED" ? result : undefined, numbersAsText };
}

/** Linked API's clients know no status for a cancelled workflow, so it is shown as failed. */
const cancelled = { code: "cancelled", message: "The workflow was cancelled" };

function failureOf(error: { code?: unknown; message?: unknown } | undefined) {
  const { code = "workflowFailed", message = "The workflow failed" } = error ?? {};
  return { reason: code, message };
}

/**
 * Removes the label that Ackwire has sent with an action, which is the request's id: the
 * client set none and expects none. Every number keeps its digits.
 */
function withoutOwnLabel(result: string, workflowId: string): string {
  if (!result.includes(JSON.stringify(workflowId))) return result;
  const { value } = parseJson(Buffer.from(result), "exact", Number.POSITIVE_INFINITY);
  const inner = isObject(value) && "completion" in value ? value.completion : value;
  for (const completion of [inner].flat()) {
    if (isObject(completion) && completion.label === workflowId) delete completion.label;
  }
  return JSON.stringify(value);
}

/**
 * The members of a workflow that hold its result, as JSON text with every digit.
 * A webhook may carry both a completion and a failure.
 *
 * @param withFailure `false`: the answer has the failure already
 */
function partsOf(result: string, withFailure: boolean): string[] {
  const members = result.startsWith("{") ? topLevelMembers(result) : [];
  const has = (name: string) => members.some(({ key }) => key === name);
  if (!has("completion") || has("actionType")) return [`"completion":${result}`];
  return members
    .filter(({ key }) => key === "completion" || (withFailure && key === "failure"))
    .map(({ start, end }) => result.slice(start, end));
}

/** The state of a workflow that was started elsewhere, according to its last event. */
function eventWorkflow({ type, data, result }: FoundEvent): Workflow {
  if (type === "workflow.created") return { workflowStatus: "pending" };
  // What nobody recognises has not ended.
  if (type === "workflow.started" || type === "event.unrecognised") {
    return { workflowStatus: "running" };
  }
  if (type !== "workflow.completed") throw new Failure("NOT_FOUND", "there is no such workflow");
  const marks = data.numbersAsText === true ? ({ numbersAsText: true } as const) : {};
  if (data.status === "failed") {
    const error = isObject(data.error) ? data.error : undefined;
    return { workflowStatus: "failed", failure: failureOf(error), result, ...marks };
  }
  return { workflowStatus: "completed", result, ...marks };
}
