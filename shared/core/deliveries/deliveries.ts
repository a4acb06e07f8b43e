import type { WebhookItem } from "../../contracts/config-items.ts";
import { Failure } from "../../contracts/failures.ts";
import type { DeliveryView, RecoveryView } from "../../contracts/http/webhooks.ts";
import type { DeliveryStatus } from "../../contracts/statuses.ts";
import { readCursor, writeCursor } from "../input/cursor.ts";
import { InvalidRequest } from "../input/invalid-request.ts";
import { retryOnConflict } from "../retry-on-conflict.ts";
import { toAttemptMessage } from "./state/attempt-message.ts";
import { startNextCycle } from "./state/delivery-state.ts";
import { deliverySummary, deliveryView, recoveryView } from "./state/delivery-views.ts";
import type { DeliveryStore } from "./state/ports.ts";
import { type DeliveryRecord, hasEnded } from "./state/record.ts";
import { type DeactivateWebhookDeps, newJob, startJob } from "./webhooks/deactivate-webhook.ts";

export interface DeliveriesDeps extends DeactivateWebhookDeps {
  deliveries: DeliveryStore;
}

export type Deliveries = ReturnType<typeof makeDeliveries>;

/** Where the store can go on from. */
const LISTED_AS = /^[^#]{1,32}#dl_[0-9a-f]{32}$/;

/** Attempts to resend when other writers come first: more happen only to a caller that never pauses. */
const MAX_ATTEMPTS = 5;

/**
 * A client's deliveries; another client's are none.
 *
 * Every call @throws DEPENDENCY_DOWN; a change may have been made then.
 */
export function makeDeliveries(deps: DeliveriesDeps) {
  const { deliveries: store, jobs, webhooks, queue, context, onIgnoredError } = deps;

  async function own(clientId: string, deliveryId: string): Promise<DeliveryRecord> {
    const delivery = await store.find(deliveryId);
    if (delivery?.clientId === clientId) return delivery;
    throw new Failure("NOT_FOUND", "there is no such delivery");
  }

  return {
    /** A page, newest first. @throws REQUEST_INVALID for a bad cursor */
    async list(
      clientId: string,
      query: { limit: number; cursor?: string; status?: DeliveryStatus },
    ): Promise<{ items: DeliveryView[]; nextCursor?: string }> {
      const { limit, cursor, status } = query;
      const of = { list: "deliveries", clientId } as const;
      const before = cursor === undefined ? undefined : readCursor(of, cursor, LISTED_AS);
      const page = await store.list({ clientId, status, limit, before });
      const items = page.deliveries.map(deliverySummary);
      if (page.before === undefined) return { items };
      return { items, nextCursor: writeCursor(of, page.before) };
    },

    /** The last ones, newest first. */
    async newest(clientId: string, limit: number): Promise<DeliveryRecord[]> {
      return (await store.list({ clientId, limit })).deliveries;
    },

    /** @throws NOT_FOUND */
    get: async (clientId: string, deliveryId: string): Promise<DeliveryView> =>
      deliveryView(await own(clientId, deliveryId)),

    /**
     * Opens the next cycle of one that has ended; one that is on its way stays
     * as it is.
     *
     * @throws NOT_FOUND, CONFLICT where it was cancelled or its webhook takes nothing now
     */
    async resend(clientId: string, deliveryId: string): Promise<DeliveryView> {
      const result = await retryOnConflict({
        find: () => own(clientId, deliveryId),
        async decide(delivery) {
          if (!hasEnded(delivery)) return undefined;
          requireResendable(delivery, await webhooks.find(clientId));
          return startNextCycle(delivery, context());
        },
        replace: (delivery) => store.replace(delivery),
        maxAttempts: MAX_ATTEMPTS,
      });
      if (result.kind === "unchanged") return deliveryView(result.item);
      if (result.kind !== "written") {
        throw new Failure("CONFLICT", "the delivery was changed meanwhile: read it and try again");
      }
      // If this message is lost, the sweep finds the stored delivery.
      await queue
        .send("retries", [{ message: toAttemptMessage(result.written) }])
        .catch(onIgnoredError);
      return deliveryView(result.written);
    },

    /**
     * Begins to send again what failed of what was made in a time, to the
     * present webhook.
     *
     * @throws REQUEST_INVALID, NOT_FOUND without a webhook, CONFLICT while it is disabled
     */
    async recover(
      clientId: string,
      { since, until }: { since: string; until?: string },
    ): Promise<RecoveryView> {
      const sinceMs = Date.parse(since);
      const untilMs = until === undefined ? context().nowMs : Date.parse(until);
      if (sinceMs > untilMs) {
        throw new InvalidRequest([{ field: "since", message: "must not be in the future" }]);
      }
      requireActive(await webhooks.find(clientId));
      const job = newJob("recover", { clientId, sinceMs, untilMs }, deps);
      await jobs.create(job);
      await startJob(job, deps);
      return recoveryView(job);
    },

    /** @throws NOT_FOUND */
    async getRecovery(clientId: string, recoveryId: string): Promise<RecoveryView> {
      const job = await jobs.find(recoveryId);
      if (job?.clientId === clientId && job.kind === "recover") return recoveryView(job);
      throw new Failure("NOT_FOUND", "there is no such recovery");
    },
  };
}

/** @throws CONFLICT that says what to do */
function requireResendable(delivery: DeliveryRecord, present: WebhookItem | undefined): void {
  if (delivery.status === "cancelled") {
    throw new Failure("CONFLICT", "it was cancelled, and is not sent again");
  }
  if (present?.webhookId !== delivery.webhookId || present.status === "deleted") {
    const how = "POST /v1/deliveries/recover sends what failed to the present one";
    throw new Failure("CONFLICT", `its webhook is no longer there: ${how}`);
  }
  if (present.status === "disabled") throw new Failure("CONFLICT", DISABLED);
}

/** @throws NOT_FOUND, CONFLICT */
function requireActive(present: WebhookItem | undefined): void {
  if (!present || present.status === "deleted") {
    throw new Failure("NOT_FOUND", "there is no webhook: register one with PUT /v1/webhook");
  }
  if (present.status === "disabled") throw new Failure("CONFLICT", DISABLED);
}

const DISABLED = "the webhook is disabled: enable it with PATCH /v1/webhook";
