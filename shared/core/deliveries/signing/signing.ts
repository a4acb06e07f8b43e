import { createHmac } from "node:crypto";
import type { WebhookItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import { derivedKey, type MasterKeys } from "../../crypto/master-keys.ts";

/** Prefix of a secret, defined by Standard Webhooks: https://www.standardwebhooks.com */
const SECRET_PREFIX = "whsec_";

/** Reads the master keys, including the key of that name if it exists. @throws DEPENDENCY_DOWN */
export type FetchMasterKeys = (keyId: string) => Promise<MasterKeys>;

/**
 * Reads the master keys and ensures that the key of the webhook's current secret is among them.
 *
 * @throws DEPENDENCY_DOWN if that key is missing: it was removed, or this process has
 *   not read a new key yet
 */
export async function requireMasterKeys(
  { secrets: [current] }: Pick<WebhookItem, "secrets">,
  read: FetchMasterKeys,
): Promise<MasterKeys> {
  const { masterKeyId = "" } = current ?? {};
  const master = await read(masterKeyId);
  if (master.keys.has(masterKeyId)) return master;
  const advice = "try again; if it was removed, put it back or rotate the webhook's secret";
  throw new Failure("DEPENDENCY_DOWN", `the master secret has no key ${masterKeyId}: ${advice}`);
}

/**
 * Derives the secret of a webhook from a master key: the secret itself is never stored.
 *
 * Each version is another secret. A version stays the same for as long as its master
 * key exists, whichever master key is current.
 *
 * @throws Error that names the master key if it does not exist
 */
export function signingSecret(
  master: MasterKeys,
  secret: { webhookId: string; version: number; masterKeyId: string },
): string {
  const purpose = JSON.stringify(["ackwire/webhook-signing", secret.webhookId, secret.version]);
  return SECRET_PREFIX + derivedKey(master, secret.masterKeyId, purpose).toString("base64");
}

/** Derives a webhook's current secret. @throws Error if its master key does not exist */
export function currentSecret(
  { webhookId, secrets: [current] }: Pick<WebhookItem, "webhookId" | "secrets">,
  master: MasterKeys,
): string {
  if (!current) throw new Error(`The webhook ${webhookId} has no secret`);
  return signingSecret(master, { webhookId, ...current });
}

/**
 * Returns the headers of one attempt, signed according to Standard Webhooks.
 *
 * That specification warns of ids that contain a full stop, as ours do: a receiver that splits
 * `id.timestamp.body` elsewhere could read another webhook. That cannot happen here: no part
 * of an id, such as `failed:dl_1:1`, is a timestamp, and what follows a full stop inside a JSON
 * object is not a JSON object.
 *
 * @param attempt.timestampSeconds when this attempt is made (real time)
 * @param attempt.secrets newest first; each adds one signature
 */
export function signedHeaders(attempt: {
  eventId: string;
  body: string;
  timestampSeconds: number;
  secrets: readonly string[];
}): Record<string, string> {
  const { eventId, body, timestampSeconds, secrets } = attempt;
  const signed = `${eventId}.${timestampSeconds}.${body}`;
  return {
    "content-type": "application/json",
    "webhook-id": eventId,
    "webhook-timestamp": String(timestampSeconds),
    "webhook-signature": secrets.map((secret) => signature(secret, signed)).join(" "),
  };
}

function signature(secret: string, text: string): string {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
  return `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}
