import type { MessageFailure } from "../../message-failure.ts";
import type { DeliveryContext } from "../state/delivery-context.ts";
import type { DeliveryFactsReader, DeliveryQueue, DeliveryStore } from "../state/ports.ts";
import type { PublishFailures } from "../state/publish-failures.ts";
import type { DeliveryRecord } from "../state/record.ts";
import type { DeactivateWebhook } from "../webhooks/deactivate-webhook.ts";
import type { AttemptOutcome, makeAttemptDelivery } from "./attempt-delivery.ts";
import type { EndpointConcurrency } from "./endpoint-slots.ts";

export interface AttemptDeliveriesDeps {
  facts: DeliveryFactsReader;
  deliveries: DeliveryStore;
  attemptDelivery: ReturnType<typeof makeAttemptDelivery>;
  endpoints: EndpointConcurrency;
  deactivateWebhook: DeactivateWebhook;
  queue: DeliveryQueue;
  publishFailures: PublishFailures;
  context: () => DeliveryContext;
  /** From 0 to 1. */
  random: () => number;
  newOwner: () => string;
  /** Real time. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of what was given up without harm: the sweep makes up for it. */
  dropped: (error: unknown) => void;
}

export type HintOutcome =
  | { kind: AttemptOutcome["kind"] | "held" | "passedOn"; delivery?: DeliveryRecord }
  | MessageFailure;
