import type { JsonObject } from "../../../shared/core/json/json.ts";
import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";

/** What a provider has taken, and how it will end. Times in milliseconds. */
export interface Job {
  provider: SimulatedProvider;
  providerRequestId: string;
  accountId: string;
  /** The body of the call. */
  body: JsonObject;
  startMs: number;
  endMs: number;
  isSuccess: boolean;
  /** When it was cancelled. */
  cancelledMs: number | undefined;
}

/** A call, as the provider reads it. */
export type Asked =
  | { kind: "submit"; accountId: string; action: string; body: JsonObject }
  | { kind: "poll" | "cancel"; id: string };

export interface Answer {
  status: number;
  body: JsonObject;
}

/** A webhook of a job. */
export interface JobWebhook {
  atMs: number;
  body: JsonObject;
  /** It tells the outcome. */
  isEnd: boolean;
}

/** The HTTP interface of a provider: what its calls, its answers and its webhooks look like. */
export interface ProviderForm {
  idPrefix: string;
  isAuthorised(call: ProviderHttpCall): boolean;
  read(call: ProviderHttpCall): Asked;
  accepted(job: Job): Answer;
  /** @param job absent where there is none with this id */
  state(id: string, job: Job | undefined, nowMs: number): Answer;
  /** Answers a call that cancels. */
  cancelled(of: { isKnown: boolean; isCancelled: boolean }): Answer;
  internalError: Answer;
  webhooksOf(job: Job): JobWebhook[];
  /** What it reports of a job that was cancelled, if it does. */
  webhookOfCancel(job: Job): JobWebhook | undefined;
}

const bodyOf = ({ body }: ProviderHttpCall) => JSON.parse(body ?? "{}") as JsonObject;

function weLinkOutcome({ isSuccess, body: { n } }: Job): JsonObject {
  return isSuccess
    ? { status: "SUCCESS", result: { connected: true, n: n ?? null } }
    : { status: "FAILED", error: "PROFILE_NOT_FOUND" };
}

/** The credentials of the connections, by provider and header. */
export const credentials = {
  "we-link": { "x-api-key": "id", "x-api-secret": "secret" },
  "linked-api": { "linked-api-token": "token" },
} as const;

const weLink: ProviderForm = {
  idPrefix: "wl",
  isAuthorised: ({ headers }) =>
    headers["x-api-key"] === credentials["we-link"]["x-api-key"] &&
    headers["x-api-secret"] === credentials["we-link"]["x-api-secret"],
  read(call) {
    const action = call.path.split("/").at(-1) ?? "";
    const body = bodyOf(call);
    if (action === "get_response") return { kind: "poll", id: String(body.request_id) };
    return { kind: "submit", accountId: String(body.accountId), action, body };
  },
  accepted: ({ providerRequestId }) => ({ status: 200, body: { requestId: providerRequestId } }),
  state(id, job, nowMs) {
    if (!job) return { status: 404, body: { status: "NOT_FOUND", message: "no such request" } };
    const state = job.endMs <= nowMs ? weLinkOutcome(job) : { status: "PROCESSING" };
    return { status: 200, body: { request_id: id, requestId: id, ...state } };
  },
  cancelled: () => ({ status: 404, body: { status: "NOT_FOUND" } }),
  internalError: { status: 500, body: { status: "INTERNAL_SERVER_ERROR" } },
  webhooksOf: (job) => [
    {
      atMs: job.endMs,
      body: { ...weLinkOutcome(job), request_id: job.providerRequestId },
      isEnd: true,
    },
  ],
  webhookOfCancel: () => undefined,
};

/** The token of an account of Linked API, by which its calls name it. */
export const tokenOf = (accountId: string): string => `token-of-${accountId}`;

const succeeded = (result: JsonObject): Answer => ({
  status: 200,
  body: { success: true, result },
});

const noWorkflow: Answer = {
  status: 404,
  body: { success: false, error: { type: "workflowNotFound", message: "no such workflow" } },
};

function linkedApiOutcome({ isSuccess, body: { n, actionType, label } }: Job): JsonObject {
  if (!isSuccess) return { failure: { reason: "personNotFound", message: "no such person" } };
  const completion = { actionType: actionType ?? null, success: true, data: { n: n ?? null } };
  return { completion: label === undefined ? completion : { ...completion, label } };
}

const cancellation = { reason: "cancelled", message: "The workflow was cancelled" };

/** A webhook of Linked API about a workflow. */
function ofWorkflow(
  type: string,
  { providerRequestId: workflowId, accountId }: Job,
  { atMs, ...more }: JsonObject & { atMs: number },
): JsonObject {
  return {
    id: `${type}:${workflowId}`,
    type,
    createdAt: new Date(atMs).toISOString(),
    data: { workflowId, accountId, ...more },
  };
}

function workflowAt(job: Job, nowMs: number): JsonObject {
  if (job.cancelledMs !== undefined) {
    return { workflowStatus: "failed", failure: cancellation };
  }
  if (nowMs < job.startMs) return { workflowStatus: "pending" };
  if (nowMs < job.endMs) return { workflowStatus: "running" };
  return { workflowStatus: job.isSuccess ? "completed" : "failed", ...linkedApiOutcome(job) };
}

const linkedApi: ProviderForm = {
  idPrefix: "la",
  isAuthorised: ({ headers }) =>
    headers["linked-api-token"] === credentials["linked-api"]["linked-api-token"] &&
    headers["identification-token"]?.startsWith(tokenOf("")) === true,
  read(call) {
    const { method, path, headers } = call;
    const id = path.split("/").at(2) ?? "";
    if (method === "GET") return { kind: "poll", id };
    if (method === "DELETE") return { kind: "cancel", id };
    const body = bodyOf(call);
    const accountId = (headers["identification-token"] ?? "").replace(tokenOf(""), "");
    return { kind: "submit", accountId, action: String(body.actionType), body };
  },
  accepted: ({ providerRequestId: workflowId }) =>
    succeeded({ workflowId, workflowStatus: "pending" }),
  state: (workflowId, job, nowMs) =>
    job ? succeeded({ workflowId, ...workflowAt(job, nowMs) }) : noWorkflow,
  cancelled: ({ isKnown, isCancelled }) =>
    isKnown ? succeeded({ cancelled: isCancelled }) : noWorkflow,
  internalError: {
    status: 500,
    body: { success: false, error: { type: "httpError", message: "internal error" } },
  },
  webhooksOf(job) {
    const { startMs, endMs } = job;
    const outcome = linkedApiOutcome(job);
    const result = job.isSuccess ? (outcome.completion ?? null) : outcome;
    const status = job.isSuccess ? "completed" : "failed";
    return [
      {
        atMs: startMs,
        body: ofWorkflow("workflow.started", job, { atMs: startMs, status: "running" }),
        isEnd: false,
      },
      {
        atMs: endMs,
        body: ofWorkflow("workflow.completed", job, { atMs: endMs, status, result }),
        isEnd: true,
      },
    ];
  },
  webhookOfCancel(job) {
    const atMs = job.cancelledMs ?? 0;
    const result = { failure: cancellation };
    const body = ofWorkflow("workflow.completed", job, { atMs, status: "failed", result });
    return { atMs, body, isEnd: true };
  },
};

export const providerForms = { "we-link": weLink, "linked-api": linkedApi } as const;

/** A provider that takes part in the simulation. */
export type SimulatedProvider = keyof typeof providerForms;

/** @throws Error for a provider that takes no part in the simulation */
export function asSimulated(provider: string): SimulatedProvider {
  if (provider in providerForms) return provider as SimulatedProvider;
  throw new Error(`the simulation has no ${provider}`);
}
