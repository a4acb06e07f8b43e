import type { AttemptMessage, DeliveryMessage } from "../../../contracts/messages/delivery.ts";
import { scheduleByTotal } from "../../backoff.ts";
import { toMessageFailure } from "../../message-failure.ts";
import { freshDelivery, toAttemptMessage } from "../state/attempt-message.ts";
import { ANSWERED_GONE, LONGEST_DELAY_MS } from "../state/delivery-state.ts";
import { makeDeliveryStateCache } from "../state/delivery-state-cache.ts";
import { healthOf, isCircuitOpen } from "../state/endpoint-health.ts";
import type { DeliveryRecord, EndpointHealth } from "../state/record.ts";
import type { AttemptOutcome, WatchPost } from "./attempt-delivery.ts";
import type { AttemptDeliveriesDeps, HintOutcome } from "./attempt-types.ts";

/** One message of a batch, and its place in it. */
interface IndexedMessage {
  at: number;
  hint: AttemptMessage;
}

/** The attempts of one endpoint that one batch brought, and what is known of it. */
export interface Group {
  hints: readonly IndexedMessage[];
  health: EndpointHealth;
}

/** How long (business) attempts at a failing endpoint are held back, one hold after another. */
const HOLDS_MS = [60_000, 120_000, 240_000, 480_000] as const;
/** Held so long they are made all the same: a quarter of an hour in all. */
const LONGEST_HOLD_MS = 900_000;
const HOLD_REAL_MS = 1_000;

/** What an endpoint's other workers keep waiting comes again so soon (business, and real at least). */
const BUSY_MS = 10_000;
const BUSY_REAL_MS = 1_000;

/**
 * A hint before its time is one more of the same, whose attempt another has made: it ends
 * here. Only what two clocks may differ by is waited for (business, and real at least).
 */
const SKEW_MS = 2_000;
const SKEW_REAL_MS = 100;

/** What is begun is also recorded before Lambda ends the worker (real). */
const RECORDING_MS = 8_000;

export function isHeldLongEnough({ hint: { heldMs = 0 } }: IndexedMessage): boolean {
  return heldMs >= LONGEST_HOLD_MS;
}

/** One batch of attempts: what is known, what became of each message, and what is to be sent on. */
export function makeAttemptBatch(
  deps: AttemptDeliveriesDeps,
  hints: readonly AttemptMessage[],
  remainingMs: () => number,
) {
  const facts = makeDeliveryStateCache(deps, hints);
  const outcomes = new Map<number, HintOutcome>();
  /** What follows from attempts, and what is only moved on. */
  const next: { message: DeliveryMessage; delayMs?: number }[] = [];
  const moved: (IndexedMessage & { delayMs: number })[] = [];

  /** Whether a POST that began now would end in this invocation. */
  const hasTime = () => remainingMs() > deps.context().rules.timeoutMs + RECORDING_MS;

  async function groups(): Promise<Group[]> {
    const { health } = await facts.now();
    const byWebhook = Map.groupBy(
      hints.map((hint, at) => ({ hint, at })),
      ({ hint }) => hint.webhookId,
    );
    return [...byWebhook.values()].map((ofWebhook) => {
      const [{ hint }] = ofWebhook as [IndexedMessage];
      return { hints: ofWebhook, health: healthOf(health.get(hint.clientId), hint) };
    });
  }

  /** One attempt; gives what it says of the endpoint. */
  async function run({ at, hint }: IndexedMessage, watch?: WatchPost) {
    if (!hasTime()) {
      later(at, hint, 0);
      return undefined;
    }
    try {
      const outcome = await deps.attemptDelivery(hint, () => facts.standingOf(hint), {
        hasTime,
        watch,
      });
      return await follow(at, hint, outcome);
    } catch (error) {
      outcomes.set(at, toMessageFailure(error));
      return undefined;
    }
  }

  async function follow(at: number, hint: AttemptMessage, outcome: AttemptOutcome) {
    outcomes.set(at, outcome);
    const { nowMs, speed } = deps.context();
    if (outcome.kind === "early") {
      const leftMs = Math.max(0, outcome.nextMs - nowMs);
      const isSkewed = leftMs <= Math.max(SKEW_MS, SKEW_REAL_MS * speed);
      if (isSkewed) moved.push({ at, hint, delayMs: leftMs });
    }
    if (outcome.kind !== "attempted" && outcome.kind !== "settled") return undefined;
    const { delivery } = outcome;
    if (delivery.status === "failed" && delivery.reason === "gone") await disable(delivery);
    const { nextMs } = delivery;
    if (nextMs !== undefined && nextMs - nowMs <= LONGEST_DELAY_MS) {
      next.push({ message: toAttemptMessage(delivery), delayMs: Math.max(0, nextMs - nowMs) });
    }
    if (outcome.kind === "settled") return undefined;
    return { isSuccess: outcome.isSuccess, isSlow: outcome.isSlow };
  }

  /** The endpoint said that it wants no more. Should this worker die before, the next 410 says it again. */
  async function disable({ clientId, webhookId }: DeliveryRecord): Promise<void> {
    const webhook = (await facts.now()).webhooks.get(clientId);
    if (webhook?.webhookId !== webhookId || webhook.status !== "active") return;
    const to = { status: "disabled", reason: ANSWERED_GONE } as const;
    await deps.deactivateWebhook(webhook, to).catch(deps.dropped);
    facts.forget();
  }

  /** Back into the queue because its endpoint is failing; it does not count as an attempt. */
  function hold({ at, hint }: IndexedMessage): void {
    const { heldMs = 0 } = hint;
    const holdMs = scheduleByTotal(HOLDS_MS, heldMs);
    // A queue's round takes real time, however fast business time passes.
    const waitMs = Math.max(holdMs, HOLD_REAL_MS * deps.context().speed);
    later(at, { ...hint, heldMs: heldMs + holdMs }, waitMs);
  }

  /** Drawn, so that what waits together does not come back together. */
  function later(at: number, hint: AttemptMessage, delayMs: number): void {
    outcomes.set(at, { kind: "held" });
    moved.push({ at, hint, delayMs: delayMs * (1 - 0.3 * deps.random()) });
  }

  /** Stores what is not stored yet: only the quick way does without. */
  async function stored({ at, hint, delayMs }: (typeof moved)[number]) {
    const { fresh, ...plain } = hint;
    try {
      if (fresh) await deps.deliveries.create(freshDelivery({ ...plain, fresh }, deps.context()));
      return [{ at, message: plain, delayMs }];
    } catch (error) {
      outcomes.set(at, toMessageFailure(error));
      return [];
    }
  }

  /** What is not sent is found by the sweep where it is stored with its next time; else it comes again. */
  async function send(): Promise<void> {
    const onward = (await Promise.all(moved.map(stored))).flat();
    if (next.length + onward.length === 0) return;
    try {
      await deps.queue.send("careful", [...next, ...onward]);
    } catch (error) {
      const failed = toMessageFailure(error);
      for (const { at } of onward) outcomes.set(at, failed);
      deps.dropped(error);
    }
  }

  return {
    groups,
    run,
    hold,

    /** What fails for one endpoint fails for its own messages alone. */
    async isolateErrors(group: Group, work: () => Promise<void>): Promise<void> {
      try {
        await work();
      } catch (error) {
        const failed = toMessageFailure(error);
        for (const { at } of group.hints) if (!outcomes.has(at)) outcomes.set(at, failed);
      }
    },

    /** To the workers of the lane `careful`. */
    moveToIsolatedQueue(ofGroup: Group["hints"]): void {
      for (const { at, hint } of ofGroup) {
        outcomes.set(at, { kind: "passedOn" });
        moved.push({ at, hint, delayMs: 0 });
      }
    },

    /** There are as many workers at the endpoint as it may have. */
    requeue(ofGroup: Group["hints"], health: EndpointHealth): void {
      const context = deps.context();
      const delayMs = Math.max(BUSY_MS, BUSY_REAL_MS * context.speed);
      for (const one of ofGroup) {
        if (isCircuitOpen(health, context) && !isHeldLongEnough(one)) hold(one);
        else later(one.at, one.hint, delayMs);
      }
    },

    async finish(): Promise<void> {
      const records = [...outcomes.values()].flatMap((one) =>
        "delivery" in one && one.delivery ? [one.delivery] : [],
      );
      await Promise.all([
        deps.publishFailures(
          records.filter(({ unpublishedFailures }) => unpublishedFailures.length > 0),
        ),
        send(),
      ]);
    },

    outcomes: (): HintOutcome[] => hints.map((_, at) => outcomes.get(at) ?? { kind: "nothing" }),
  };
}
