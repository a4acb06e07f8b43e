import type { Clock } from "../core/clock.ts";
import { makeAttemptDeliveries } from "../core/deliveries/attempts/attempt-deliveries.ts";
import { makeEndpointSlots } from "../core/deliveries/attempts/endpoint-slots.ts";
import { makeCreateDeliveries } from "../core/deliveries/creation/create-deliveries.ts";
import { type Deliveries, makeDeliveries } from "../core/deliveries/deliveries.ts";
import {
  type HandleDeliveryWork,
  makeHandleDeliveryWork,
} from "../core/deliveries/handle-delivery-work.ts";
import { makeRunBulkJob, type RunBulkJobDeps } from "../core/deliveries/run-bulk-job.ts";
import type { ReadMasterKeys } from "../core/deliveries/signing/signing.ts";
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
  makePublishFailures,
  type PublishFailuresDeps,
} from "../core/deliveries/state/publish-failures.ts";
import type { EndpointHealth } from "../core/deliveries/state/record.ts";
import { makeSweepDeliveries, type SweepDeliveries } from "../core/deliveries/sweep-deliveries.ts";
import { makeDeactivateWebhook } from "../core/deliveries/webhooks/deactivate-webhook.ts";
import {
  makeWebhooks,
  type Webhooks,
  type WebhooksDeps,
} from "../core/deliveries/webhooks/webhooks.ts";
import { makePublishEvent } from "../core/events/publish-claimed.ts";
import type { TextStore } from "../core/requests/state/ports.ts";
import type { EventPorts, PublishPorts } from "./event-ports.ts";

/**
 * The use cases of deliveries, composed once from their ports. Functions pass
 * adapters, tests pass stores in memory.
 */

/** What every use case of deliveries needs. */
export interface DeliveryPorts {
  deliveries: DeliveryStore;
  jobs: JobStore;
  health: HealthStore;
  webhooks: WebhookStore;
  queue: DeliveryQueue;
  texts: TextStore;
  clock: Clock;
  /** Business seconds per real second. */
  speed: number;
  rules: DeliveryRules;
}

/** What the use cases report while they run. */
export interface DeliveryObserver {
  /** Counts failures before they are recorded as published, so that no alarm is missed. */
  onDeliveriesFailed: (count: number) => void;
  onCircuitOpened: (health: EndpointHealth) => void;
  onWebhookDisabled: () => void;
  /** Receives errors that do no harm: the sweep repeats the work. */
  onIgnoredError: (error: unknown) => void;
}

/** What `deliver` needs beside. */
export interface DeliveryWorkPorts extends DeliveryPorts, EventPorts, DeliveryObserver {
  inputs: DeliveryInputsReader;
  poster: WebhookPoster;
  findEvent: RunBulkJobDeps["findEvent"];
  masterKeys: ReadMasterKeys;
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

/** What `reconcile` needs beside, and the limit of one query. */
export interface DeliverySweepPorts
  extends DeliveryPorts,
    PublishPorts,
    Pick<DeliveryObserver, "onDeliveriesFailed" | "onIgnoredError"> {
  /** Most deliveries of one shard that one query returns. */
  limit: number;
}

/** What `api` needs beside. */
export type WebhookApiPorts = DeliveryPorts &
  Pick<WebhooksDeps, "masterKeys" | "targets" | "randomHex" | "onIgnoredError">;

/** Composes what `deliver` does with a batch of messages. */
export function composeDeliveryWork(ports: DeliveryWorkPorts): {
  handleDeliveryWork: HandleDeliveryWork;
} {
  const parts = shared(ports);
  const publishFailures = publishFailuresOf(parts);
  return {
    handleDeliveryWork: makeHandleDeliveryWork({
      createDeliveries: makeCreateDeliveries({ ...parts, publishFailures }),
      attemptDeliveries: makeAttemptDeliveries({
        ...parts,
        publishFailures,
        endpoints: makeEndpointSlots(parts),
        deactivateWebhook: makeDeactivateWebhook(parts),
      }),
      runBulkJob: makeRunBulkJob({
        ...parts,
        publishFailures,
        publish: makePublishEvent({ ...parts, leaseMs: ports.claimLeaseMs }),
      }),
    }),
  };
}

/** Composes the sweep of deliveries and jobs. */
export function composeDeliverySweep(ports: DeliverySweepPorts): {
  sweepDeliveries: SweepDeliveries;
} {
  const parts = shared(ports);
  return {
    sweepDeliveries: makeSweepDeliveries({ ...parts, publishFailures: publishFailuresOf(parts) }),
  };
}

/** Composes what clients may do with their webhook and its deliveries. */
export function composeWebhookApi(ports: WebhookApiPorts): {
  webhooks: Webhooks;
  deliveries: Deliveries;
} {
  const parts = shared(ports);
  return { webhooks: makeWebhooks(parts), deliveries: makeDeliveries(parts) };
}

function shared<Ports extends DeliveryPorts>(ports: Ports) {
  const { clock, speed, rules } = ports;
  return {
    ...ports,
    context: (): DeliveryContext => ({
      nowMs: clock.businessMs(),
      nowRealMs: clock.realMs(),
      speed,
      rules,
    }),
  };
}

function publishFailuresOf(
  parts: PublishPorts &
    Pick<PublishFailuresDeps, "deliveries" | "context"> &
    Pick<DeliveryObserver, "onDeliveriesFailed" | "onIgnoredError">,
) {
  return makePublishFailures({ ...parts, onPublished: parts.onDeliveriesFailed });
}
