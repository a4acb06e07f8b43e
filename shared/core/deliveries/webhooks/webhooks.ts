import { configKey, type WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { WebhookView } from "../../../contracts/http/webhooks.ts";
import type { WebhookTargets } from "../../../contracts/webhook-targets.ts";
import { rotate, validAt } from "../../connections/rotation.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import { presentSecret } from "../creation/new-delivery.ts";
import { type DeactivateWebhookDeps, makeDeactivateWebhook } from "./deactivate-webhook.ts";
import { sendTest, type TestSendDeps } from "./test-send.ts";
import {
  type NewWebhook,
  parseWebhookSettings,
  viewOf,
  type WebhookChange,
  withChange,
} from "./webhook-settings.ts";

export interface WebhooksDeps extends DeactivateWebhookDeps, TestSendDeps {
  targets: WebhookTargets;
}

export type Webhooks = ReturnType<typeof makeWebhooks>;

/** A former webhook's deliveries are gone long before so many have followed it. */
const MAX_PREVIOUS_WEBHOOKS = 50;

/** Attempts to change a webhook when other writers come first: more happen only to a caller that never pauses. */
const MAX_ATTEMPTS = 5;

/**
 * A client's one webhook. `webhookId` in a call means that one alone: NOT_FOUND
 * where the present one is another.
 *
 * Every call @throws DEPENDENCY_DOWN; a change may have been made then.
 */
export function makeWebhooks(deps: WebhooksDeps) {
  const { webhooks: store, context } = deps;
  const deactivateWebhook = makeDeactivateWebhook(deps);
  const nowMs = () => context().nowMs;

  async function own(clientId: string, webhookId?: string): Promise<WebhookItem> {
    const webhook = await store.find(clientId);
    const isMeant = webhookId === undefined || webhookId === webhook?.webhookId;
    if (webhook && webhook.status !== "deleted" && isMeant) return webhook;
    throw new Failure("NOT_FOUND", "there is no such webhook");
  }

  /** @throws NOT_FOUND, CONFLICT */
  async function change(
    of: { clientId: string; webhookId?: string | undefined },
    decide: (webhook: WebhookItem) => WebhookItem | undefined,
    replace: (
      next: WebhookItem,
      webhook: WebhookItem,
    ) => Promise<WebhookItem | undefined> = store.replace,
  ): Promise<WebhookItem> {
    const result = await retryOnConflict({
      find: () => own(of.clientId, of.webhookId),
      decide,
      replace,
      maxAttempts: MAX_ATTEMPTS,
    });
    if (result.kind === "written") return result.written;
    if (result.kind === "unchanged") return result.item;
    throw changedMeanwhile();
  }

  return {
    /** The secret is in the answer, and derived anew whenever it is needed. @throws REQUEST_INVALID, CONFLICT */
    async register(clientId: string, of: NewWebhook): Promise<WebhookView & { secret: string }> {
      const wishes = parseWebhookSettings(of, deps.targets);
      const master = await deps.masterKeys();
      const before = await store.find(clientId);
      if (before?.status === "active") {
        const how = "delete it, or change it with PATCH";
        throw new Failure("CONFLICT", `a webhook is active already: ${how}`);
      }
      const webhook = await store.replace({
        ...wishes,
        pk: configKey.webhook(clientId),
        clientId,
        webhookId: `wh_${deps.randomHex(8)}`,
        status: "active",
        secrets: [{ version: 1, masterKeyId: master.current }],
        previousWebhooks: before
          ? [asPreviousWebhook(before), ...before.previousWebhooks].slice(0, MAX_PREVIOUS_WEBHOOKS)
          : [],
        createdAt: new Date(nowMs()).toISOString(),
        version: before?.version ?? 0,
      });
      if (!webhook) throw changedMeanwhile();
      return { ...viewOf(webhook), secret: presentSecret(webhook, master) };
    },

    /** @throws NOT_FOUND */
    get: async (clientId: string): Promise<WebhookView> => viewOf(await own(clientId)),

    /**
     * One that is disabled keeps what fails meanwhile for a recovery.
     *
     * @throws REQUEST_INVALID, NOT_FOUND, CONFLICT
     */
    async update(clientId: string, wanted: WebhookChange, webhookId?: string) {
      const changed = await change(
        { clientId, webhookId },
        (webhook) => withChange(webhook, wanted),
        (next, webhook) =>
          wanted.status === "disabled" && webhook.status === "active"
            ? deactivateWebhook(next, { status: "disabled", reason: "disabled_by_client" })
            : store.replace(next),
      );
      return viewOf(changed);
    },

    /** @throws NOT_FOUND, CONFLICT */
    async delete(clientId: string, webhookId?: string): Promise<void> {
      await change(
        { clientId, webhookId },
        (webhook) => webhook,
        (webhook) => deactivateWebhook(webhook, { status: "deleted" }),
      );
    },

    /**
     * For a time each delivery is signed with both. A call whose answer was lost
     * is repeated with its key, and answered the same.
     *
     * @throws NOT_FOUND, CONFLICT within that time
     */
    async rotateSecret(clientId: string, idempotencyKey?: string) {
      const keySha256 = idempotencyKey === undefined ? undefined : sha256Hex(idempotencyKey);
      const master = await deps.masterKeys();
      const rotated = await change({ clientId }, (webhook) => {
        const [present, previous] = validAt(webhook.secrets, nowMs());
        if (keySha256 !== undefined && present?.keySha256 === keySha256) return undefined;
        if (previous) {
          const until = `until ${previous.validUntil}`;
          throw new Failure("CONFLICT", `the secret before is still in use, ${until}`);
        }
        const version = (present?.version ?? 0) + 1;
        const next = { version, masterKeyId: master.current, keySha256 };
        return { ...webhook, secrets: rotate(webhook.secrets, next, nowMs()) };
      });
      return {
        secret: presentSecret(rotated, master),
        previousValidUntil: rotated.secrets[1]?.validUntil,
      };
    },

    /** Whatever types it is to be told of. @throws NOT_FOUND, CONFLICT while it is disabled */
    async test(clientId: string): Promise<{ deliveryId: string; eventId: string }> {
      return sendTest(await own(clientId), deps);
    },
  };
}

function asPreviousWebhook(webhook: WebhookItem): WebhookItem["previousWebhooks"][number] {
  const { webhookId, status, disabledReason, disabledAt } = webhook;
  return status === "deleted"
    ? { webhookId, status }
    : { webhookId, status: "disabled", disabledReason, disabledAt };
}

function changedMeanwhile(): Failure {
  return new Failure("CONFLICT", "the webhook was changed meanwhile: read it and try again");
}
