import { limits } from "../../contracts/limits.ts";
import { discriminatorOf } from "../../core/events/event-id.ts";
import { type ProviderEvent, unclearReport } from "../../core/events/provider-event.ts";
import { canonicalJson, isObject, type JsonObject } from "../../core/json/json.ts";
import { bodyOfAnswer, isSuccess, messageOf } from "../../core/providers/answer-body.ts";
import type {
  PollOutcome,
  ProviderAnswer,
  SubmissionOutcome,
} from "../../core/providers/provider-client.ts";
import { providerIdOf } from "../../core/providers/provider-id.ts";
import { retryAfterOf } from "../../core/providers/retry-after.ts";
import { confirmation, namesAnother } from "./confirmation.ts";
import { pendingReasonOf, type WorkflowState, workflowStateOf } from "./result.ts";
import { linkedApiVocabulary } from "./vocabulary.ts";

/** For answers that do not prove that nothing was done: 408, 5xx and bodies without an envelope. */
const unknown = ({ status }: ProviderAnswer) =>
  ({ kind: "unknown", code: `HTTP_${status}` }) as const;

/** Reads the answer to `POST /workflows`: by the error type of the envelope, else by the status. */
export function readLinkedApiSubmission(answer: ProviderAnswer): SubmissionOutcome {
  const { result, error, value, numbersAsText } = envelopeOf(answer);
  if (answer.status === 429) return { kind: "rateLimited", ...retryAfterOf(answer) };
  if (error && provesRefusal(error, answer)) return refusedBy(error, answer);
  if (answer.status === 401) return { kind: "credentialsRefused", code: "HTTP_401" };
  if (answer.status === 403) {
    const message = "Linked API answered 403";
    return { kind: "forbidden", error: { code: "HTTP_403", message } };
  }
  if (!isSuccess(answer) || !isObject(result)) return unknown(answer);
  const workflowId = providerIdOf(result.workflowId);
  if (workflowId === undefined || workflowId.length > limits.maxIdLength) return unknown(answer);
  const { meaning } = workflowStateOf(result);
  const hasEnded = meaning === "failed" || (meaning === "completed" && "completion" in result);
  const resultEvent = hasEnded ? eventIn({ workflowId, meaning, value }) : undefined;
  return {
    kind: "accepted",
    providerRequestId: workflowId,
    ...(meaning === "waiting" ? pendingReasonOf(result) : {}),
    ...(resultEvent ? { resultEvent } : {}),
    ...(resultEvent && numbersAsText ? { numbersAsText } : {}),
  };
}

/**
 * Neither a 408 nor a 5xx proves that nothing was done, unless the code says that nothing could be.
 */
function provesRefusal({ type }: ProviderError, { status }: ProviderAnswer): boolean {
  const rule = linkedApiVocabulary.ruleOf(type);
  if (status === 408 || status >= 500) return rule?.keepsRequest === true;
  // A 401 with an unknown type is about the credentials all the same.
  return rule !== undefined || status !== 401;
}

function refusedBy(error: ProviderError, answer: ProviderAnswer): SubmissionOutcome {
  const code = error.type;
  const { consequence = "end", isRateLimit } = linkedApiVocabulary.ruleOf(code) ?? {};
  if (isRateLimit) return { kind: "rateLimited", isOfCategory: true, ...retryAfterOf(answer) };
  switch (consequence) {
    case "pauseLane":
      return { kind: "temporarilyUnavailable", code, ...retryAfterOf(answer) };
    case "pauseConnection":
      return { kind: "credentialsRefused", code };
    case "pauseAccount":
      return { kind: "accountBlocked", code };
    case "ask":
      return { kind: "unknown", code };
    case "pauseCategory":
      return { kind: "rejected", error: { code, message: error.message }, ...retryAfterOf(answer) };
    default:
      return { kind: "rejected", error: { code, message: error.message } };
  }
}

/** Reads the answer to `GET /workflows/{id}`. */
export function readLinkedApiPoll(workflowId: string, answer: ProviderAnswer): PollOutcome {
  const { value, numbersAsText, result, error } = envelopeOf(answer);
  if (answer.status === 404) return { kind: "noChange" };
  const { consequence, isRateLimit } = (error && linkedApiVocabulary.ruleOf(error.type)) ?? {};
  if (answer.status === 429 || isRateLimit) {
    return { kind: "rateLimited", ...retryAfterOf(answer) };
  }
  const code = error?.type ?? `HTTP_${answer.status}`;
  if (consequence === "pauseConnection") return { kind: "credentialsRefused", code };
  if (consequence === "pauseAccount") return { kind: "accountBlocked", code };
  if (answer.status === 401) return { kind: "credentialsRefused", code };
  if (answer.status === 403) return { kind: "forbidden", code };
  if (!isSuccess(answer) || !isObject(result)) return { kind: "failed", code };
  if (namesAnother(result, workflowId)) return { kind: "failed", code: "ANSWERS_ANOTHER_WORKFLOW" };
  const { meaning, word } = workflowStateOf(result);
  if (meaning === "waiting") return { kind: "waiting", ...pendingReasonOf(result) };
  if (meaning === "absent") return { kind: "noChange" };
  if (meaning === "unknown" || meaning === "actionRequired") {
    return { kind: "update", event: unrecognised(workflowId, result, word), numbersAsText };
  }
  const event = meaning && eventIn({ workflowId, meaning, value });
  if (!event) return { kind: "failed", code: "ANSWER_NOT_UNDERSTOOD" };
  return { kind: "update", event, numbersAsText };
}

/** A workflow whose status the vocabulary does not list. */
function unrecognised(
  workflowId: string,
  result: JsonObject,
  status: string | undefined,
): ProviderEvent {
  return {
    type: "event.unrecognised",
    providerObjectId: workflowId,
    discriminator: discriminatorOf(canonicalJson(result)),
    unclear: unclearReport("unrecognised", result, { status }),
    data: { workflowId, providerRequestId: workflowId, eventType: "UNKNOWN", payload: result },
  };
}

/** The state as the event that the webhook of this state would have become. */
function eventIn(answer: {
  workflowId: string;
  meaning: WorkflowState["meaning"];
  value: JsonObject;
}): ProviderEvent | undefined {
  const asked: ProviderEvent = {
    type: answer.meaning === "running" ? "workflow.started" : "workflow.completed",
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
  const named = isObject(error) ? [error.type, error.code, error.name] : [error];
  const type = named.find((one) => typeof one === "string" && one !== "");
  if (typeof type !== "string") return { value, numbersAsText };
  const texts = isObject(error) ? [error.message, type] : [type];
  const message = texts.find((one) => typeof one === "string") ?? type;
  const code = (linkedApiVocabulary.codeOf(type) ?? type).slice(0, limits.maxNameLength);
  return { value, numbersAsText, error: { type: code, message: messageOf(String(message)) } };
}
