import {
  composeDeliverySweep,
  composeMessageProcessing,
} from "../../../shared/composition/delivery-use-cases.ts";
import type { WebhookItem } from "../../../shared/contracts/config-items.ts";
import { Failure } from "../../../shared/contracts/failures.ts";
import { EARLY_RETRY_SECONDS } from "../../../shared/contracts/fanout-retries.ts";
import type { DeliveryMessage } from "../../../shared/contracts/messages/delivery.ts";
import { settingsSchema } from "../../../shared/contracts/settings.ts";
import { readMasterKeys } from "../../../shared/core/crypto/master-keys.ts";
import { deliveryIdOf } from "../../../shared/core/deliveries/creation/new-delivery.ts";
import type { DeliveryContext } from "../../../shared/core/deliveries/state/delivery-context.ts";
import {
  type DeliveryRules,
  deliveryRulesOf,
} from "../../../shared/core/deliveries/state/delivery-rules.ts";
import type {
  AttemptQueueName,
  DeliveryQueue,
  DeliveryStore,
  PostResult,
  WebhookPost,
} from "../../../shared/core/deliveries/state/ports.ts";
import { type FinalEvent, toEventBridgeDetail } from "../../../shared/core/events/envelope.ts";
import type { PublishResult } from "../../../shared/core/events/ports.ts";
import { makeMemoryDeliveries } from "../memory/memory-deliveries.ts";
import { makeMemoryEventClaims } from "../memory/memory-event-claims.ts";
import { endpointHealth } from "../payloads/delivery-records.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DELAYS_MS = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000].map((s) => s * 1_000);

/** The rules of the default settings. */
export const deliveryRules = deliveryRulesOf(settingsSchema.parse({}));

export const master = readMasterKeys(
  JSON.stringify({ current: "k1", k1: "0123456789abcdef0123456789abcdef0123456789abcdef" }),
);

export function webhookOfClient(clientId = "cl_1", more: Partial<WebhookItem> = {}): WebhookItem {
  return {
    pk: `webhook#${clientId}`,
    clientId,
    createdAt: new Date(0).toISOString(),
    webhookId: `wh_${clientId}`,
    url: `https://${clientId.replace("_", "-")}.example.com/hook`,
    endpointNumber: 1,
    status: "active",
    payloadMode: "fat",
    format: "standard",
    hashFormat: "hmac-hex",
    secrets: [{ version: 1, masterKeyId: "k1" }],
    previousWebhooks: [],
    version: 0,
    ...more,
  };
}

/** As in a deployed stack with the default settings, without a batch window. */
const ATTEMPT_VISIBILITY_MS = 90_000;
const FANOUT_VISIBILITY_MS = 240_000;
const MAX_RECEIVES = { fanout: 10, attempts: 22, retries: 22 };

/** Thrown by a port to stop the worker: nothing after that call runs. */
export class Crash extends Error {}

/** One POST as a simulated endpoint received it. */
export interface SeenPost extends WebhookPost {
  atMs: number;
}

type Answered = Partial<PostResult> & { tookMs?: number };
type Answer = (post: SeenPost, n: number) => Answered | Promise<Answered>;

interface Waiting {
  queue: AttemptQueueName | "fanout";
  dueMs: number;
  body: string;
  receives: number;
  /** The queue delivers it a second time. */
  isCopy?: boolean;
}

/**
 * Simulates deliveries in memory and in virtual time: queues with delays, workers, a
 * sweep every minute, and endpoints that answer as the test defines.
 */
export function makeDeliverySimulation(
  options: {
    rules?: Partial<DeliveryRules>;
    answer?: Answer;
    deliveries?: (store: DeliveryStore) => DeliveryStore;
    queue?: (queue: DeliveryQueue) => DeliveryQueue;
    random?: () => number;
    /** Sleep of the workers; by default it does not end. */
    sleep?: () => Promise<void>;
    /** Whether the queue delivers a message a second time, after so many milliseconds. */
    deliversAgainAfterMs?: () => number | undefined;
    bodyIsGone?: boolean;
    /** Whether the bus refuses an event. */
    busRefuses?: (eventId: string) => boolean;
  } = {},
) {
  const startMs = Date.UTC(2026, 0, 1);
  let nowMs = startMs;
  const rules = { ...deliveryRules, ...options.rules };
  const clock = { realMs: () => nowMs, businessMs: () => nowMs };
  const cancelledRequests = new Set<string>();
  const memory = makeMemoryDeliveries({ clock, cancelledRequests });
  const deliveries = crashable(options.deliveries?.(memory.deliveries) ?? memory.deliveries);
  const posts: SeenPost[] = [];
  const published: FinalEvent[] = [];
  const counts = { DeliveryFailed: 0, BreakerOpened: 0, WebhookDisabled: 0 };
  const ignoredErrors: unknown[] = [];
  const stored = new Map<string, FinalEvent>();
  let waiting: Waiting[] = [];
  let parked: Waiting[] = [];
  let ids = 0;
  let crashes = 0;
  let answer: Answer = options.answer ?? (() => ({ httpStatus: 200 }));
  let crash = Promise.withResolvers<never>();

  /** Decorates a port: a call that throws `Crash` ends the invocation, and nothing after it runs. */
  function crashable<Port extends object>(port: Port): Port {
    const calls = Object.entries(port).map(([name, call]) => [
      name,
      async (...args: unknown[]) => {
        try {
          return await (call as (...args: unknown[]) => Promise<unknown>)(...args);
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
          crash.reject(error);
          return new Promise(() => undefined);
        }
      },
    ]);
    return Object.fromEntries(calls) as Port;
  }

  const plainQueue: DeliveryQueue = {
    async send(name, messages) {
      for (const { message, delayMs = 0 } of messages) {
        waiting.push({
          queue: name,
          dueMs: nowMs + delayMs,
          body: JSON.stringify(message),
          receives: 0,
        });
      }
    },
  };
  const queue = crashable(options.queue?.(plainQueue) ?? plainQueue);
  const context = (): DeliveryContext => ({ nowMs, nowRealMs: nowMs, speed: 1, rules });
  const ports = {
    ...memory,
    deliveries,
    deliveryQueue: queue,
    texts: {
      store: async (_: string, text: string) => ({ inline: text }),
      async open(text: { inline: string } | { key: string }) {
        if (options.bodyIsGone || !("inline" in text)) throw new Failure("BODY_GONE", "gone");
        return text.inline;
      },
    },
    clock,
    speed: 1,
    rules,
    claims: makeMemoryEventClaims({ clock, retentionMs: 30 * 24 * HOUR_MS }),
    claimLeaseMs: 30_000,
    publisher: {
      async publish(events: readonly FinalEvent[]): Promise<PublishResult[]> {
        return events.map((event) => {
          if (options.busRefuses?.(event.id)) {
            return { ok: false, reason: "throttled", isFinal: false };
          }
          published.push(event);
          return { ok: true };
        });
      },
    },
    archive: {
      async store(events: readonly FinalEvent[]) {
        for (const event of events) stored.set(event.id, event);
      },
    },
    findEvent: async (id: string) => stored.get(id),
    poster: crashable({
      async post(post: WebhookPost) {
        const seen = { ...post, atMs: nowMs };
        posts.push(seen);
        const { tookMs = 20, ...posted } = await answer(seen, posts.length);
        return { durationMs: tookMs, ...posted };
      },
    }),
    // No time passes during a call, unless the test defines it.
    sleep: (_: number, signal: AbortSignal): Promise<void> =>
      options.sleep?.() ??
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
    masterKeys: async () => master,
    newOwner: () => `owner-${++ids}`,
    random: options.random ?? (() => 0.5),
    randomHex: () => `${++ids}`.padStart(24, "0"),
    onDeliveriesFailed: (failures: number) => {
      counts.DeliveryFailed += failures;
    },
    onCircuitOpened: () => counts.BreakerOpened++,
    onWebhookDisabled: () => counts.WebhookDisabled++,
    onNonFatalError: (error: unknown) => void ignoredErrors.push(error),
  };
  const { processMessages: handle } = composeMessageProcessing(ports);
  const { sweepDeliveries } = composeDeliverySweep({ ...ports, limit: 100 });

  /** Runs an invocation. @returns `undefined` if it crashed */
  async function untilCrash<Result>(run: () => Promise<Result>): Promise<Result | undefined> {
    crash = Promise.withResolvers<never>();
    try {
      return await Promise.race([run(), crash.promise]);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      crashes++;
      return undefined;
    }
  }

  /** Runs one invocation with at most `size` due messages of a queue. */
  async function work(queue: Waiting["queue"], size: number): Promise<void> {
    const batch = waiting.filter((one) => one.queue === queue && one.dueMs <= nowMs).slice(0, size);
    if (batch.length === 0) return;
    const receivedMs = nowMs;
    waiting = waiting.filter((one) => !batch.includes(one));
    for (const one of batch) {
      const afterMs = one.isCopy ? undefined : options.deliversAgainAfterMs?.();
      if (afterMs === undefined) continue;
      waiting.push({ ...one, dueMs: receivedMs + afterMs, isCopy: true });
    }
    const works = batch.map(({ body }) => {
      const message = JSON.parse(body) as DeliveryMessage | { detail: object };
      if ("detail" in message) return { kind: "event", body } as const;
      return message.kind === "job"
        ? ({ kind: "job", jobId: message.jobId } as const)
        : ({ kind: "attempt", message } as const);
    });
    const run = await untilCrash(() => handle(works, { queue, remainingMs: () => 40_000 }));
    const outcomes = run ?? works.map(() => ({ kind: "failed" as const }));
    for (const [index, one] of batch.entries()) {
      const kind = outcomes[index]?.kind ?? "";
      if (!["failed", "claimedByAnother"].includes(kind)) continue;
      const early = queue === "fanout" && run ? EARLY_RETRY_SECONDS[one.receives] : undefined;
      const whole = queue === "fanout" ? FANOUT_VISIBILITY_MS : ATTEMPT_VISIBILITY_MS;
      const visibilityMs = early === undefined ? whole : early * 1_000;
      const dueMs = Math.max(nowMs, receivedMs + visibilityMs);
      const again = { ...one, dueMs, receives: one.receives + 1 };
      (again.receives < MAX_RECEIVES[queue] ? waiting : parked).push(again);
    }
  }

  /** Processes all messages that are due now. */
  async function drain(): Promise<void> {
    while (waiting.some((one) => one.dueMs <= nowMs)) {
      await work("fanout", 10);
      await work("attempts", 10);
      await work("retries", 100);
    }
  }

  return {
    ...memory,
    deliveries,
    /** The indexes of the sweep stay as they are now. */
    freezeIndexes: () => memory.deliveries.freezeIndexes(),
    clock,
    startMs,
    posts,
    published,
    counts,
    crashes: () => crashes,
    ignoredErrors,
    stored,
    cancelledRequests,
    handle,
    queue,
    drain,
    sweep: () => sweepDeliveries(() => 50_000),
    waiting: () => waiting,
    /** The messages of the dead-letter queues. */
    parked: () => parked,
    /** Time passes during a call, while nothing else happens. */
    skip: (ms: number) => {
      nowMs += ms;
    },
    lose: () => {
      waiting = [];
    },
    /** Redrives the dead-letter queues. */
    redrive: () => {
      waiting.push(...parked.map((one) => ({ ...one, receives: 0 })));
      parked = [];
    },
    answerWith: (next: Answer) => {
      answer = next;
    },
    context,
    ports,
    now: () => nowMs,

    /** Puts an event on the bus. */
    publish(event: Partial<FinalEvent> & { requestId?: string } = {}): FinalEvent {
      const type = event.type ?? "workflow.completed";
      const { clientId = "cl_1", requestId = "rq_1", id = `${type}:${requestId}` } = event;
      const envelope =
        event.envelope ??
        JSON.stringify({
          id,
          type,
          createdAt: new Date(nowMs).toISOString(),
          data: { requestId, workflowId: requestId, status: "completed", result: { n: 1 } },
        });
      const final = { id, type, clientId, envelope };
      stored.set(id, final);
      const body = `{"detail-type":${JSON.stringify(type)},"detail":${toEventBridgeDetail(final)}}`;
      waiting.push({ queue: "fanout", dueMs: nowMs, body, receives: 0 });
      return final;
    },

    /** Advances the time: messages are processed when they are due, and the sweep runs every minute. */
    async pass(ms: number): Promise<void> {
      const endMs = nowMs + ms;
      for (;;) {
        await drain();
        const nextSweepMs = (Math.floor((nowMs - startMs) / MINUTE_MS) + 1) * MINUTE_MS + startMs;
        const nextMs = Math.min(nextSweepMs, ...waiting.map(({ dueMs }) => dueMs));
        if (nextMs > endMs) break;
        nowMs = Math.max(nowMs, nextMs);
        if (nowMs === nextSweepMs) await untilCrash(() => sweepDeliveries(() => 50_000));
      }
      nowMs = endMs;
    },
  };
}

export type DeliverySimulation = ReturnType<typeof makeDeliverySimulation>;

/** The id of the delivery that `simulationWithWebhook` creates for `publish()` without arguments. */
export const simulatedDeliveryId = deliveryIdOf("wh_cl_1", "workflow.completed:rq_1");

/** Makes a simulation in which the client `cl_1` has a webhook. A new endpoint is unproven. */
export async function simulationWithWebhook(
  options: Parameters<typeof makeDeliverySimulation>[0] = {},
  { isFast = false } = {},
): Promise<DeliverySimulation> {
  const simulation = makeDeliverySimulation(options);
  const webhook = webhookOfClient();
  await simulation.webhooks.replace(webhook);
  if (isFast) {
    const { clientId, webhookId } = webhook;
    await simulation.health.replace(
      endpointHealth({ clientId, webhookId, isFast, fastSuccessesNeeded: 0 }),
    );
  }
  return simulation;
}
