import { randomUUID } from "node:crypto";
import { isObject, type JsonObject } from "../../shared/core/json/json.ts";
import type { BusinessTimers } from "../clock/business-timers.ts";
import type { BusinessClock } from "../clock/clock.ts";
import { makeConcurrencyLimit } from "../concurrency-limit.ts";
import type { DurableStore } from "../durable-store.ts";
import { type Behaviour, drawDelayMs } from "./behaviour.ts";
import type { ScriptedContent } from "./script.ts";
import type { Facts, ScriptBook } from "./script-book.ts";
import { scriptedBody } from "./scripted-content.ts";
import type { SimulatedProvider } from "./simulated-provider.ts";
import { forge, type ScriptedWebhook, sign } from "./webhook-request.ts";
import type { WebhookTarget } from "./webhook-target.ts";

export interface WebhookAttempt {
  webhookId: string;
  provider: SimulatedProvider;
  attempt: number;
  copy: "original" | "duplicate" | "forged";
  /** The HTTP status, or 0 when there was no answer. */
  status: number;
  durationMs: number;
}

export interface PlannedWebhook {
  webhookId: string;
  provider: SimulatedProvider;
  connectionId: string;
  body: JsonObject;
  /** Business time of the first attempt. */
  atMs: number;
  /** The job that it reports. Absent: no script applies to it. */
  job?: WebhookJob;
  /** What a script sends instead of the body. */
  scripted?: ScriptedWebhook;
}

interface WebhookJob {
  requestId: string;
  actions: string[];
  account: string;
}

interface PendingWebhook extends Omit<PlannedWebhook, "webhookId" | "atMs"> {
  attempt: number;
  /** Business time of the next attempt. */
  nextAtMs: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Business time between attempts. We-Link documents these delays; Linked API
 * documents only their number.
 */
const retryDelaysMs: Readonly<Record<SimulatedProvider, readonly number[]>> = {
  "we-link": [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 12 * HOUR],
  "linked-api": [1, 2, 4, 8, 16, 32, 64].map((minutes) => minutes * MINUTE),
};

/** Real time that a provider waits for a response. */
const ANSWER_TIMEOUT_MS = 30 * SECOND;

/** Maximum number of concurrent webhooks of a provider, so that sockets do not run out. */
const MAX_CONCURRENT_WEBHOOKS = 64;

/**
 * Sends webhooks as the providers do and retries them until they are acked. Its
 * state survives `kill -9`.
 */
export function makeWebhookSender(options: {
  store: DurableStore;
  clock: BusinessClock;
  timers: BusinessTimers;
  target: (provider: SimulatedProvider, connectionId?: string) => WebhookTarget;
  scripts: Pick<ScriptBook, "take">;
  behaviour: () => Behaviour;
  onAttempt: (attempt: WebhookAttempt) => void;
}) {
  const pending = options.store.collection<PendingWebhook>("simulator-webhooks");
  const { timers } = options;
  let running = 0;
  const limits = {
    "we-link": makeConcurrencyLimit(MAX_CONCURRENT_WEBHOOKS),
    "linked-api": makeConcurrencyLimit(MAX_CONCURRENT_WEBHOOKS),
  };
  let closed = false;
  /** Whether the webhook is still to be sent: not cancelled, and this run is not closed. */
  const isPending = (webhookId: string) => !closed && pending.get(webhookId) !== undefined;

  function arm(webhookId: string, webhook: PendingWebhook) {
    if (closed) return;
    timers.set(webhookId, webhook.nextAtMs, () => {
      running += 1;
      void limits[webhook.provider](() => attempt(webhookId, webhook)).finally(() => {
        running -= 1;
      });
    });
  }

  /**
   * Applies the script for a webhook before its first attempt; retries repeat what
   * it made. Returns false if the webhook is not to be sent now.
   */
  function followScript(webhookId: string, { job, ...webhook }: PendingWebhook): boolean {
    const { provider, body, connectionId } = webhook;
    if (!job || webhook.attempt > 1) return true;
    const script = options.scripts.take(["webhook"], () => factsOf(webhook, job));
    if (!script) return true;
    const nowMs = options.clock.now();
    for (const { afterMs, ...scripted } of script.extra ?? []) {
      plan({
        webhookId: randomUUID(),
        provider,
        connectionId,
        body,
        atMs: nowMs + afterMs,
        scripted: frozen(scripted, body, job),
      });
    }
    if (script.drop) {
      pending.delete(webhookId);
      return false;
    }
    const nextAtMs = nowMs + (script.delayMs ?? 0);
    const next = { ...webhook, scripted: frozen(script, body, job), nextAtMs };
    pending.put(webhookId, next);
    arm(webhookId, next);
    return false;
  }

  /** Decides the body, so that all attempts send the same bytes. */
  function frozen(script: ScriptedContent, own: JsonObject, job: WebhookJob): ScriptedWebhook {
    const { requestId, account: accountId } = job;
    const now = new Date(options.clock.now()).toISOString();
    const { headers, encoding, bom } = script;
    const content = scriptedBody(script, own, { requestId, accountId, now });
    return { content, headers, encoding, bom };
  }

  async function attempt(webhookId: string, webhook: PendingWebhook) {
    if (!isPending(webhookId) || !followScript(webhookId, webhook)) return;
    const { dropRate, duplicateRate, forgeRate } = options.behaviour();
    if (draw(forgeRate)) await post(webhookId, webhook, "forged");
    if (!isPending(webhookId)) return;
    // The provider considers a dropped attempt delivered.
    let acked = true;
    if (!draw(dropRate)) {
      const copies = draw(duplicateRate)
        ? (["original", "duplicate"] as const)
        : (["original"] as const);
      const answers = await Promise.all(copies.map((copy) => post(webhookId, webhook, copy)));
      acked = answers.includes(true);
    }
    if (!isPending(webhookId)) return;
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
    const { body, scripted } = webhook;
    const request = copy === "forged" ? forge(target, body) : sign(target, body, scripted);
    const startedMs = performance.now();
    const status = await fetch(request.url, {
      method: "POST",
      headers: { "content-type": "application/json", ...request.headers },
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

  /** Stores a webhook durably and sends it at its time. */
  function plan({ webhookId, atMs, ...rest }: PlannedWebhook): void {
    const webhook = { ...rest, attempt: 1, nextAtMs: atMs };
    pending.put(webhookId, webhook);
    arm(webhookId, webhook);
  }

  return {
    plan,
    /**
     * Stores a webhook durably and sends it after a delay drawn from the
     * behaviour. Returns its id.
     */
    send(provider: SimulatedProvider, body: JsonObject, connectionId?: string): string {
      const target = options.target(provider, connectionId);
      const atMs = options.clock.now() + drawDelayMs(options.behaviour());
      const webhookId = randomUUID();
      plan({ webhookId, provider, connectionId: target.connectionId, body, atMs });
      return webhookId;
    },
    /** Withdraws webhooks, also those that wait for a retry; a running POST may still finish. */
    cancel(webhookIds: readonly string[]): void {
      for (const webhookId of webhookIds) {
        timers.cancel(webhookId);
        pending.delete(webhookId);
      }
    },
    /** The number of webhooks that are being sent. */
    running: () => running,
    /** Resumes the webhooks that an earlier run left. */
    resume: () => {
      for (const [webhookId, webhook] of pending.entries()) arm(webhookId, webhook);
    },
    close() {
      closed = true;
      timers.close();
    },
  };
}

function factsOf({ provider, body }: PendingWebhook, job: WebhookJob): Facts {
  const { type, data } = body;
  const status = isObject(data) ? data.status : body.status;
  return {
    provider,
    ...job,
    ...(typeof status === "string" ? { state: status } : {}),
    ...(typeof type === "string" ? { type } : {}),
    text: JSON.stringify(body),
  };
}

function draw(rate: number): boolean {
  return Math.random() < rate;
}
