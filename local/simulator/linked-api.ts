import { randomUUID } from "node:crypto";
import { isObject, type JsonObject } from "../../shared/core/json/json.ts";
import type { JsonAnswer } from "../json-server.ts";
import { accountIdOfToken } from "./identification-token.ts";
import { answerAt, type Job, type Jobs, reachedSteps } from "./jobs.ts";
import { isLinkedApiAction } from "./linked-api-actions.ts";
import { callAtOnce } from "./linked-api-at-once.ts";
import { actionsOf, actionTypesOf } from "./linked-api-outcome.ts";
import { workflowSteps } from "./linked-api-progress.ts";
import { isRefusedCredential } from "./magic-values.ts";
import type { Handled, PlanWebhook, ProviderApi, ProviderCall } from "./provider-api.ts";

/**
 * The simulated Linked API: workflows are submitted, read and cancelled; each
 * sends three webhooks.
 */
export function makeLinkedApi(options: {
  jobs: Jobs;
  planWebhook: PlanWebhook;
  drawDelayMs: () => number;
  /** Whether an action is accepted although the documents do not name it. */
  isAllowed: (action: string) => boolean;
}): ProviderApi {
  const { jobs } = options;

  function submit(
    body: unknown,
    { accountId, nowMs, newId }: { accountId: string; nowMs: number; newId?: string | undefined },
  ): Handled {
    const actions = actionsOf(body);
    if (!actions) {
      return refused(
        400,
        "invalidWorkflow",
        "Each action must have an actionType (a non-empty string)",
      );
    }
    const unknown = actionTypesOf(actions).find(
      (type) => !isLinkedApiAction(type) && !options.isAllowed(type),
    );
    if (unknown !== undefined) {
      return refused(400, "invalidWorkflow", `There is no action of the type ${unknown}`);
    }
    const workflowId = newId ?? `wf-${randomUUID()}`;
    const draw = () => nowMs + options.drawDelayMs();
    const workflow = workflowSteps({
      workflowId,
      accountId,
      actions,
      times: [draw(), draw(), draw()],
    });
    const job: Job = {
      id: workflowId,
      provider: "linked-api",
      steps: workflow.map(({ atMs, answer }) => ({ atMs, answer })),
      webhookIds: workflow.map(() => randomUUID()),
      facts: { actions: actions.map(({ actionType }) => actionType), account: accountId },
    };
    const webhooks = workflow.map(({ webhook, atMs }, n) =>
      options.planWebhook({ webhookId: job.webhookIds[n] ?? "", body: webhook, atMs, job }),
    );
    return {
      answer: succeeded({ workflowId, workflowStatus: "pending" }),
      providerRequestId: workflowId,
      change: { job, webhooks },
    };
  }

  function readStatus(id: string, nowMs: number): Handled {
    const job = jobs.find("linked-api", id);
    if (!job) return unknownWorkflow(id);
    return { answer: succeeded({ workflowId: id, ...answerAt(job, nowMs) }) };
  }

  function cancel(id: string, nowMs: number): Handled {
    const job = jobs.find("linked-api", id);
    if (!job) return unknownWorkflow(id);
    const { failure, workflowStatus } = answerAt(job, nowMs);
    const isCancelled = isObject(failure) && failure.reason === CANCELLED;
    if (isCancelled) return { answer: succeeded({ cancelled: true }) };
    if (workflowStatus === "completed" || workflowStatus === "failed") {
      return { answer: succeeded({ cancelled: false }) };
    }
    const answer = {
      workflowStatus: "failed",
      failure: { reason: CANCELLED, message: "The workflow was cancelled" },
    };
    const steps = [...reachedSteps(job, nowMs), { atMs: nowMs, answer }];
    return {
      answer: succeeded({ cancelled: true }),
      change: { job: { ...job, steps, webhookIds: [] }, cancelledWebhookIds: job.webhookIds },
    };
  }

  return {
    provider: "linked-api",
    tooManyRequests: "tooManyRequests",
    internalError: "httpError",
    failed,

    endpoint(call) {
      const { method, path, headers, body, nowMs } = call;
      const id = path.match(/^\/workflows\/([^/]+)$/)?.[1];
      const isSubmission = method === "POST" && path === "/workflows";
      const isStatusOrCancel = id !== undefined && (method === "GET" || method === "DELETE");
      const accountId = accountIdOfToken(String(headers["identification-token"] ?? ""));
      const atOnce = callAtOnce(method, path);
      if (atOnce) {
        return {
          kind: "other",
          accountId,
          actions: [],
          ...unauthorised(call, atOnce.isOfAccount),
          handle: () => ({ answer: atOnce.answer({ accountId, body, nowMs }) }),
        };
      }
      if (!isSubmission && !isStatusOrCancel) return undefined;
      return {
        kind: isSubmission ? "submission" : method === "GET" ? "poll" : "cancel",
        accountId,
        actions: (actionsOf(body) ?? []).map(({ actionType }) => actionType),
        ...(id === undefined ? {} : { requestId: id }),
        ...unauthorised(call),
        handle(newId) {
          if (id === undefined) return submit(body, { accountId, nowMs, newId });
          return method === "GET" ? readStatus(id, nowMs) : cancel(id, nowMs);
        },
      };
    },

    idIn: (body) => {
      const { workflowId } = resultIn(body);
      return typeof workflowId === "string" || typeof workflowId === "number"
        ? String(workflowId)
        : undefined;
    },

    stateIn: (body) => {
      const { workflowStatus } = resultIn(body);
      return typeof workflowStatus === "string" ? workflowStatus : undefined;
    },

    remember({ type, data }, nowMs) {
      if (!isObject(data) || typeof data.workflowId !== "string") return;
      const workflowStatus =
        type === "workflow.completed" ? String(data.status) : statusByType[String(type)];
      if (workflowStatus === undefined) return;
      const { workflowId, result } = data;
      const parts = isObject(result) && "failure" in result ? result : { completion: result };
      jobs.addStep("linked-api", workflowId, { atMs: nowMs, answer: { workflowStatus, ...parts } });
    },
  };
}

const CANCELLED = "cancelled";

function resultIn(body: unknown): JsonObject {
  return isObject(body) && isObject(body.result) ? body.result : {};
}

const statusByType: Readonly<Record<string, string>> = {
  "workflow.created": "pending",
  "workflow.started": "running",
};

function unauthorised(
  { headers }: ProviderCall,
  needsAccount = true,
): { unauthorised?: JsonAnswer } {
  const refuse = (type: string) => ({ unauthorised: failed(401, type, `The ${type} error`) });
  if (!headers["linked-api-token"]) return refuse("linkedApiTokenRequired");
  if (isRefusedCredential(headers["linked-api-token"])) return refuse("invalidLinkedApiToken");
  if (!needsAccount) return {};
  if (!headers["identification-token"]) return refuse("identificationTokenRequired");
  if (isRefusedCredential(headers["identification-token"])) {
    return refuse("invalidIdentificationToken");
  }
  return {};
}

function unknownWorkflow(id: string): Handled {
  return refused(404, "workflowNotFound", `There is no workflow ${id}`);
}

function refused(status: number, type: string, message: string): Handled {
  return { answer: failed(status, type, message) };
}

function failed(status: number, type: string, message: string): JsonAnswer {
  return { status, body: { success: false, error: { type, message } } };
}

function succeeded(result: JsonObject): JsonAnswer {
  return { status: 200, body: { success: true, result } };
}
