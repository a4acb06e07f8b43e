import { setTimeout as wait } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import { USER_AGENT } from "../../shared/contracts/version.ts";
import type { FedEvent } from "./event-feed.ts";

/** How a receiver answered: a status, or why there was no answer. */
export type Answered = { status: number } | { error: string };

const ANSWER_TIMEOUT_MS = 30_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** The body of an event's webhook, as `deliver` sends it. */
export function bodyOf({ id, type, createdAt, traceparent, data }: FedEvent): string {
  return JSON.stringify({ id, type, createdAt, ...(traceparent ? { traceparent } : {}), data });
}

/**
 * Posts an event with the headers of Standard Webhooks, until the receiver answers. An answer that
 * is no 2xx is repeated `attempts` times; a receiver that does not answer is waited for.
 *
 * @returns the last answer; `undefined` when `signal` aborted
 * @param onAnswer is told each answer
 */
export async function forward(
  event: FedEvent,
  to: {
    url: string;
    secret: string;
    attempts: number;
    signal: AbortSignal;
    onAnswer: (answered: Answered) => void;
  },
): Promise<{ status: number } | undefined> {
  let pauseMs = FIRST_PAUSE_MS;
  let answers = 0;
  while (!to.signal.aborted) {
    const answered = await post(event, to);
    if (to.signal.aborted) return undefined;
    to.onAnswer(answered);
    if ("status" in answered) {
      answers += 1;
      if (isTaken(answered) || answers >= to.attempts) return answered;
    }
    await wait(pauseMs, undefined, { signal: to.signal }).catch(() => undefined);
    pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
  }
  return undefined;
}

export const isTaken = ({ status }: { status: number }): boolean => status >= 200 && status < 300;

async function post(
  event: FedEvent,
  { url, secret, signal }: { url: string; secret: string; signal: AbortSignal },
): Promise<Answered> {
  const body = bodyOf(event);
  const now = new Date();
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": event.id,
        "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
        "webhook-signature": new Webhook(secret).sign(event.id, now, body),
      },
      body,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    await response.arrayBuffer();
    return { status: response.status };
  } catch (error) {
    const { message, cause } = error as Error;
    return { error: (cause as { code?: string } | undefined)?.code ?? message };
  }
}
