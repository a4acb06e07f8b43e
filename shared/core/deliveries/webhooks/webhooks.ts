import { configKey, type WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { WebhookView } from "../../../contracts/http/webhooks.ts";
import type { WebhookHeaders } from "../../../contracts/webhook-headers.ts";
import type { WebhookTargets } from "../../../contracts/webhook-targets.ts";
import { rotate, validAt } from "../../connections/rotation.ts";
import { sha256Hex } from "../../crypto/digest.ts";
import type { MasterKeys } from "../../crypto/master-keys.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import { changedHeaders, hasHeaders, sealHeaders } from "../signing/client-headers.ts";
import { currentSecret, requireMasterKeys } from "../signing/signing.ts";
import { type DeactivateWebhookDeps, makeDeactivateWebhook } from "./deactivate-webhook.ts";
import { sendTest, type TestSendDeps } from "./test-send.ts";
import {
  hasSettings,
  type NewWebhook,
  parseChangedUrl,
  parseWebhookSettings,
  viewOf,
  type WebhookChange,
  type WebhookSettings,
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
   * Registers a webhook and returns its secret, which is derived and never stored. Idempotent: a
   * repeated call returns the same webhook and its current secret.
   *
   * @returns `isNew`: `false` if the active webhook has this URL and these settings already
   * @throws REQUEST_INVALID, CONFLICT if another webhook is active
   */
  register(
    clientId: string,
    webhook: NewWebhook,
  ): Promise<WebhookView & { secret: string; isNew: boolean }>;

  /** @throws NOT_FOUND */
  get(clientId: string): Promise<WebhookView>;

  /**
   * Changes, disables or enables the webhook. Waiting deliveries are sent to a changed URL with
   * the changed headers. Events of a disabled webhook fail at once and can be recovered later.
   *
   * @throws REQUEST_INVALID, NOT_FOUND, CONFLICT
   */
  update(clientId: string, change: WebhookChange, webhookId?: string): Promise<WebhookView>;

  /** Deletes the webhook and cancels its waiting deliveries. @throws NOT_FOUND, CONFLICT */
  delete(clientId: string, webhookId?: string): Promise<void>;

  /** Returns the webhook with its current secret. @throws NOT_FOUND */
  revealSecret(clientId: string, webhookId: string): Promise<WebhookView & { secret: string }>;

  /**
   * Rotates the secret. Until `previousValidUntil`, deliveries are signed with both secrets.
   *
   * @param of.idempotencyKey a repeated call with the same key returns the same secret
   * @param of.overlapHours how long deliveries are signed with both, 24 by default; 0: only the new
   *   one signs, also if an earlier rotation still overlaps
   * @throws NOT_FOUND, CONFLICT while the previous rotation overlaps
   */
  rotateSecret(
    clientId: string,
    of?: {
      idempotencyKey?: string | undefined;
      overlapHours?: number | undefined;
      webhookId?: string | undefined;
    },
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

  async function sealNew(clientId: string, headers: WebhookHeaders) {
    const sealing = { masterKeys: await deps.masterKeys(), randomHex: deps.randomHex };
    return sealHeaders({ pk: configKey.webhook(clientId) }, headers, sealing);
  }

  /** Registers a webhook in place of one that is not active. @returns `undefined` if another write came first */
  async function replaceInactive(
    { clientId, before }: { clientId: string; before: WebhookItem | undefined },
    { settings, headers }: { settings: WebhookSettings; headers: NewWebhook["headers"] },
    master: MasterKeys,
  ): Promise<WebhookItem | undefined> {
    const pk = configKey.webhook(clientId);
    const sealing = { masterKeys: master, randomHex: deps.randomHex };
    return store.replace({
      ...settings,
      pk,
      clientId,
      webhookId: `wh_${deps.randomHex(8)}`,
      endpointNumber: (before?.endpointNumber ?? 0) + 1,
      status: "active",
      ...(headers ? { headers: sealHeaders({ pk }, headers, sealing) } : {}),
      secrets: [{ version: 1, masterKeyId: master.current }],
      previousWebhooks: before
        ? [asPreviousWebhook(before), ...before.previousWebhooks].slice(0, MAX_PREVIOUS_WEBHOOKS)
        : [],
      ...(before?.recoveryId === undefined ? {} : { recoveryId: before.recoveryId }),
      createdAt: new Date(nowMs()).toISOString(),
      version: before?.version ?? 0,
    });
  }

  return {
    async register(clientId, { headers, ...webhookToAdd }) {
      const settings = parseWebhookSettings(webhookToAdd, deps.targets);
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const before = await store.find(clientId);
        if (before?.status === "active") {
          const isSame =
            hasSettings(before, settings) && (await hasHeaders(before, headers, deps.masterKeys));
          if (!isSame) throw otherActive();
          const master = await requireMasterKeys(before, deps.masterKeys);
          return { ...viewOf(before), secret: currentSecret(before, master), isNew: false };
        }
        const master = await deps.masterKeys();
        const webhook = await replaceInactive({ clientId, before }, { settings, headers }, master);
        if (webhook) {
          return { ...viewOf(webhook), secret: currentSecret(webhook, master), isNew: true };
        }
      }
      throw changedMeanwhile();
    },

    get: async (clientId) => viewOf(await requireWebhook(clientId)),

    async update(clientId, { url, origin, headers, header, ...wanted }, webhookId) {
      const changedUrl = parseChangedUrl({ url, origin }, deps.targets);
      const before = header && (await requireWebhook(clientId, webhookId));
      const all = before ? await changedHeaders(before, header, deps.masterKeys) : headers;
      const sealed = all && (await sealNew(clientId, all));
      const changed = await change(
        { clientId, webhookId },
        (webhook) => {
          const isAsRead = webhook.headers?.sealed === before?.headers?.sealed;
          if (before && !isAsRead) throw changedMeanwhile();
          return withChange(webhook, { ...wanted, url: changedUrl, headers: sealed });
        },
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

    async revealSecret(clientId, webhookId) {
      const webhook = await requireWebhook(clientId, webhookId);
      const master = await requireMasterKeys(webhook, deps.masterKeys);
      return { ...viewOf(webhook), secret: currentSecret(webhook, master) };
    },

    async rotateSecret(clientId, { idempotencyKey, overlapHours, webhookId } = {}) {
      const keySha256 = idempotencyKey === undefined ? undefined : sha256Hex(idempotencyKey);
      const master = await deps.masterKeys();
      const rotated = await change({ clientId, webhookId }, (webhook) => {
        const [current, previous] = validAt(webhook.secrets, nowMs());
        if (keySha256 !== undefined && current?.keySha256 === keySha256) return undefined;
        if (previous && overlapHours !== 0) {
          const until = `until ${previous.validUntil}`;
          throw new Failure(
            "CONFLICT",
            `the previous secret is still in use, ${until}; overlapHours 0 cuts it now`,
          );
        }
        const version = (current?.version ?? 0) + 1;
        const next = { version, masterKeyId: master.current, keySha256 };
        return {
          ...webhook,
          secrets: rotate(webhook.secrets, next, { nowMs: nowMs(), overlapHours }),
        };
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

function otherActive(): Failure {
  const how = "change it with PATCH, its URL too, or delete it";
  return new Failure("CONFLICT", `a webhook with other settings is active already: ${how}`, {
    remedy: "replaceWebhook",
  });
}

function changedMeanwhile(): Failure {
  return new Failure("CONFLICT", "the webhook was changed meanwhile: read it and try again");
}
