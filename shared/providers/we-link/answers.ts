import { limits } from "../../contracts/limits.ts";
import type { ProviderEvent, UnclearReport } from "../../core/events/provider-event.ts";
import { isObject, type JsonObject, type ParsedJson, parseJson } from "../../core/json/json.ts";
import { bodyOfAnswer, isSuccess, messageOf } from "../../core/providers/answer-body.ts";
import type {
  PollOutcome,
  ProviderAnswer,
  SubmissionOutcome,
} from "../../core/providers/provider-client.ts";
import { retryAfterOf } from "../../core/providers/retry-after.ts";
import { pendingReasonOf, readWeLink } from "./event.ts";
import { listedCodeIn, type WeLinkError, weLinkErrorOf, weLinkOutcomeOf } from "./outcome.ts";
import { requestIdsOf } from "./request-id.ts";
import { isSynchronousCall } from "./synchronous-calls.ts";
import { isText } from "./text.ts";
import { weLinkVocabulary } from "./vocabulary.ts";

/**
 * What an answer to `POST /api/v1/{action}` means: by the code that it names, wherever it
 * names one, else by the HTTP status. The statuses are those of
 * https://apidocs.we-link.ai/docs/errors-and-limits/error-model and
 * https://apidocs.we-link.ai/docs/errors-and-limits/rate-limits; any other
 * status, each 5xx included, does not prove that nothing was done.
 */
export function readWeLinkSubmission(answer: ProviderAnswer, action: string): SubmissionOutcome {
  if (isSuccess(answer)) return acceptedBy(answer, action);
  if (answer.status === 429) return { kind: "rateLimited", ...retryAfterOf(answer) };
  const error = errorOf(answer);
  const consequence = weLinkVocabulary.ruleOf(error.code)?.consequence;
  // A 5xx does not prove that nothing was done, unless the code says that nothing could be.
  if (consequence && (answer.status < 500 || consequence !== "end")) {
    return refusedWith(error, answer);
  }
  switch (answer.status) {
    case 401:
      return { kind: "credentialsRefused", code: error.code };
    case 403:
      return { kind: "forbidden", error };
    case 400:
    case 404:
    case 413:
    case 422:
      return { kind: "rejected", error };
    default:
      return unknown(answer);
  }
}

/** A refusal with a code of the table, which says what follows from it. */
function refusedWith(error: WeLinkError, answer: ProviderAnswer): SubmissionOutcome {
  const rule = weLinkVocabulary.ruleOf(error.code);
  if (rule?.keepsRequest) return { kind: "accountBlocked", code: error.code };
  const isPause = rule?.consequence === "pauseLane" || rule?.consequence === "pauseCategory";
  return { kind: "rejected", error, ...(isPause ? retryAfterOf(answer) : {}) };
}

const unknown = ({ status }: ProviderAnswer) =>
  ({ kind: "unknown", code: `HTTP_${status}` }) as const;

function acceptedBy(answer: ProviderAnswer, action: string): SubmissionOutcome {
  const body = bodyOfAnswer(answer);
  const [id, ...others] = body ? requestIdsOf(body.value) : [];
  if (others.some((other) => other !== id) || (id?.length ?? 0) > limits.maxIdLength) {
    return unknown(answer);
  }
  const isSynchronous = isSynchronousCall(action) && id === undefined;
  const isResult = isSynchronous && !body?.value.result && !(body && endsRequest(body.value));
  const resultBody = isResult ? wholeBodyAsResult(answer) : body;
  const resultEvent = resultBody ? resultEventIn(resultBody, { action, id }) : undefined;
  const { error } = resultEvent?.data ?? {};
  // Without an id nothing was taken, so that a later attempt can succeed.
  if (id === undefined && error && weLinkVocabulary.ruleOf(error.code)?.keepsRequest) {
    return refusedWith(error, answer);
  }
  if (id === undefined && !resultEvent) return { ...unknown(answer), ...unclearIn(body) };
  const read = body && weLinkOutcomeOf(body.value);
  return {
    kind: "accepted",
    ...(id === undefined ? {} : { providerRequestId: id }),
    ...(read?.meaning === "waiting" ? pendingReasonOf(read) : {}),
    ...(resultEvent && { resultEvent }),
    ...(resultEvent && resultBody?.numbersAsText ? { numbersAsText: true } : {}),
  };
}

/**
 * Whether the body of an answer tells a failure: with a code of the table, or beside a member
 * `result`. Without either, the status or the error may be that of an account which it describes.
 */
function endsRequest(value: JsonObject): boolean {
  const { error } = weLinkOutcomeOf(value) ?? {};
  if (error === undefined) return false;
  return "result" in value || weLinkVocabulary.ruleOf(error.code) !== undefined;
}

/** Takes the place of a missing id, because an answer is parsed as a webhook, which must have one. */
const PLACEHOLDER_ID = "answer";

/** What is stored of an answer whose status or code the vocabulary does not list. */
function unclearIn(body: ParsedJson | undefined): { unclear?: UnclearReport } {
  const event = body && eventIn({ ...body, value: { ...body.value, request_id: PLACEHOLDER_ID } });
  return event?.unclear ? { unclear: event.unclear } : {};
}

/**
 * Returns the event in an answer that already contains the outcome, parsed as the webhook
 * with that outcome. A status next to an id describes the acceptance, unless it tells a
 * failure or a prompt, or a result is present. A result is a success where nothing else in the
 * answer tells the outcome.
 */
function resultEventIn(
  body: ParsedJson,
  { action, id }: { action: string; id: string | undefined },
): ProviderEvent | undefined {
  const { value: sent } = body;
  const isResultAlone = weLinkOutcomeOf(sent) === undefined && (sent.result ?? null) !== null;
  const value = isResultAlone ? { ...sent, status: "SUCCESS" } : sent;
  const { meaning } = weLinkOutcomeOf(value) ?? {};
  const hasOutcome =
    meaning === "failed" ||
    (meaning === "completed" && (id === undefined || isObject(value.result))) ||
    (meaning === "actionRequired" && id !== undefined);
  if (!hasOutcome) return undefined;
  const event = eventIn({
    ...body,
    value: { event_type: `/api/v1/${action}`, ...value, request_id: id ?? PLACEHOLDER_ID },
  });
  if (!event?.type.startsWith("workflow.")) return undefined;
  const { workflowId: _workflowId, providerRequestId: _providerId, ...data } = event.data;
  return { ...event, data: { ...data, ...(id === undefined ? {} : { providerRequestId: id }) } };
}

function wholeBodyAsResult(answer: ProviderAnswer): ParsedJson | undefined {
  try {
    const { value, ...read } = parseJson(answer.body);
    return { ...read, value: { status: "SUCCESS", result: value } };
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
 * Returns what an answer of `get_response` means: by the code that it names, wherever it
 * names one, else by the HTTP status and the status word.
 * https://apidocs.we-link.ai/api-reference/request-status/get-request-status
 */
export function readWeLinkPoll(providerRequestId: string, answer: ProviderAnswer): PollOutcome {
  const { status: httpStatus } = answer;
  if (httpStatus === 429) return { kind: "rateLimited", ...retryAfterOf(answer) };
  const body = bodyOfAnswer(answer);
  if (body && requestIdsOf(body.value).some((id) => id !== providerRequestId)) {
    return { kind: "failed", code: "ANSWERS_ANOTHER_REQUEST" };
  }
  if (!isSuccess(answer)) return refusedPoll(providerRequestId, answer, body);
  if (!body) return { kind: "failed", code: `HTTP_${httpStatus}` };
  const read = weLinkOutcomeOf(body.value);
  if (!read) return { kind: "failed", code: "STATUS_NOT_UNDERSTOOD" };
  if (read.meaning === "waiting") return { kind: "waiting", ...pendingReasonOf(read) };
  if (read.meaning === "absent") return { kind: "noChange" };
  return updateFrom(providerRequestId, body);
}

/**
 * An answer that is no 2xx: a code of the table counts all the same, because it is about the
 * request or the account. A 5xx ends no request.
 */
function refusedPoll(
  providerRequestId: string,
  answer: ProviderAnswer,
  body: ParsedJson | undefined,
): PollOutcome {
  const { code } = errorOf(answer);
  const rule = weLinkVocabulary.ruleOf(code);
  const pausesAccount = rule?.consequence === "pauseAccount";
  if (pausesAccount && (rule.keepsRequest || answer.status >= 500)) {
    return { kind: "accountBlocked", code };
  }
  if (rule && body && answer.status < 500) {
    const value = { ...body.value, status: code };
    return updateFrom(providerRequestId, { ...body, value });
  }
  switch (answer.status) {
    case 404:
      return { kind: "noChange" };
    case 401:
      return { kind: "credentialsRefused", code };
    case 403:
      return { kind: "forbidden", code };
    default:
      return { kind: "failed", code: `HTTP_${answer.status}` };
  }
}

function updateFrom(providerRequestId: string, body: ParsedJson): PollOutcome {
  const event = eventIn({ ...body, value: { ...body.value, request_id: providerRequestId } });
  if (!event) return { kind: "failed", code: "ANSWER_NOT_UNDERSTOOD" };
  return { kind: "update", event, numbersAsText: body.numbersAsText };
}

/** Both shapes are sent: `{status: CODE, message}`, and NestJS's `{message, error, statusCode}`. */
function errorOf(answer: ProviderAnswer): WeLinkError {
  const value = bodyOfAnswer(answer)?.value ?? {};
  const { code, message } = weLinkErrorOf(value);
  const listed = listedCodeIn(value);
  if (listed !== undefined) return { code: listed, message: messageOf(message) };
  const given = isText(value.status)
    ? code
    : isObject(value.error)
      ? value.error.code
      : value.error;
  const hasText = isText(value.status) || message !== code;
  return {
    code: asCode(given) ?? `HTTP_${answer.status}`,
    message: messageOf(hasText ? message : `We-Link answered ${answer.status}`),
  };
}

/** `Bad Request` as `BAD_REQUEST`; a sentence is no code. */
function asCode(text: unknown): string | undefined {
  if (!isText(text) || !/^[A-Za-z][A-Za-z0-9_ ]{0,63}$/.test(text)) return undefined;
  return text.trim().replaceAll(/ +/g, "_").toUpperCase();
}
