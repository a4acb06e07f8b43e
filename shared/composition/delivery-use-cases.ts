import type { Clock } from "../core/clock.ts";
import { makeAttemptDeliveries } from "../core/deliveries/attempts/attempt-deliveries.ts";
import { makeEndpointSlots } from "../core/deliveries/attempts/endpoint-slots.ts";
import { makeCreateDeliveries } from "../core/deliveries/creation/create-deliveries.ts";
import { type Deliveries, makeDeliveries } from "../core/deliveries/deliveries.ts";
import { makeProcessMessages, type ProcessMessages } from "../core/deliveries/process-messages.ts";
import { makeRunBulkJob, type RunBulkJobDeps } from "../core/deliveries/run-bulk-job.ts";
import type { FetchMasterKeys } from "../core/deliveries/signing/signing.ts";
import type { DeliveryContext } from "../core/deliveries/state/delivery-context.ts";
import type { DeliveryRules } from "../core/deliveries/state/delivery-rules.ts";
import type {
  DeliveryInputsReader,
  DeliveryQueue,
  DeliveryStore,
  HealthStore,
  JobStore,
  WebhookPoster,
  WebhookStore,
} from "../core/deliveries/state/ports.ts";
import {
  makePublishDeliveryFailed,
  type PublishDeliveryFailed,
} from "../core/deliveries/state/publish-delivery-failed.ts";
import type { EndpointHealth } from "../core/deliveries/state/record.ts";
import { makeSweepDeliveries, type SweepDeliveries } from "../core/deliveries/sweep-deliveries.ts";
import { makeDeactivateWebhook } from "../core/deliveries/webhooks/deactivate-webhook.ts";
import {
  makeWebhooks,
  type Webhooks,
  type WebhooksDeps,
} from "../core/deliveries/webhooks/webhooks.ts";
import { makePublishEvent } from "../core/events/publish-claimed.ts";
import { toError } from "../core/message-failure.ts";
import type { TextStore } from "../core/requests/state/ports.ts";
import type { TracingDeps } from "../core/tracing/derived-ids.ts";
import type { EventPorts, PublishPorts } from "./event-ports.ts";

/**
 * The use cases of deliveries, composed once from their ports. Functions pass
 * adapters, tests pass stores in memory.
 */

/** The ports that every use case of deliveries needs. */
export interface DeliveryPorts {
  deliveries: DeliveryStore;
  jobs: JobStore;
  health: HealthStore;
  webhooks: WebhookStore;
  deliveryQueue: DeliveryQueue;
  texts: TextStore;
  clock: Clock;
  /** Business seconds per real second. */
  speed: number;
  rules: DeliveryRules;
}

/** Callbacks for what the use cases observe while they run. */
export interface DeliveryObserver {
  /**
   * Counts failed deliveries and writes the metric. Called before the failures are recorded
   * as published, so that a crash cannot lose a count.
   */
  onDeliveriesFailed: (count: number) => void;
  onCircuitOpened: (health: EndpointHealth) => void;
  onWebhookDisabled: () => void;
  /** Called with an error that does no harm, because the sweep repeats the work. */
  onNonFatalError: (error: unknown) => void;
}

/** The ports that `deliver` needs in addition to `DeliveryPorts`. */
export interface MessageProcessingPorts
  extends DeliveryPorts,
    EventPorts,
    DeliveryObserver,
    TracingDeps {
  inputs: DeliveryInputsReader;
  poster: WebhookPoster;
  findEvent: RunBulkJobDeps["findEvent"];
  masterKeys: FetchMasterKeys;
  /** Returns a new owner of leases. */
  newOwner: () => string;
  /** From 0 to 1. */
  random: () => number;
  randomHex: (bytes: number) => string;
  /** Waits in real time. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Real time for which a claimed event belongs to one worker. */
  claimLeaseMs: number;
}

/** The ports that `reconcile` needs in addition to `DeliveryPorts`, and the limit of one query. */
export interface DeliverySweepPorts
  extends DeliveryPorts,
    PublishPorts,
    Pick<DeliveryObserver, "onDeliveriesFailed" | "onNonFatalError"> {
  /** Most deliveries of one shard that one query returns. */
  limit: number;
}

/** The ports that `api` needs in addition to `DeliveryPorts`. */
export type WebhookApiPorts = DeliveryPorts &
  Pick<WebhooksDeps, "masterKeys" | "targets" | "randomHex" | "onNonFatalError">;

/** Composes how `deliver` processes a batch of messages. */
export function composeMessageProcessing(ports: MessageProcessingPorts): {
  processMessages: ProcessMessages;
} {
  const deps = withContext(ports);
  const publish = makePublishDeliveryFailed(deps);
  const publishDeliveryFailed: PublishDeliveryFailed = async (deliveries) => {
    const result = await publish(deliveries);
    // One error that concerns all of them is one object.
    for (const failure of new Set(result.failures)) deps.onNonFatalError(toError(failure));
    return result;
  };
  return {
    processMessages: makeProcessMessages({
      createDeliveries: makeCreateDeliveries({ ...deps, publishDeliveryFailed }),
      attemptDeliveries: makeAttemptDeliveries({
        ...deps,
        publishDeliveryFailed,
        endpointSlots: makeEndpointSlots(deps),
        deactivateWebhook: makeDeactivateWebhook(deps),
      }),
      runBulkJob: makeRunBulkJob({
        ...deps,
        publishDeliveryFailed,
        publishEvent: makePublishEvent({ ...deps, leaseMs: ports.claimLeaseMs }),
      }),
    }),
  };
}

/** Composes the sweep of deliveries and jobs. */
export function composeDeliverySweep(ports: DeliverySweepPorts): {
  sweepDeliveries: SweepDeliveries;
} {
  const deps = withContext(ports);
  return {
    sweepDeliveries: makeSweepDeliveries({
      ...deps,
      publishDeliveryFailed: makePublishDeliveryFailed(deps),
    }),
  };
}

/** Composes the API operations on a client's webhook and its deliveries. */
export function composeWebhookApi(ports: WebhookApiPorts): {
  webhooks: Webhooks;
  deliveries: Deliveries;
} {
  const deps = withContext(ports);
  return { webhooks: makeWebhooks(deps), deliveries: makeDeliveries(deps) };
}

/** Adds the context of decisions: the time and the rules. */
function withContext<Ports extends DeliveryPorts>(ports: Ports) {
  return { ...ports, context: makeDeliveryContext(ports) };
}

/** Makes the function that reads the times and rules of a decision. */
export function makeDeliveryContext(
  ports: Pick<DeliveryPorts, "clock" | "speed" | "rules">,
): () => DeliveryContext {
  const { clock, speed, rules } = ports;
  return () => ({ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), speed, rules });
}
