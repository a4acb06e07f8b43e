import { randomUUID } from "node:crypto";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { BusinessClock } from "../clock/clock.ts";
import { setLongTimeout } from "../clock/long-timeout.ts";
import type { DurableStore } from "../durable-store.ts";
import { type Behaviour, drawDelayMs } from "./behaviour.ts";
import { makeTurns } from "./concurrency-limit.ts";
import { forge, sign } from "./webhook-request.ts";
import type { WebhookTarget } from "./webhook-target.ts";

export interface WebhookAttempt {
  webhookId: string;
  provider: ProviderId;
  attempt: number;
  copy: "original" | "duplicate" | "forged";
  /** The HTTP status, or 0 when there was no answer. */
  status: number;
  durationMs: number;
}

export interface PlannedWebhook {
  webhookId: string;
  provider: ProviderId;
  connectionId: string;
  body: JsonObject;
  /** Business time of the first attempt. */
  atMs: number;
}

interface PendingWebhook extends Omit<PlannedWebhook, "webhookId" | "atMs"> {
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

/** Webhooks that a provider has under way at once: more would take this machine's sockets. */
const MAX_UNDER_WAY = 64;

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
  const turns = { "we-link": makeTurns(MAX_UNDER_WAY), "linked-api": makeTurns(MAX_UNDER_WAY) };
  let closed = false;
  /** Whether it was neither cancelled nor left to the next run. */
  const isWanted = (webhookId: string) => !closed && pending.get(webhookId) !== undefined;

  function arm(webhookId: string, webhook: PendingWebhook) {
    if (closed) return;
    timers.get(webhookId)?.();
    const delayMs = options.clock.realMsUntil(webhook.nextAtMs);
    timers.set(
      webhookId,
      setLongTimeout(() => {
        timers.delete(webhookId);
        void turns[webhook.provider](() => attempt(webhookId, webhook));
      }, delayMs),
    );
  }

  async function attempt(webhookId: string, webhook: PendingWebhook) {
    if (!isWanted(webhookId)) return;
    const { dropRate, duplicateRate, forgeRate } = options.behaviour();
    if (draw(forgeRate)) await post(webhookId, webhook, "forged");
    if (!isWanted(webhookId)) return;
    // A dropped attempt is one that the provider believes delivered.
    let acked = true;
    if (!draw(dropRate)) {
      const copies = draw(duplicateRate)
        ? (["original", "duplicate"] as const)
        : (["original"] as const);
      const answers = await Promise.all(copies.map((copy) => post(webhookId, webhook, copy)));
      acked = answers.includes(true);
    }
    if (!isWanted(webhookId)) return;
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

  /** Makes a webhook durable, to be sent at its time. */
  function plan({ webhookId, atMs, ...rest }: PlannedWebhook): void {
    const webhook = { ...rest, attempt: 1, nextAtMs: atMs };
    pending.put(webhookId, webhook);
    arm(webhookId, webhook);
  }

  return {
    plan,
    /** Makes a webhook durable and sends it after the behaviour's delay. Returns its id. */
    send(provider: ProviderId, body: JsonObject, connectionId?: string): string {
      const target = options.target(provider, connectionId);
      const atMs = options.clock.now() + drawDelayMs(options.behaviour());
      const webhookId = randomUUID();
      plan({ webhookId, provider, connectionId: target.connectionId, body, atMs });
      return webhookId;
    },
    /** What is not delivered yet is not sent, nor sent again; a POST under way may finish. */
    cancel(webhookIds: readonly string[]): void {
      for (const webhookId of webhookIds) {
        timers.get(webhookId)?.();
        timers.delete(webhookId);
        pending.delete(webhookId);
      }
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
