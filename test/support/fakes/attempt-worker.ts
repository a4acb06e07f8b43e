import type { WebhookItem } from "../../../shared/contracts/config-items.ts";
import { Failure } from "../../../shared/contracts/failures.ts";
import type { AttemptMessage } from "../../../shared/contracts/messages/delivery.ts";
import type { AttemptDeliveriesDeps } from "../../../shared/core/deliveries/attempts/attempt-deliveries.ts";
import type { EndpointSlots } from "../../../shared/core/deliveries/attempts/endpoint-slots.ts";
import type { DeliveryRules } from "../../../shared/core/deliveries/state/delivery-rules.ts";
import type {
  DeliveryInputs,
  PostResult,
  WebhookPost,
} from "../../../shared/core/deliveries/state/ports.ts";
import type {
  DeliveryRecord,
  EndpointHealth,
} from "../../../shared/core/deliveries/state/record.ts";
import { makeMemoryDeliveries } from "../memory/memory-deliveries.ts";
import { deliveryRecord, endpointHealth, webhookRecord } from "../payloads/delivery-records.ts";
import { makeTestClock } from "./clocks.ts";
import { testDeliveryRules, testMasterKeys } from "./webhook-api.ts";

const ids = { clientId: "cl_1", webhookId: "wh_1" };

/** The message of an attempt to the webhook of the worker's only client. */
export function attemptMessage(
  deliveryId: string,
  more: Partial<AttemptMessage> = {},
): AttemptMessage {
  return { v: 1, kind: "attempt", deliveryId, ...ids, ...more };
}

/**
 * What a worker of `deliver` needs to make attempts, over deliveries in memory. `slotCalls` has
 * the calls of the endpoint slots, `reads` the keys of every read of the inputs. A test may change
 * the `inputs`; each read returns them as they are by then.
 */
export function makeAttemptWorker(
  given: {
    rules?: Partial<DeliveryRules>;
    health?: Partial<EndpointHealth>;
    webhook?: Partial<WebhookItem>;
    /** The answer to the nth POST, from 1. */
    answer?: (nth: number) => Partial<PostResult> | Promise<Partial<PostResult>>;
    deps?: Partial<AttemptDeliveriesDeps>;
  } = {},
) {
  const clock = makeTestClock();
  const { deliveries } = makeMemoryDeliveries({ clock });
  const rules = { ...testDeliveryRules, ...given.rules };
  const secrets = [{ version: 1, masterKeyId: "k2" }];
  const webhook = webhookRecord({ ...ids, secrets, version: 4, ...given.webhook });
  const health = endpointHealth({ ...ids, version: 7, ...given.health });
  const inputs = {
    webhooks: new Map([[ids.clientId, webhook]]),
    unreadable: new Map<string, Failure>(),
    health: new Map([[ids.clientId, health]]),
    cancelledRequests: new Set<string>(),
  };
  const reads: unknown[] = [];
  const slotCalls: unknown[] = [];
  const posts: WebhookPost[] = [];
  const sent: unknown[] = [];
  const published: string[] = [];
  const ignored: unknown[] = [];
  let owners = 0;

  const endpointSlots: EndpointSlots = {
    async acquire(before, options) {
      slotCalls.push(["acquire", before, options]);
      return { acquired: { ...before, version: before.version + 1 } };
    },
    async release(...of) {
      slotCalls.push(["release", ...of]);
    },
    async recordObservations(...of) {
      slotCalls.push(["recordObservations", ...of]);
    },
    async awaitMarkingSlow(of, posting) {
      slotCalls.push(["awaitMarkingSlow", of]);
      return posting;
    },
  };

  const deps: AttemptDeliveriesDeps = {
    deliveries,
    texts: {
      store: async (_, inline) => ({ inline }),
      async open(text) {
        if ("inline" in text) return text.inline;
        throw new Failure("BODY_GONE", "there is no such text");
      },
    },
    poster: {
      async post(post) {
        const nth = posts.push(post);
        return { durationMs: 20, ...((await given.answer?.(nth)) ?? { httpStatus: 200 }) };
      },
    },
    masterKeys: async () => testMasterKeys,
    endpointSlots,
    context: () => ({ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), speed: 1, rules }),
    newOwner: () => `owner-${++owners}`,
    // The middle of the jitter.
    random: () => 0.5,
    onNonFatalError: (error) => void ignored.push(error),
    deliveryQueue: {
      async send(...of) {
        sent.push(of);
      },
    },
    async publishDeliveryFailed(failed) {
      published.push(...failed.map(({ deliveryId }) => deliveryId));
      return { published: failed.length, failures: [] };
    },
    inputs: {
      async read(keys): Promise<DeliveryInputs> {
        reads.push(keys);
        return {
          webhooks: new Map(inputs.webhooks),
          unreadable: new Map(inputs.unreadable),
          health: new Map(inputs.health),
          cancelledRequests: new Set(inputs.cancelledRequests),
        };
      },
    },
    deactivateWebhook: async () => undefined,
    ...given.deps,
  };

  /** Stores a delivery to the client's webhook that is due. @returns its message */
  async function have(
    deliveryId: string,
    of: Partial<DeliveryRecord> & Pick<AttemptMessage, "heldMs"> = {},
  ): Promise<AttemptMessage> {
    const { heldMs, ...record } = of;
    await deliveries.create(deliveryRecord({ deliveryId, ...ids, ...record }));
    return attemptMessage(deliveryId, heldMs === undefined ? {} : { heldMs });
  }

  /** The client changes its webhook. */
  function changeWebhook(change: Partial<WebhookItem>): void {
    const now = inputs.webhooks.get(ids.clientId) ?? webhook;
    inputs.webhooks.set(ids.clientId, { ...now, version: now.version + 1, ...change });
  }

  return {
    ...{ clock, deliveries, deps, health, inputs, rules, webhook },
    ...{ ignored, posts, published, reads, sent, slotCalls },
    ...{ changeWebhook, have },
  };
}
