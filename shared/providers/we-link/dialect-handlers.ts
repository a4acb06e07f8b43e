import type { RequestStatus } from "../../contracts/statuses.ts";
import { InvalidRequest } from "../../core/input/invalid-request.ts";
import { isObject, type JsonObject } from "../../core/json/json.ts";
import { withMember } from "../../core/json/json-members.ts";
import type { DialectRequests, FoundEvent, FoundRequest } from "../../core/providers/dialect.ts";
import { accountIdFromEmail } from "./account.ts";
import type { WeLinkStatus } from "./dialect-operations.ts";

interface WeLinkCall {
  clientId: string;
  action: string;
  body: JsonObject & { accountId?: string; scheduled?: string };
  idempotencyKey?: string | undefined;
}

/**
 * `POST /api/v1/{action}`: accepts a new request; `login_code` continues a login
 * that waits for its code.
 *
 * @throws REQUEST_INVALID, NOT_FOUND, CONFLICT, TOO_MANY_REQUESTS, DEPENDENCY_DOWN
 */
export async function submitAsWeLink(
  requests: DialectRequests,
  { clientId, action, body, idempotencyKey }: WeLinkCall,
): Promise<string> {
  if (action === "login_code") return continueLogin(requests, { clientId, body, idempotencyKey });
  const { accountId, scheduled, ...params } = body;
  const { requestId } = await requests.accept({
    clientId,
    accountId: accountId ?? accountIdFromEmail(body.email),
    action,
    params,
    scheduled,
    idempotencyKey,
  });
  return JSON.stringify({ requestId });
}

/** Ignores the body's account: the request already has one. */
async function continueLogin(
  requests: DialectRequests,
  { clientId, body, idempotencyKey }: Omit<WeLinkCall, "action">,
): Promise<string> {
  const id = textIn(body.requestId) ?? textIn(body.request_id);
  const code =
    textIn(body.code) ?? (Number.isSafeInteger(body.code) ? String(body.code) : undefined);
  const errors = [
    ...(id === undefined
      ? [{ field: "requestId", message: "must be the login's request id" }]
      : []),
    ...(code === undefined ? [{ field: "code", message: "must be the code that was sent" }] : []),
  ];
  if (id === undefined || code === undefined) throw new InvalidRequest(errors);
  const { requestId } = await requests.continue(clientId, id, code, idempotencyKey);
  return JSON.stringify({ requestId });
}

/** `POST /api/v1/get_response`: returns the current state of a request. @throws NOT_FOUND, DEPENDENCY_DOWN */
export async function getAsWeLink(
  requests: DialectRequests,
  { clientId, body }: { clientId: string; body: { request_id?: string; requestId?: string } },
): Promise<string> {
  const id = body.request_id ?? body.requestId ?? "";
  const found = await requests.find(clientId, id);
  const ids = { request_id: id, requestId: id };
  const { result, ...answer } =
    "request" in found ? answerOf(found.request) : eventAnswer(found.event);
  return withMember({ ...ids, ...answer }, "result", result);
}

const statuses: Readonly<Record<RequestStatus, WeLinkStatus>> = {
  SCHEDULED: "SCHEDULED",
  QUEUED: "QUEUED",
  SUBMITTING: "PROCESSING",
  RUNNING: "PROCESSING",
  UNKNOWN: "PROCESSING",
  ACTION_REQUIRED: "PIN_REQUIRED",
  SUCCEEDED: "SUCCESS",
  FAILED: "FAILED",
  CANCELLED: "CANCELLED",
};

/** The message that We-Link sends with this status, from the specification. */
const PIN_MESSAGE = "Please provide the verification code sent to the user";

type RequestHere = Extract<FoundRequest, { request: object }>["request"];

interface WeLinkAnswer {
  status: WeLinkStatus;
  error?: string;
  message?: string;
  /** JSON text. */
  result?: string | undefined;
}

function answerOf({ status, error, result }: RequestHere): WeLinkAnswer {
  if (status === "FAILED" && error) return failureOf(error);
  return {
    status: statuses[status],
    ...(status === "ACTION_REQUIRED" ? { message: PIN_MESSAGE } : {}),
    result: status === "SUCCEEDED" ? result : undefined,
  };
}

function failureOf({ code, message }: { code: string; message: string }): WeLinkAnswer {
  if (code === "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED") return { status: code, message };
  return { status: "FAILED", error: code, message };
}

/** The state of a request that was made elsewhere, according to its last event. */
function eventAnswer({ type, data, result }: FoundEvent): WeLinkAnswer {
  if (type === "workflow.started") return { status: "PROCESSING" };
  if (type === "workflow.actionRequired") return { status: "PIN_REQUIRED", message: PIN_MESSAGE };
  if (isObject(data.error)) {
    return failureOf({ code: String(data.error.code), message: String(data.error.message) });
  }
  return { status: data.status === "failed" ? "FAILED" : "SUCCESS", result };
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
