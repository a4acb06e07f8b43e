import type { PostResult, WebhookPost } from "../../../shared/core/deliveries/state/ports.ts";
import type { ProviderHttpCall } from "../../../shared/core/providers/http-call.ts";
import type { CallResult } from "../../../shared/core/requests/state/ports.ts";
import type { FaultKind, Faults } from "../engine/faults.ts";
import { type Instance, planIn, running } from "../engine/instance.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";
import type { History, Submission } from "../history.ts";

/** What a provider has taken, and how it will end. */
export interface Job {
  providerRequestId: string;
  accountId: string;
  endMs: number;
  outcome: Record<string, unknown>;
}

interface Deps {
  loop: Loop;
  faults: Faults;
  random: Random;
  history: History;
}

const callWeights: Partial<Record<FaultKind, number>> = {
  throttle: 15,
  error: 10,
  timeout: 10,
  "timeout-applied": 10,
  partial: 10,
  "crash-before": 10,
  "crash-after": 10,
  freeze: 5,
  slow: 10,
};

const FREEZE_MS = [20_000, 240_000] as const;

function pauseIn(loop: Loop, instance: Instance | undefined, ms: number): Promise<void> {
  return new Promise((resolve) => planIn(loop, instance, loop.nowMs() + ms, resolve));
}

/** Freezes or kills the instance that calls, before it calls. */
function strikeCaller(
  fault: FaultKind | undefined,
  instance: Instance | undefined,
  { loop, random }: Deps,
): void {
  if (!instance) return;
  if (fault === "crash-before") instance.isDead = true;
  if (fault === "freeze") instance.frozenUntilMs = loop.nowMs() + random.int(...FREEZE_MS);
}

const answered = (
  status: number,
  body: object,
  headers: Record<string, string> = {},
): CallResult => ({
  kind: "answered",
  answer: { status, headers, body: Buffer.from(JSON.stringify(body)) },
});

/**
 * We-Link: takes calls, works through them, and sends webhooks with the outcome.
 *
 * @param sendWebhook sends a webhook with this content until it is taken
 */
export function makeWeLink(deps: Deps & { sendWebhook: (job: Job, body: object) => void }) {
  const { loop, faults, random, history, sendWebhook } = deps;
  const jobs = new Map<string, Job>();

  function accept(body: Record<string, unknown>, at: Submission): CallResult {
    const providerRequestId = `wl-${jobs.size + 1}`;
    const outcome = random.chance(0.8)
      ? { status: "SUCCESS", result: { connected: true, n: body.n } }
      : { status: "FAILED", error: "PROFILE_NOT_FOUND" };
    const job: Job = {
      providerRequestId,
      accountId: at.accountId,
      // One job of three has ended before anything else happens in its lane.
      endMs: loop.nowMs() + (random.chance(0.3) ? random.int(5, 1_000) : random.int(50, 60_000)),
      outcome,
    };
    jobs.set(providerRequestId, job);
    at.isApplied = true;
    at.providerRequestId = providerRequestId;
    // Dropped webhooks are found by polls.
    const fault = faults.draw("provider.webhook", { timeout: 10, reorder: 20 });
    if (fault === "reorder") job.endMs = loop.nowMs();
    if (fault !== "timeout") {
      loop.at(job.endMs, () => sendWebhook(job, { ...outcome, request_id: providerRequestId }));
    }
    return answered(200, { requestId: providerRequestId });
  }

  function poll(body: Record<string, unknown>): CallResult {
    const id = String(body.request_id);
    const job = jobs.get(id);
    if (!job) return answered(404, { status: "NOT_FOUND", message: "no such request" });
    const state = job.endMs <= loop.nowMs() ? job.outcome : { status: "PROCESSING" };
    return answered(200, { request_id: id, requestId: id, ...state });
  }

  return async (request: ProviderHttpCall, timeoutMs: number): Promise<CallResult> => {
    const action = request.path.split("/").at(-1) ?? "";
    const body = JSON.parse(request.body ?? "{}") as Record<string, unknown>;
    const isPoll = action === "get_response";
    const instance = running.getStore();
    const fault = faults.draw(
      isPoll ? "provider.poll" : "provider.submit",
      callWeights,
      instance?.name,
    );
    if (fault === "partial") return { kind: "notSent", reason: "ECONNREFUSED" };
    strikeCaller(fault, instance, deps);
    await pauseIn(loop, instance, random.int(5, 60));
    const at: Submission = {
      accountId: String(body.accountId),
      action,
      fromMs: loop.nowMs(),
      untilMs: Number.POSITIVE_INFINITY,
      by: instance?.name ?? "",
      isApplied: false,
      answer: "incomplete",
      providerRequestId: undefined,
      params: body,
    };
    if (!isPoll) history.submissions.push(at);
    const result = await answer();
    at.untilMs = loop.nowMs();
    if (result.kind === "answered") at.answer = result.answer.status;
    return result;

    async function answer(): Promise<CallResult> {
      if (fault === "throttle") return answered(429, {}, { "retry-after": "20" });
      if (fault === "error") return answered(500, { status: "INTERNAL_SERVER_ERROR" });
      const isLost = fault === "timeout" || fault === "timeout-applied";
      const taken = fault === "timeout" ? undefined : isPoll ? poll(body) : accept(body, at);
      if (fault === "crash-after" && instance) instance.isDead = true;
      const slowMs = random.int(2_000, timeoutMs - 500);
      const takesMs = random.chance(0.2) ? random.int(400, 3_000) : random.int(20, 400);
      await pauseIn(loop, instance, isLost ? timeoutMs : fault === "slow" ? slowMs : takesMs);
      if (isLost || !taken) return { kind: "incomplete", reason: "TIMEOUT" };
      return taken;
    }
  };
}

const postWeights: Partial<Record<FaultKind, number>> = { ...callWeights, error: 40, timeout: 20 };

/** The timeout of a POST, in milliseconds, as in the settings. */
const POST_TIMEOUT_MS = 15_000;

/** What an endpoint does about a POST: its status, or nothing until the timeout, or no connection. */
export interface EndpointAnswer {
  answer: number | "nothing" | "refused";
  /** Until the answer. */
  afterMs: number;
  retryAfterMs?: number;
}

/** @param postedBefore POSTs of the same webhook before this one */
export type AnswerOf = (
  webhookId: string,
  of: { nowMs: number; postedBefore: number },
) => EndpointAnswer;

/** A client's endpoint. @param isDown whether it answers 500 at this time, without a fault */
export function makeEndpoint(
  deps: Deps & { isDown: (nowMs: number) => boolean; answerOf?: AnswerOf | undefined },
) {
  const { loop, faults, random, history, isDown, answerOf } = deps;
  const posted = new Map<string, number>();

  /** What happens without a fault. */
  function usualAnswer(webhookId: string, nowMs: number): EndpointAnswer {
    const postedBefore = posted.get(webhookId) ?? 0;
    posted.set(webhookId, postedBefore + 1);
    if (answerOf) return answerOf(webhookId, { nowMs, postedBefore });
    const afterMs = random.chance(0.2) ? random.int(300, 3_000) : random.int(10, 300);
    return { answer: isDown(nowMs) ? 500 : 200, afterMs };
  }

  function answerWith(fault: FaultKind | undefined, usual: EndpointAnswer): EndpointAnswer {
    if (fault === "throttle") return { ...usual, answer: 429, retryAfterMs: 20_000 };
    if (fault === "error") return { ...usual, answer: 500 };
    if (fault === "timeout") return { answer: "nothing", afterMs: POST_TIMEOUT_MS };
    if (fault === "timeout-applied") return { ...usual, afterMs: POST_TIMEOUT_MS };
    return fault === "slow" ? { ...usual, afterMs: random.int(1_000, 14_000) } : usual;
  }

  return async ({ headers, body }: WebhookPost): Promise<PostResult> => {
    const instance = running.getStore();
    const fault = faults.draw("endpoint.post", postWeights, instance?.name);
    const startMs = loop.nowMs();
    const took = () => loop.nowMs() - startMs;
    if (fault === "partial") return { error: "ECONNREFUSED", durationMs: 1 };
    strikeCaller(fault, instance, deps);
    await pauseIn(loop, instance, random.int(5, 60));
    const fromMs = loop.nowMs();
    const webhookId = headers["webhook-id"] ?? "";
    const { answer, afterMs, retryAfterMs } = answerWith(fault, usualAnswer(webhookId, fromMs));
    if (answer === "refused") return { error: "ECONNREFUSED", durationMs: took() };
    const status = answer === "nothing" ? undefined : answer;
    const post = {
      webhookId,
      body,
      fromMs,
      untilMs: fromMs,
      by: instance?.name ?? "",
      status,
    };
    history.posts.push(post);
    if (fault === "crash-after" && instance) instance.isDead = true;
    await pauseIn(loop, instance, status === undefined ? POST_TIMEOUT_MS : afterMs);
    post.untilMs = loop.nowMs();
    if (status === undefined || fault === "timeout-applied") {
      return { error: "TIMEOUT", durationMs: took() };
    }
    return {
      httpStatus: status,
      durationMs: took(),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  };
}
