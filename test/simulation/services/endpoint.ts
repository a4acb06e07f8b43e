import type { PostResult, WebhookPost } from "../../../shared/core/deliveries/state/ports.ts";
import type { FaultKind } from "../engine/faults.ts";
import { running } from "../engine/instance.ts";
import { callWeights, type PeerDeps, pauseIn, strikeCaller } from "./peer.ts";

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
  deps: PeerDeps & { isDown: (nowMs: number) => boolean; answerOf?: AnswerOf | undefined },
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
