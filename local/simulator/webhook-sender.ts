import { randomUUID } from "node:crypto";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import type { JsonObject } from "../../shared/core/json.ts";
import { signWeLink } from "../../shared/providers/we-link.ts";
import type { BusinessClock } from "../clock.ts";
import type { DurableStore } from "../durable-store.ts";
import { setLongTimeout } from "../long-timeout.ts";
import type { Behaviour } from "./behaviour.ts";

/** Where a provider sends its webhooks. */
export interface WebhookTarget {
  provider: ProviderId;
  connectionId: string;
  inboundUrl: string;
  secret?: string;
}

export interface WebhookAttempt {
  webhookId: string;
  provider: ProviderId;
  attempt: number;
  copy: "original" | "duplicate" | "forged";
  /** The HTTP status, or 0 when there was no answer. */
  status: number;
  durationMs: number;
}

interface PendingWebhook {
  provider: ProviderId;
  connectionId: string;
  body: JsonObject;
  attempt: number;
  /** Business time of the next attempt. */
  nextAtMs: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Business time between one attempt and the next; We-Link's are its own, Linked API says only how many. */
const retryDelaysMs: Readonly<Record<ProviderId, readonly number[]>> = {
  "we-link": [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR],
  "linked-api": [1, 2, 4, 8, 16, 32, 64].map((minutes) => minutes * MINUTE),
};

/** Real time that a provider waits for our answer. */
const ANSWER_TIMEOUT_MS = 30 * SECOND;

/** Sends webhooks as the providers do, and again until they are acked; its work survives `kill -9`. */
export function makeWebhookSender(options: {
  store: DurableStore;
  clock: BusinessClock;
  target: (provider: ProviderId, connectionId?: string) => WebhookTarget;
  behaviour: () => Behaviour;
  onAttempt: (attempt: WebhookAttempt) => void;
}) {
  const pending = options.store.collection<PendingWebhook>("simulator-webhooks");
  const timers = new Map<string, () => void>();
  let closed = false;

  function arm(webhookId: string, webhook: PendingWebhook) {
    if (closed) return;
    const delayMs = options.clock.realMsUntil(webhook.nextAtMs);
    timers.set(
      webhookId,
      setLongTimeout(() => void attempt(webhookId, webhook), delayMs),
    );
  }

  async function attempt(webhookId: string, webhook: PendingWebhook) {
    timers.delete(webhookId);
    const { dropRate, duplicateRate, forgeRate } = options.behaviour();
    if (draw(forgeRate)) await post(webhookId, webhook, "forged");
    // A dropped attempt is one that the provider believes delivered.
    let acked = true;
    if (!draw(dropRate)) {
      const copies = draw(duplicateRate)
        ? (["original", "duplicate"] as const)
        : (["original"] as const);
      const answers = await Promise.all(copies.map((copy) => post(webhookId, webhook, copy)));
      acked = answers.includes(true);
    }
    if (closed) return;
    const delay = retryDelaysMs[webhook.provider][webhook.attempt - 1];
    if (acked || delay === undefined) return pending.delete(webhookId);
    const next = {
      ...webhook,
      attempt: webhook.attempt + 1,
      nextAtMs: options.clock.now() + delay,
    };
    pending.put(webhookId, next);
    arm(webhookId, next);
  }

  async function post(webhookId: string, webhook: PendingWebhook, copy: WebhookAttempt["copy"]) {
    const target = options.target(webhook.provider, webhook.connectionId);
    const request = copy === "forged" ? forge(target, webhook.body) : sign(target, webhook.body);
    const startedMs = performance.now();
    const status = await fetch(request.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: request.body,
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    })
      .then(async (response) => {
        await response.arrayBuffer();
        return response.status;
      })
      .catch(() => 0);
    const { provider, attempt: number } = webhook;
    const durationMs = performance.now() - startedMs;
    options.onAttempt({ webhookId, provider, attempt: number, copy, status, durationMs });
    return status >= 200 && status < 300;
  }

  return {
    /** Makes a webhook durable and sends it after the behaviour's delay. Returns its id. */
    send(provider: ProviderId, body: JsonObject, connectionId?: string): string {
      const [min, max] = options.behaviour().delayMs;
      const webhookId = randomUUID();
      const webhook = {
        provider,
        connectionId: options.target(provider, connectionId).connectionId,
        body,
        attempt: 1,
        nextAtMs: options.clock.now() + min + Math.random() * (max - min),
      };
      pending.put(webhookId, webhook);
      arm(webhookId, webhook);
      return webhookId;
    },
    /** Goes on with what an earlier run left. */
    resume: () => {
      for (const [webhookId, webhook] of pending.entries()) arm(webhookId, webhook);
    },
    close() {
      closed = true;
      for (const cancel of timers.values()) cancel();
    },
  };
}

function draw(rate: number): boolean {
  return Math.random() < rate;
}

function sign(target: WebhookTarget, body: JsonObject) {
  const signed =
    target.provider === "we-link" ? signWeLink(body, target.secret ?? "") : JSON.stringify(body);
  return { url: target.inboundUrl, body: signed };
}

/** We-Link: signed with a wrong secret. Linked API signs nothing: a wrong token in the URL. */
function forge(target: WebhookTarget, body: JsonObject) {
  if (target.provider === "we-link") {
    return { url: target.inboundUrl, body: signWeLink(body, `not-${target.secret}`) };
  }
  return { url: `${target.inboundUrl.slice(0, -8)}00000000`, body: JSON.stringify(body) };
}
