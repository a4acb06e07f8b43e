import { createHmac } from "node:crypto";
import { derivedKey, type MasterKeys } from "../../crypto/master-keys.ts";

/** By this a secret is known as one. https://www.standardwebhooks.com */
const SECRET_PREFIX = "whsec_";

/**
 * The secret of one webhook, of which nothing is stored. Each version is another
 * secret; one version stays the same for as long as its master key is there,
 * whichever master key is current.
 *
 * @throws Error that names the master key, when it is gone
 */
export function signingSecret(
  master: MasterKeys,
  of: { webhookId: string; version: number; masterKeyId: string },
): string {
  const purpose = JSON.stringify(["ackwire/webhook-signing", of.webhookId, of.version]);
  return SECRET_PREFIX + derivedKey(master, of.masterKeyId, purpose).toString("base64");
}

/**
 * The headers of one attempt, signed as Standard Webhooks says.
 *
 * Its specification warns of ids that hold a full stop, as ours do: cut elsewhere,
 * the signed text could be another webhook. Here it cannot: no piece of an id is
 * a timestamp, and no later piece of a JSON body is JSON.
 *
 * @param of.timestampSeconds real time, of this attempt
 * @param of.secrets newest first; each gives one signature
 */
export function signedHeaders(of: {
  eventId: string;
  body: string;
  timestampSeconds: number;
  secrets: readonly string[];
}): Record<string, string> {
  const signed = `${of.eventId}.${of.timestampSeconds}.${of.body}`;
  return {
    "content-type": "application/json",
    "webhook-id": of.eventId,
    "webhook-timestamp": String(of.timestampSeconds),
    "webhook-signature": of.secrets.map((secret) => signature(secret, signed)).join(" "),
  };
}

function signature(secret: string, text: string): string {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
  return `v1,${createHmac("sha256", key).update(text).digest("base64")}`;
}
