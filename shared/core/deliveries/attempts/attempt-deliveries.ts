import type { AttemptMessage } from "../../../contracts/messages/delivery.ts";
import { forEachConcurrent } from "../../for-each-concurrent.ts";
import { toMessageFailure } from "../../message-failure.ts";
import { hasReachedMaxHold } from "../state/attempt-message.ts";
import {
  type DeliveryInputsCache,
  makeDeliveryInputsCache,
} from "../state/delivery-inputs-cache.ts";
import { ANSWERED_GONE } from "../state/delivery-state.ts";
import { type AttemptObservation, type Endpoint, isCircuitOpen } from "../state/endpoint-health.ts";
import type { AttemptQueueName, DeliveryInputsReader } from "../state/ports.ts";
import type { EndpointHealth } from "../state/record.ts";
import type { DeactivateWebhook } from "../webhooks/deactivate-webhook.ts";
import {
  type AttemptMessageOutcome,
  type FinishBatchDeps,
  type MessageResult,
  makeFinishBatch,
} from "./finish-batch.ts";
import {
  busyEndpointMessage,
  earlyMessage,
  heldMessage,
  nextAttemptMessage,
} from "./follow-up-messages.ts";
import {
  chooseQueueOrSlot,
  type EndpointBatch,
  groupByEndpoint,
  type IndexedMessage,
  planAttempts,
  probeConcurrency,
} from "./plan-attempts.ts";
import { makeSendAttempt, type SendAttemptDeps } from "./send-attempt.ts";
import {
  type AttemptOutcome,
  makeSettleAttempt,
  type SettleAttemptDeps,
} from "./settle-attempt.ts";

export interface AttemptDeliveriesDeps extends SendAttemptDeps, SettleAttemptDeps, FinishBatchDeps {
  inputs: DeliveryInputsReader;
  deactivateWebhook: DeactivateWebhook;
}

export type AttemptDeliveries = (
  queue: AttemptQueueName,
  messages: readonly AttemptMessage[],
  /** Real time until Lambda ends the invocation. */
  remainingMs: () => number,
) => Promise<AttemptMessageOutcome[]>;

/** The values that the attempts of one batch share. */
interface BatchRun {
  queue: AttemptQueueName;
  batchSize: number;
  inputs: DeliveryInputsCache;
  remainingMs: () => number;
}

/**
 * Attempts the deliveries that a batch of messages names: plan, slot, send, settle.
 *
 * No endpoint delays another one (decision 010; figures are the default settings):
 *
 * - Queues: `attempts` carries first attempts to fast endpoints, which answer within 500 ms;
 *   `retries` carries all other attempts. A worker of `attempts` moves a message to `retries`
 *   if its endpoint is no longer fast.
 * - Slow: a POST without an answer after 500 ms marks its endpoint as slow at once. After 20
 *   fast successes the endpoint is fast again.
 * - Slot: at most 3 workers attempt the deliveries of one endpoint, each with 10 POSTs in
 *   flight. Each worker has a slot, which is a lease in the endpoint's health item.
 * - Circuit: it opens after 5 consecutive failures, and a success closes it. While it is open,
 *   one worker probes with one delivery (half-open).
 * - Hold: while the circuit is open, messages are sent again with a delay of 1, 2, 4 and 8
 *   minutes, and are then attempted anyway.
 *
 * Returns one outcome for each message, in order. Never rejects because of a
 * dependency: the messages concerned fail, and SQS delivers them again.
 */
export function makeAttemptDeliveries(deps: AttemptDeliveriesDeps): AttemptDeliveries {
  const { context, endpointSlots, random } = deps;
  const sendAttempt = makeSendAttempt(deps);
  const settleAttempt = makeSettleAttempt(deps);
  const finishBatch = makeFinishBatch(deps);

  return async (queue, messages, remainingMs) => {
    const inputs = makeDeliveryInputsCache(deps, messages);
    const current = await inputs.current().catch(toMessageFailure);
    if ("kind" in current) return messages.map(() => current);
    const run = { queue, batchSize: messages.length, inputs, remainingMs };
    const results = await Promise.all(
      groupByEndpoint(messages, current).map((batch) => attemptEndpointBatch(run, batch)),
    );
    const final = await finishBatch(results.flat());
    return final.sort((a, b) => a.index - b.index).map(({ outcome }) => outcome);
  };

  /** An error that concerns one endpoint fails the messages of that endpoint only. */
  async function attemptEndpointBatch(
    run: BatchRun,
    batch: EndpointBatch,
  ): Promise<MessageResult[]> {
    const { messages, health } = batch;
    try {
      if (!health) return await attemptWithoutHealth(run, messages);
      switch (chooseQueueOrSlot({ messages, health }, run, context().rules)) {
        case "moveToRetries":
          return messages.map(moveToRetries);
        case "attemptInSlot":
          return await attemptInSlot(run, { messages, health });
        case "attemptWithoutSlot": {
          const results = await attemptMessages(run, messages, health);
          await endpointSlots.recordObservations(health, observationsOf(results));
          return results;
        }
      }
    } catch (error) {
      const outcome = toMessageFailure(error);
      return messages.map(({ index }) => ({ index, outcome }));
    }
  }

  async function attemptInSlot(
    run: BatchRun,
    { messages, health }: EndpointBatch & { health: EndpointHealth },
  ): Promise<MessageResult[]> {
    const { nowRealMs, rules } = context();
    const lease = { owner: deps.newOwner(), untilMs: nowRealMs + rules.leaseMs };
    const hasMessageAtMaxHold = messages.some(({ message }) => hasReachedMaxHold(message));
    const slot = await endpointSlots.acquire(health, { lease, hasMessageAtMaxHold });
    if ("unavailable" in slot) {
      if (run.queue === "attempts") return messages.map(moveToRetries);
      return messages.map((one) =>
        mustHold(one, slot.unavailable) ? hold(one) : postponeForBusyEndpoint(one),
      );
    }
    let results: MessageResult[] = [];
    try {
      results = await attemptMessages(run, messages, slot.acquired);
      return results;
    } finally {
      await endpointSlots.release(slot.acquired, lease.owner, observationsOf(results));
    }
  }

  /**
   * Processes the messages of a webhook that is not the client's current one, or that could not be
   * read. `attempt` decides: it claims the delivery and ends it without a POST, or throws
   * DEPENDENCY_DOWN.
   */
  async function attemptWithoutHealth(
    run: BatchRun,
    messages: readonly IndexedMessage[],
  ): Promise<MessageResult[]> {
    const results: MessageResult[] = [];
    await forEachConcurrent(messages, context().rules.postsPerWorker, async (one) => {
      results.push(await attempt(run, one));
    });
    return results;
  }

  /** @returns the results in the order in which the attempts ended */
  async function attemptMessages(
    run: BatchRun,
    messages: readonly IndexedMessage[],
    health: EndpointHealth,
  ): Promise<MessageResult[]> {
    const { rules } = context();
    const plan = planAttempts(messages, { queue: run.queue, health }, rules);
    const results: MessageResult[] = [];
    await forEachConcurrent(plan.probes, probeConcurrency(rules), async (one) => {
      results.push(await attempt(run, one, health));
    });
    const isRecovered = results.some(({ observation }) => observation?.isSuccess);
    if (plan.probes.length > 0 && !isRecovered) return [...results, ...plan.messages.map(hold)];

    // `undefined`: failures do not stop this batch.
    let { consecutiveFailures } = plan;
    await forEachConcurrent(plan.messages, rules.postsPerWorker, async (one) => {
      const isOpen =
        consecutiveFailures !== undefined && isCircuitOpen({ consecutiveFailures }, context());
      const result = isOpen ? hold(one) : await attempt(run, one, health);
      results.push(result);
      if (!result.observation || consecutiveFailures === undefined) return;
      consecutiveFailures = result.observation.isSuccess ? 0 : consecutiveFailures + 1;
    });
    return results;
  }

  /** Sends one attempt, records it, and determines which messages follow from it. */
  async function attempt(
    run: BatchRun,
    { index, message }: IndexedMessage,
    health?: EndpointHealth,
  ): Promise<MessageResult> {
    try {
      const { inputs, remainingMs } = run;
      // Only an endpoint that counts as fast can become slow.
      const fastEndpointHealth = run.queue === "attempts" ? health : undefined;
      const sent = await sendAttempt(message, { inputs, remainingMs, fastEndpointHealth });
      const outcome = await settleAttempt(sent);
      switch (outcome.kind) {
        case "outOfTime":
          return { index, outcome: { kind: "requeued" }, requeue: { message, delayMs: 0 } };
        case "notDue":
          return { index, outcome, requeue: earlyMessage(message, outcome.nextMs, context()) };
        case "claimedByAnother":
        case "alreadyHandled":
          return { index, outcome };
        case "attempted":
        case "recordedWithoutPost": {
          const { delivery } = outcome;
          if (delivery.reason === "gone" && outcome.kind === "attempted") {
            const endpoint = { ...delivery, endpointNumber: outcome.endpointNumber };
            // The attempt is recorded: an error of this must not hide its outcome.
            await disableWebhook(inputs, endpoint).catch(deps.onNonFatalError);
          }
          const nextAttempt = nextAttemptMessage(delivery, context());
          return { index, outcome, nextAttempt, observation: observationOf(outcome) };
        }
      }
    } catch (error) {
      return { index, outcome: toMessageFailure(error) };
    }
  }

  /**
   * Disables a webhook whose endpoint answered 410. If this worker stops first, the next 410
   * disables it.
   *
   * @throws DEPENDENCY_DOWN; the webhook may have been disabled
   */
  async function disableWebhook(
    inputs: DeliveryInputsCache,
    { clientId, webhookId, endpointNumber }: Endpoint,
  ): Promise<void> {
    const webhook = (await inputs.current()).webhooks.get(clientId);
    if (webhook?.webhookId !== webhookId || webhook.status !== "active") return;
    if (webhook.endpointNumber !== endpointNumber) return;
    const to = { status: "disabled", reason: ANSWERED_GONE } as const;
    try {
      await deps.deactivateWebhook(webhook, to);
    } finally {
      inputs.invalidate();
    }
  }

  function mustHold({ message }: IndexedMessage, health: EndpointHealth): boolean {
    return isCircuitOpen(health, context()) && !hasReachedMaxHold(message);
  }

  function hold({ index, message }: IndexedMessage): MessageResult {
    return { index, outcome: { kind: "held" }, requeue: heldMessage(message, context(), random()) };
  }

  function postponeForBusyEndpoint({ index, message }: IndexedMessage): MessageResult {
    const busy = busyEndpointMessage(message, context(), random());
    return { index, outcome: { kind: "requeued" }, requeue: busy };
  }
}

function moveToRetries({ index, message }: IndexedMessage): MessageResult {
  return { index, outcome: { kind: "movedToRetries" }, requeue: { message, delayMs: 0 } };
}

function observationOf(outcome: AttemptOutcome): AttemptObservation | undefined {
  if (outcome.kind !== "attempted") return undefined;
  return { isSuccess: outcome.isSuccess, isSlow: outcome.isSlow };
}

function observationsOf(results: readonly MessageResult[]): AttemptObservation[] {
  return results.flatMap(({ observation }) => observation ?? []);
}
