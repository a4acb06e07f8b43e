import { randomUUID } from "node:crypto";
import { isObject, type JsonObject } from "../../shared/core/json/json.ts";
import { requestIdsOf } from "../../shared/providers/we-link/request-id.ts";
import type { JsonAnswer } from "../json-server.ts";
import { answerAt, type Job, type Jobs, reachedSteps } from "./jobs.ts";
import { isRefusedCredential, WRONG_PIN } from "./magic-values.ts";
import type { Handled, PlanWebhook, ProviderApi, ProviderCall } from "./provider-api.ts";
import { weLinkActions } from "./we-link-actions.ts";
import { loggedIn, pinPrompt, type WeLinkOutcome, weLinkOutcome } from "./we-link-outcome.ts";

/**
 * The simulated We-Link: every call is a `POST` below `/api/v1` that returns an
 * id; the outcome is sent by webhook.
 */
export function makeWeLink(options: {
  jobs: Jobs;
  planWebhook: PlanWebhook;
  drawDelayMs: () => number;
  /** Whether an action is accepted although the documents do not name it. */
  isAllowed: (action: string) => boolean;
}): ProviderApi {
  const { jobs, planWebhook, drawDelayMs, isAllowed } = options;

  function accept(action: string, body: JsonObject, nowMs: number, newId?: string): Handled {
    if (!weLinkActions.has(action) && !isAllowed(action)) {
      return refused(404, "NOT_FOUND", `Cannot POST /api/v1/${action}`);
    }
    const id = newId ?? `wl-${randomUUID()}`;
    const endMs = nowMs + drawDelayMs();
    const outcome = weLinkOutcome(action, body, endMs);
    const email = typeof body.email === "string" ? { email: body.email } : {};
    const job: Job = {
      id,
      provider: "we-link",
      webhookIds: [],
      facts: { actions: [action], account: accountOf(body) },
      ...email,
      steps: [
        { atMs: nowMs, answer: { status: "QUEUED" } },
        { atMs: (nowMs + endMs) / 2, answer: { status: "PROCESSING" } },
        { atMs: endMs, answer: outcome },
      ],
    };
    return accepted(job, outcome, endMs);
  }

  /** Handles `login_code`, which answers the PIN prompt of a login with that login's id. */
  function continueLogin(body: JsonObject, nowMs: number): Handled {
    const { code, requestId } = body;
    if (typeof code !== "string" || typeof requestId !== "string") {
      return refused(400, "BAD_REQUEST", "code and requestId must be strings");
    }
    const job = jobs.find("we-link", requestId);
    if (!job) return refused(404, "NOT_FOUND", `There is no request ${requestId}`);
    if (answerAt(job, nowMs).status !== "PIN_REQUIRED") {
      return refused(400, "PIN_NOT_REQUIRED", "This login does not wait for a code");
    }
    const endMs = nowMs + drawDelayMs();
    const outcome = code === WRONG_PIN ? pinPrompt() : loggedIn(job.email ?? "");
    const steps = [
      ...reachedSteps(job, nowMs),
      { atMs: nowMs, answer: { status: "PROCESSING" } },
      { atMs: endMs, answer: outcome },
    ];
    return accepted({ ...job, steps }, outcome, endMs);
  }

  function accepted(job: Job, outcome: WeLinkOutcome, atMs: number): Handled {
    const { status, ...rest } = outcome;
    const body = { status, request_id: job.id, ...rest };
    const webhook = planWebhook({ webhookId: randomUUID(), body, atMs, job });
    return {
      answer: { status: 200, body: { requestId: job.id } },
      providerRequestId: job.id,
      change: { job, webhooks: [webhook] },
    };
  }

  function getResponse(body: JsonObject, nowMs: number): Handled {
    const [id] = requestIdsOf(body);
    const job = id === undefined ? undefined : jobs.find("we-link", id);
    if (!job) return refused(404, "NOT_FOUND", `There is no request ${String(id)}`);
    const known = { request_id: job.id, requestId: job.id, ...answerAt(job, nowMs) };
    return { answer: { status: 200, body: known } };
  }

  return {
    provider: "we-link",
    tooManyRequests: "STATUS_429",
    internalError: "INTERNAL_SERVER_ERROR",
    failed,

    endpoint(call) {
      const { body, nowMs, path } = call;
      if (!path.startsWith("/api/v1/")) return undefined;
      const action = path.slice("/api/v1/".length);
      const object = isObject(body) ? body : {};
      const [requestId] = requestIdsOf(object);
      return {
        kind: kindOf(action, call.method),
        accountId: accountOf(object),
        actions: [action],
        ...(requestId === undefined ? {} : { requestId }),
        ...unauthorised(call),
        handle(newId) {
          if (call.method !== "POST") {
            return refused(404, "NOT_FOUND", `Cannot ${call.method} ${path}`);
          }
          if (!isObject(body)) {
            return refused(400, "BAD_REQUEST", "The body must be a JSON object");
          }
          if (action === "get_response") return getResponse(body, nowMs);
          const atOnce = answersAtOnce[action];
          if (atOnce) return { answer: { status: 200, body: atOnce(body) } };
          if (action === "login_code") return continueLogin(body, nowMs);
          return accept(action, body, nowMs, newId);
        },
      };
    },

    idIn: (body) => {
      const { requestId, request_id, requestID } = isObject(body) ? body : {};
      const id = requestId ?? request_id ?? requestID;
      return typeof id === "string" || typeof id === "number" ? String(id) : undefined;
    },

    stateIn: (body) =>
      isObject(body) && typeof body.status === "string" ? body.status : undefined,

    remember(body, nowMs) {
      const [id] = requestIdsOf(body);
      const { request_id: _, requestId: __, hash: ___, ...answer } = body;
      if (id !== undefined) jobs.addStep("we-link", id, { atMs: nowMs, answer });
    },
  };
}

function kindOf(action: string, method: string) {
  if (action === "get_response") return "poll";
  return method !== "POST" || answersAtOnce[action] ? "other" : "submission";
}

/** The pages of the calls are named in `shared/providers/we-link/synchronous-calls.ts`. */
const answersAtOnce: Readonly<Record<string, (body: JsonObject) => unknown>> = {
  get_all_ln_accounts: () => [{ accountId: "simulated-account", email: "jane.doe@example.com" }],
  get_ln_account_details: (body) => ({
    accountId: accountOf(body),
    email: "jane.doe@example.com",
    status: "ACTIVE",
    firstname: "Jane",
    lastname: "Doe",
  }),
  disconnect_account: () => ({ message: "Account disconnected successfully" }),
  get_active_tracker: (body) => [
    { accountId: accountOf(body), thread_id: "simulated-thread", tracker_id: "simulated-tracker" },
  ],
  update_message_tracker: () => ({ message: "Message tracker updated successfully" }),
  me: () => ({ ...loggedIn("jane.doe@example.com"), request_id: `wl-${randomUUID()}` }),
};

function accountOf({ accountId }: JsonObject): string {
  return typeof accountId === "string" ? accountId : "";
}

function unauthorised({ headers }: ProviderCall): { unauthorised?: JsonAnswer } {
  const given = [headers["x-api-key"], headers["x-api-secret"]];
  if (given.every((one) => one && !isRefusedCredential(one))) return {};
  return { unauthorised: failed(401, "UNAUTHORIZED", "x-api-key or x-api-secret is not valid") };
}

function refused(status: number, code: string, message: string): Handled {
  return { answer: failed(status, code, message) };
}

/** https://apidocs.we-link.ai/docs/errors-and-limits/error-model */
function failed(status: number, code: string, message: string): JsonAnswer {
  return { status, body: { status: code, message, requestId: randomUUID() } };
}
