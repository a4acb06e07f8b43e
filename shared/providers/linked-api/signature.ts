import { createHmac } from "node:crypto";
import { equalSecrets } from "../../core/crypto/digest.ts";
import type {
  ProviderPack,
  ProviderWebhook,
  Verification,
  VerificationInput,
} from "../../core/providers/provider-pack.ts";

/** The names in `linkedapi` 1.4.7 (PyPI), webhooks/headers.py. */
export const SIGNATURE_HEADER = "linked-api-signature";
export const TIMESTAMP_HEADER = "linked-api-signature-timestamp";

/** Difference between the signed time and ours, in both directions, as in `linkedapi`. */
const TOLERANCE_SECONDS = 300;

/**
 * Verifies the signature of a webhook where the connection has a secret. Without one,
 * the token in the inbound URL, which is checked before, is the only proof: Linked API
 * signs only webhooks for which its client has turned signing on.
 */
export function verifyLinkedApi(
  { bytes, headers }: Pick<ProviderWebhook, "bytes" | "headers">,
  { secrets, nowMs }: Pick<VerificationInput, "secrets" | "nowMs">,
): Verification {
  if (secrets.length === 0) return { kind: "verified", form: "url" };
  const timestamp = headers[TIMESTAMP_HEADER] ?? "";
  const signature = headers[SIGNATURE_HEADER] ?? "";
  const isRecent = Math.abs(nowMs / 1_000 - Number(timestamp)) <= TOLERANCE_SECONDS;
  if (!/^\d{1,15}$/.test(timestamp) || !/^[0-9a-f]{64}$/.test(signature) || !isRecent) {
    return { kind: "invalid" };
  }
  // All secrets are compared, so that the duration does not reveal which one matched.
  const isSigned = secrets
    .map((secret) => equalSecrets(signLinkedApi(bytes, timestamp, secret), signature))
    .includes(true);
  return isSigned ? { kind: "verified", form: "header" } : { kind: "invalid" };
}

/** The headers of a signed webhook. */
export const signAsLinkedApi: NonNullable<ProviderPack["signWebhook"]> = (webhook) => {
  const timestamp = String(webhook.timestampSeconds);
  const signature = signLinkedApi(Buffer.from(webhook.body), timestamp, webhook.secret);
  return { [SIGNATURE_HEADER]: signature, [TIMESTAMP_HEADER]: timestamp };
};

/**
 * Returns the hex HMAC-SHA256 over the timestamp, a dot and the body.
 *
 * @param timestamp seconds since 1970 as text
 */
export function signLinkedApi(body: Uint8Array, timestamp: string, secret: string): string {
  return createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest("hex");
}
