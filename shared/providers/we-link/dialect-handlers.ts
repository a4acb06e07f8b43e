import { accountId } from "../../contracts/http/parts.ts";
import type { RequestStatus } from "../../contracts/statuses.ts";
import { InvalidRequest, validate } from "../../core/input/invalid-request.ts";
import { isObject, type JsonObject } from "../../core/json/json.ts";
import { withMember } from "../../core/json/json-members.ts";
import type { DialectRequests, FoundEvent, FoundRequest } from "../../core/providers/dialect.ts";
import { accountIdFromEmail } from "./account.ts";
import type { WeLinkStatus } from "./dialect-operations.ts";
import { weLinkFailureOf } from "./failure.ts";
import { membersNamed } from "./member-names.ts";
import { requestIdsOf } from "./request-id.ts";
import { isLogin } from "./requests.ts";

interface WeLinkCall {
  clientId: string;
  action: string;
  body: JsonObject & { accountId?: string; scheduled?: string };
  idempotencyKey?: string | undefined;
  traceparent?: string | undefined;
}

/**
 * `POST /api/v1/{action}`: accepts a new request; `login_code` continues a login
 * that waits for its code.
 *
 * @throws REQUEST_INVALID, NOT_FOUND, CONFLICT, TOO_MANY_REQUESTS, DEPENDENCY_DOWN
 */
export async function submitAsWeLink(
  requests: DialectRequests,
  { clientId, action, body, idempotencyKey, traceparent }: WeLinkCall,
): Promise<string> {
  if (action === "login_code") return continueLogin(requests, { clientId, body, idempotencyKey });
  const { account, ...of } = partsOf(body);
  if (account === undefined && !isLogin(action)) {
    throw invalid("accountId", "is required: only a login has no account yet");
  }
  const { requestId } = await requests.accept({
    clientId,
    accountId: account ?? accountIdFromEmail(body.email),
    action,
    ...of,
    idempotencyKey,
    traceparent,
  });
  return JSON.stringify({ requestId });
}

/**
 * The account and the scheduled time of a call, and the rest of its body.
 *
 * @throws REQUEST_INVALID where a member is misspelt that would otherwise put the request into
 *   another account's lane, or submit it at once
 */
function partsOf(body: WeLinkCall["body"]) {
  const accounts = membersNamed(body, "accountid");
  const { scheduled } = body;
  const [misspelt] = membersNamed(body, "scheduled").filter(([name]) => name !== "scheduled");
  if (misspelt) throw invalid(misspelt[0], "must be spelt scheduled");
  const own = new Set(["accountId", "scheduled", ...accounts.map(([name]) => name)]);
  const rest = Object.entries(body).filter(([name]) => !own.has(name));
  return { account: theAccount(accounts), scheduled, params: Object.fromEntries(rest) };
}

/** The one account that these members name. */
function theAccount(members: readonly [name: string, value: unknown][]): string | undefined {
  const [account, ...others] = members.map(([name, value]) => {
    const { errors, ...read } = validate(accountId, value);
    const [error] = errors;
    if (error) throw invalid(name, error.message);
    return { name, id: "output" in read ? read.output : "" };
  });
  const other = others.find(({ id }) => id !== account?.id);
  if (other) throw invalid(other.name, `names another account than ${account?.name}`);
  return account?.id;
}

/** Ignores the body's account: the request already has one. */
async function continueLogin(
  requests: DialectRequests,
  { clientId, body, idempotencyKey }: Omit<WeLinkCall, "action">,
): Promise<string> {
  refuseSchedule(body);
  const [id] = requestIdIn(body);
  const code = textIn(body.code) ?? integerIn(body.code);
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

/** A call that is answered or passed on at once cannot wait for a time. @throws REQUEST_INVALID */
export function refuseSchedule(body: JsonObject): void {
  const [scheduled] = membersNamed(body, "scheduled");
  if (scheduled) throw invalid(scheduled[0], "is not possible for this call, which acts at once");
}

/**
 * The request id in a body, in any spelling that a webhook may use.
 *
 * @returns one id or none @throws REQUEST_INVALID for two different ones
 */
function requestIdIn(body: JsonObject): string[] {
  const ids = [...new Set(requestIdsOf(body))];
  if (ids.length > 1) throw invalid("request_id", "names two different requests");
  return ids;
}

/** `POST /api/v1/get_response`: returns the current state of a request. @throws NOT_FOUND, DEPENDENCY_DOWN */
export async function getAsWeLink(
  requests: DialectRequests,
  { clientId, body }: { clientId: string; body: JsonObject },
): Promise<string> {
  refuseSchedule(body);
  const [id] = requestIdIn(body);
  if (id === undefined) throw invalid("request_id", "must be the id of a request");
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
  /** As in the webhooks of this format. */
  numbersAsText?: true | undefined;
}

function answerOf(request: RequestHere): WeLinkAnswer {
  const { status, pendingReason, error, result, numbersAsText } = request;
  if (pendingReason !== undefined) return { status: "QUEUED" };
  // A failed request may have done a part of its work.
  if (status === "FAILED" && error) return { ...weLinkFailureOf(error), result, numbersAsText };
  return {
    status: statuses[status],
    ...(status === "ACTION_REQUIRED" ? { message: PIN_MESSAGE } : {}),
    result: status === "SUCCEEDED" ? result : undefined,
    numbersAsText,
  };
}

/** The state of a request that was made elsewhere, according to its last event. */
function eventAnswer({ type, data, result }: FoundEvent): WeLinkAnswer {
  // What nobody recognises has not ended.
  if (type === "workflow.started" || type === "event.unrecognised") return { status: "PROCESSING" };
  if (type === "workflow.actionRequired") return { status: "PIN_REQUIRED", message: PIN_MESSAGE };
  const marks = data.numbersAsText === true ? ({ numbersAsText: true } as const) : {};
  if (isObject(data.error)) return { ...weLinkFailureOf(data.error), result, ...marks };
  return { status: data.status === "failed" ? "FAILED" : "SUCCESS", result, ...marks };
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A whole number, by its value, as text. */
function integerIn(value: unknown): string | undefined {
  const number = JSON.isRawJSON(value) ? Number(value.rawJSON) : value;
  return Number.isSafeInteger(number) ? String(number) : undefined;
}

function invalid(field: string, message: string): InvalidRequest {
  return new InvalidRequest([{ field, message }]);
}
