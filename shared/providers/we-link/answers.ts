import { limits } from "../../contracts/limits.ts";
import type { ProviderEvent } from "../../core/events/provider-event.ts";
import { isObject, type JsonObject, type ParsedJson, parseJson } from "../../core/json/json.ts";
import { bodyOfAnswer, isSuccess, messageOf } from "../../core/providers/answer-body.ts";
import type {
  PollOutcome,
  ProviderAnswer,
  SubmissionOutcome,
} from "../../core/providers/provider-client.ts";
import { retryAfterOf } from "../../core/providers/retry-after.ts";
import { readWeLink, weLinkErrorOf } from "./event.ts";
import { requestIdsOf } from "./request-id.ts";
import { isSynchronousCall } from "./synchronous-calls.ts";

/**
 * What an answer to `POST /api/v1/{action}` means. The statuses are those of
 * https://apidocs.we-link.ai/docs/errors-and-limits/error-model and
 * https://apidocs.we-link.ai/docs/errors-and-limits/rate-limits; any other
 * status, each 5xx included, does not prove that nothing was done.
 */
export function readWeLinkSubmission(answer: ProviderAnswer, action: string): SubmissionOutcome {
  if (isSuccess(answer)) return acceptedBy(answer, action);
  const error = errorOf(answer);
  switch (answer.status) {
    case 401:
    case 403:
      return { kind: "credentialsRefused", code: error.code };
    case 429:
      return { kind: "rateLimited", ...retryAfterOf(answer) };
    case 400:
      // https://apidocs.we-link.ai/docs/accounts-and-sessions/account-status: a dead session.
      if (/linked account not active/i.test(error.message)) {
        return { kind: "accountBlocked", code: "ACCOUNT_NOT_ACTIVE" };
      }
      return { kind: "rejected", error };
    case 404:
    case 413:
    case 422:
      return { kind: "rejected", error };
    default:
      return unknown(answer);
  }
}

const unknown = ({ status }: ProviderAnswer) =>
  ({ kind: "unknown", code: `HTTP_${status}` }) as const;

function acceptedBy(answer: ProviderAnswer, action: string): SubmissionOutcome {
  const body = bodyOfAnswer(answer);
  const [id, ...others] = body ? requestIdsOf(body.value) : [];
  if (others.some((other) => other !== id) || (id?.length ?? 0) > limits.maxIdLength) {
    return unknown(answer);
  }
  // A status next to an id describes the acceptance, unless a result is present.
  const mayContainResult = id === undefined || isObject(body?.value.result);
  const isSynchronous = isSynchronousCall(action) && id === undefined;
  const resultBody = isSynchronous && !body?.value.result ? wholeBodyAsResult(answer) : body;
  const resultEvent =
    resultBody && mayContainResult ? resultEventIn(resultBody, { action, id }) : undefined;
  if (id === undefined && !resultEvent) return unknown(answer);
  return {
    kind: "accepted",
    ...(id === undefined ? {} : { providerRequestId: id }),
    ...(resultEvent && { resultEvent }),
    ...(resultEvent && resultBody?.numbersAsText ? { numbersAsText: true } : {}),
  };
}

/** Returns the final event in an answer that already contains the result, parsed as the webhook with that result. */
function resultEventIn(
  body: ParsedJson,
  { action, id }: { action: string; id: string | undefined },
): ProviderEvent | undefined {
  const value = "result" in body.value ? { status: "SUCCESS", ...body.value } : body.value;
  if (!(id === undefined ? hasFinalStatus(value) : succeeded(value))) return undefined;
  const event = eventIn({
    ...body,
    value: { event_type: `/api/v1/${action}`, ...value, request_id: id ?? "answer" },
  });
  if (event?.type !== "workflow.completed") return undefined;
  const { workflowId: _workflowId, providerRequestId: _providerId, ...data } = event.data;
  return { ...event, data: { ...data, ...(id === undefined ? {} : { providerRequestId: id }) } };
}

const succeeded = ({ status }: JsonObject) => status === "SUCCESS" || status === "COMPLETED";

/**
 * Whether the status is final. An unlisted status is a failure only with a text that
 * explains it, because without one it may be a status that the documents do not list.
 */
function hasFinalStatus(value: JsonObject): boolean {
  const { status, message, error, error_message } = value;
  if (succeeded(value) || status === "FAILED") return true;
  return isText(status) && [message, error, error_message].some(isText);
}

function wholeBodyAsResult(answer: ProviderAnswer): ParsedJson | undefined {
  try {
    const { value, ...read } = parseJson(answer.body);
    return { ...read, value: { result: value } };
  } catch {
    return undefined;
  }
}

function eventIn(body: ParsedJson): ProviderEvent | undefined {
  try {
    return readWeLink(body);
  } catch {
    // The frame is not there: the caller has an outcome for what cannot be read.
    return undefined;
  }
}

/**
 * Statuses of a request that has not started. The documents list only the first two;
 * the others are guesses, so that such a word does not end a request.
 */
const notStartedStatuses = ["QUEUED", "PENDING", "SCHEDULED", "ACCEPTED", "RECEIVED", "RUNNING"];
const runningStatuses = ["PROCESSING", "IN_PROGRESS", "PIN_REQUIRED"];

/**
 * Returns what an answer of `get_response` means.
 * https://apidocs.we-link.ai/api-reference/request-status/get-request-status
 */
export function readWeLinkPoll(providerRequestId: string, answer: ProviderAnswer): PollOutcome {
  const { status: httpStatus } = answer;
  if (httpStatus === 404) return { kind: "noChange" };
  if (httpStatus === 429) return { kind: "rateLimited", ...retryAfterOf(answer) };
  if (httpStatus === 401 || httpStatus === 403) {
    return { kind: "credentialsRefused", code: errorOf(answer).code };
  }
  const body = isSuccess(answer) ? bodyOfAnswer(answer) : undefined;
  if (!body) return { kind: "failed", code: `HTTP_${httpStatus}` };
  const { status } = body.value;
  if (requestIdsOf(body.value).some((id) => id !== providerRequestId)) {
    return { kind: "failed", code: "ANSWERS_ANOTHER_REQUEST" };
  }
  if (notStartedStatuses.includes(String(status))) return { kind: "noChange" };
  if (!runningStatuses.includes(String(status)) && !hasFinalStatus(body.value)) {
    return { kind: "failed", code: "STATUS_NOT_UNDERSTOOD" };
  }
  const event = eventIn({ ...body, value: { ...body.value, request_id: providerRequestId } });
  if (!event) return { kind: "failed", code: "ANSWER_NOT_UNDERSTOOD" };
  return { kind: "update", event, numbersAsText: body.numbersAsText };
}

/** Both shapes are sent: `{status: CODE, message}`, and NestJS's `{message, error, statusCode}`. */
function errorOf(answer: ProviderAnswer): { code: string; message: string } {
  const value = bodyOfAnswer(answer)?.value ?? {};
  const code = `HTTP_${answer.status}`;
  if (isText(value.status)) {
    const reported = weLinkErrorOf(value);
    return { code: asCode(reported.code) ?? code, message: messageOf(reported.message) };
  }
  const error = isObject(value.error) ? value.error.code : value.error;
  const texts = [value.message, value.error_message, error].flat().filter(isText);
  return {
    code: asCode(error) ?? code,
    message: messageOf(texts[0] ?? `We-Link answered ${answer.status}`),
  };
}

/** `Bad Request` as `BAD_REQUEST`; a sentence is no code. */
function asCode(text: unknown): string | undefined {
  if (!isText(text) || !/^[A-Za-z][A-Za-z0-9_ ]{0,63}$/.test(text)) return undefined;
  return text.trim().replaceAll(/ +/g, "_").toUpperCase();
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
