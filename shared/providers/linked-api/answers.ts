import { limits } from "../../contracts/limits.ts";
import type { ProviderEvent } from "../../core/events/provider-event.ts";
import { isObject, type JsonObject } from "../../core/json/json.ts";
import { bodyOfAnswer, isSuccess, messageOf } from "../../core/providers/answer-body.ts";
import type {
  PollOutcome,
  ProviderAnswer,
  SubmissionOutcome,
} from "../../core/providers/provider-client.ts";
import { providerIdOf } from "../../core/providers/provider-id.ts";
import { retryAfterOf } from "../../core/providers/retry-after.ts";
import { confirmation, namesAnother } from "./confirmation.ts";

/**
 * Error types that do not mean a permanent rejection. The types are those
 * of `@linkedapi/node`'s dist/types/errors.d.ts (its common errors:
 * https://linkedapi.io/docs/making-requests/#common-errors).
 */
const outcomeKindByErrorType = new Map<string, SubmissionOutcome["kind"]>(
  Object.entries({
    // Rate limit. https://linkedapi.io/docs/admin-overview
    tooManyRequests: "rateLimited",
    // The connection's token or subscription: all of its accounts are affected.
    linkedApiTokenRequired: "credentialsRefused",
    invalidLinkedApiToken: "credentialsRefused",
    subscriptionRequired: "credentialsRefused",
    // The token of one account, or its LinkedIn session: its user must connect it again.
    identificationTokenRequired: "accountBlocked",
    invalidIdentificationToken: "accountBlocked",
    linkedinAccountSignedOut: "accountBlocked",
    // Outside the working hours of the account (linkedapi-mcp, handle-linked-api-error.ts).
    outsideWorkingHours: "temporarilyUnavailable",
    workingHoursWaitExpired: "temporarilyUnavailable",
    // Created by the client library itself: from the provider they mean nothing.
    httpError: "unknown",
    workflowTimeout: "unknown",
  } as const),
);

/** For answers that do not prove that nothing was done: every 5xx, and bodies without an envelope. */
const unknown = ({ status }: ProviderAnswer) =>
  ({ kind: "unknown", code: `HTTP_${status}` }) as const;

/** Reads the answer to `POST /workflows`: by the error type of the envelope, else by the status. */
export function readLinkedApiSubmission(answer: ProviderAnswer): SubmissionOutcome {
  const { result, error } = envelopeOf(answer);
  if (answer.status === 429) return { kind: "rateLimited", ...retryAfterOf(answer) };
  if (error && answer.status < 500) return refusedBy(error, answer);
  if (answer.status === 401 || answer.status === 403) {
    return { kind: "credentialsRefused", code: `HTTP_${answer.status}` };
  }
  if (!isSuccess(answer) || !isObject(result)) return unknown(answer);
  const workflowId = providerIdOf(result.workflowId);
  if (workflowId === undefined || workflowId.length > limits.maxIdLength) return unknown(answer);
  return { kind: "accepted", providerRequestId: workflowId };
}

function refusedBy(error: ProviderError, answer: ProviderAnswer): SubmissionOutcome {
  const code = error.type;
  const kind = outcomeKindByErrorType.get(code) ?? "rejected";
  switch (kind) {
    case "rateLimited":
      return { kind, ...retryAfterOf(answer) };
    case "credentialsRefused":
    case "accountBlocked":
      return { kind, code };
    case "temporarilyUnavailable":
      return { kind, code, ...retryAfterOf(answer) };
    case "rejected":
      return { kind, error: { code, message: error.message } };
    default:
      return { kind: "unknown", code };
  }
}

/** Reads the answer to `GET /workflows/{id}`. */
export function readLinkedApiPoll(workflowId: string, answer: ProviderAnswer): PollOutcome {
  const { value, numbersAsText, result, error } = envelopeOf(answer);
  if (answer.status === 404) return { kind: "noChange" };
  if (
    answer.status === 429 ||
    (error && outcomeKindByErrorType.get(error.type) === "rateLimited")
  ) {
    return { kind: "rateLimited", ...retryAfterOf(answer) };
  }
  const code = error?.type ?? `HTTP_${answer.status}`;
  const isRefused = error
    ? outcomeKindByErrorType.get(code) === "credentialsRefused"
    : answer.status === 401 || answer.status === 403;
  if (isRefused) return { kind: "credentialsRefused", code };
  if (!isSuccess(answer) || !isObject(result)) return { kind: "failed", code };
  if (result.workflowStatus === "pending") {
    const isAnother = namesAnother(result, workflowId);
    return isAnother ? { kind: "failed", code: "ANSWERS_ANOTHER_WORKFLOW" } : { kind: "noChange" };
  }
  const event = eventIn({ workflowId, workflowStatus: result.workflowStatus, value });
  if (!event) return { kind: "failed", code: "ANSWER_NOT_UNDERSTOOD" };
  return { kind: "update", event, numbersAsText };
}

/** The state as the event that the webhook of this state would have become. */
function eventIn(answer: {
  workflowId: string;
  workflowStatus: unknown;
  value: JsonObject;
}): ProviderEvent | undefined {
  const isRunning = answer.workflowStatus === "running";
  const asked: ProviderEvent = {
    type: isRunning ? "workflow.started" : "workflow.completed",
    providerObjectId: answer.workflowId,
    data: { status: "running", eventType: "UNKNOWN" },
  };
  try {
    return confirmation.read(asked, answer.value);
  } catch {
    // Not a workflow: the caller has an outcome for an unreadable answer.
    return undefined;
  }
}

/** Reads the answer to `DELETE /workflows/{id}`. */
export function readLinkedApiCancel(answer: ProviderAnswer): "cancelled" | "refused" | "unknown" {
  const { result } = envelopeOf(answer);
  if (!isSuccess(answer) || !isObject(result)) return "unknown";
  if (result.cancelled === true) return "cancelled";
  return result.cancelled === false ? "refused" : "unknown";
}

interface ProviderError {
  type: string;
  message: string;
}

interface Envelope {
  value: JsonObject;
  numbersAsText: boolean;
  result?: unknown;
  error?: ProviderError;
}

/** `{success: true, result}` or `{success: false, error: {type, message}}`; any other body has neither. */
function envelopeOf(answer: ProviderAnswer): Envelope {
  const body = bodyOfAnswer(answer);
  const value: JsonObject = body?.value ?? {};
  const numbersAsText = body?.numbersAsText ?? false;
  const { success, result, error } = value;
  if (success === true) return { value, numbersAsText, result };
  if (!isObject(error) || typeof error.type !== "string") {
    return { value, numbersAsText };
  }
  const message = typeof error.message === "string" ? error.message : error.type;
  const type = error.type.slice(0, limits.maxNameLength);
  return { value, numbersAsText, error: { type, message: messageOf(message) } };
}
