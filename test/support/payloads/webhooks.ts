import { hashForm } from "../../../shared/contracts/webhook-forms.ts";
import { parseJsonObject } from "../../../shared/core/json/json.ts";
import type {
  ProviderWebhook,
  VerificationInput,
} from "../../../shared/core/providers/provider-pack.ts";
import { weLink } from "../../../shared/providers/we-link/pack.ts";

/** Returns a webhook with this body, as a provider pack receives it. */
export function webhookOf(body: string | object): ProviderWebhook {
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return { ...parseJsonObject(bytes), bytes, headers: {} };
}

/** Whether the We-Link pack verifies this body with one of the secrets. */
export function isProven(
  body: string | object,
  secrets: readonly string[],
  settings: Partial<VerificationInput["settings"]> & { nowMs?: number } = {},
): boolean {
  const { nowMs = Date.now(), ...rest } = settings;
  const proof = weLink.verify(webhookOf(body), {
    secrets,
    settings: { hashForms: hashForm.options, allowUnboundJwt: false, ...rest },
    nowMs,
  });
  return proof.kind === "verified";
}
