import { configKey, type WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { WebhookView } from "../../../contracts/http/webhooks.ts";
import type { WebhookTargets } from "../../../contracts/webhook-targets.ts";
import { rotate, validAt } from "../../connections/rotation.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import { currentSecret } from "../signing/signing.ts";
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
  /** Reads the master keys, including the key of that name if it exists. @throws DEPENDENCY_DOWN */
  masterKeys: (keyId?: string) => Promise<MasterKeys>;
}

/**
 * A client's webhook: a client has at most one. A `webhookId` restricts a call to that
 * webhook: NOT_FOUND if the current one is another.
 *
 * Every call throws DEPENDENCY_DOWN if a dependency does not answer; a change may have
 * been made.
 */
export interface Webhooks {
  /**
   * Registers a webhook and returns its secret, which is derived and never stored.
   *
   * @throws REQUEST_INVALID, CONFLICT if a webhook is active
   */
  register(clientId: string, webhook: NewWebhook): Promise<WebhookView & { secret: string }>;

  /** @throws NOT_FOUND */
  get(clientId: string): Promise<WebhookView>;

  /**
   * Changes, disables or enables the webhook. Events of a disabled webhook fail at once
   * and can be recovered later.
   *
   * @throws REQUEST_INVALID, NOT_FOUND, CONFLICT
   */
  update(clientId: string, change: WebhookChange, webhookId?: string): Promise<WebhookView>;

  /** Deletes the webhook and cancels its waiting deliveries. @throws NOT_FOUND, CONFLICT */
  delete(clientId: string, webhookId?: string): Promise<void>;

  /**
   * Rotates the secret. Until `previousValidUntil`, deliveries are signed with both secrets.
   *
   * @param idempotencyKey a repeated call with the same key returns the same secret
   * @throws NOT_FOUND, CONFLICT while the previous rotation overlaps
   */
  rotateSecret(
    clientId: string,
    idempotencyKey?: string,
  ): Promise<{ secret: string; previousValidUntil: string | undefined }>;

  /** Sends a test event, whatever types the webhook is subscribed to. @throws NOT_FOUND, CONFLICT if it is disabled */
  test(clientId: string): Promise<{ deliveryId: string; eventId: string }>;
}

/**
 * Previous webhooks that are remembered, so that their deliveries end. Deliveries expire
 * long before a client has registered that many.
 */
const MAX_PREVIOUS_WEBHOOKS = 50;

/** Attempts to change a webhook when other writers come first: more happen only to a caller that never pauses. */
const MAX_ATTEMPTS = 5;

export function makeWebhooks(deps: WebhooksDeps): Webhooks {
  const { webhooks: store, context } = deps;
  const deactivateWebhook = makeDeactivateWebhook(deps);
  const nowMs = () => context().nowMs;

  async function requireWebhook(clientId: string, webhookId?: string): Promise<WebhookItem> {
    const webhook = await store.find(clientId);
    const isMeant = webhookId === undefined || webhookId === webhook?.webhookId;
    if (webhook && webhook.status !== "deleted" && isMeant) return webhook;
    throw new Failure("NOT_FOUND", "there is no such webhook");
  }

  /** @throws NOT_FOUND, CONFLICT */
  async function change(
    target: { clientId: string; webhookId?: string | undefined },
    decide: (webhook: WebhookItem) => WebhookItem | undefined,
    replace: (
      next: WebhookItem,
      webhook: WebhookItem,
    ) => Promise<WebhookItem | undefined> = store.replace,
  ): Promise<WebhookItem> {
    const result = await retryOnConflict({
      find: () => requireWebhook(target.clientId, target.webhookId),
      decide,
      replace,
      maxAttempts: MAX_ATTEMPTS,
    });
    if (result.kind === "written") return result.written;
    if (result.kind === "unchanged") return result.item;
    throw changedMeanwhile();
  }

  return {
    async register(clientId, webhookToAdd) {
      const settings = parseWebhookSettings(webhookToAdd, deps.targets);
      const master = await deps.masterKeys();
      const before = await store.find(clientId);
      if (before?.status === "active") {
        const how = "delete it, or change it with PATCH";
        throw new Failure("CONFLICT", `a webhook is active already: ${how}`, {
          remedy: "replaceWebhook",
        });
      }
      const webhook = await store.replace({
        ...settings,
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
      return { ...viewOf(webhook), secret: currentSecret(webhook, master) };
    },

    get: async (clientId) => viewOf(await requireWebhook(clientId)),

    async update(clientId, wanted, webhookId) {
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

    async delete(clientId, webhookId) {
      await change(
        { clientId, webhookId },
        (webhook) => webhook,
        (webhook) => deactivateWebhook(webhook, { status: "deleted" }),
      );
    },

    async rotateSecret(clientId, idempotencyKey) {
      const keySha256 = idempotencyKey === undefined ? undefined : sha256Hex(idempotencyKey);
      const master = await deps.masterKeys();
      const rotated = await change({ clientId }, (webhook) => {
        const [current, previous] = validAt(webhook.secrets, nowMs());
        if (keySha256 !== undefined && current?.keySha256 === keySha256) return undefined;
        if (previous) {
          const until = `until ${previous.validUntil}`;
          throw new Failure("CONFLICT", `the previous secret is still in use, ${until}`);
        }
        const version = (current?.version ?? 0) + 1;
        const next = { version, masterKeyId: master.current, keySha256 };
        return { ...webhook, secrets: rotate(webhook.secrets, next, nowMs()) };
      });
      return {
        secret: currentSecret(rotated, master),
        previousValidUntil: rotated.secrets[1]?.validUntil,
      };
    },

    async test(clientId) {
      return sendTest(await requireWebhook(clientId), deps);
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
