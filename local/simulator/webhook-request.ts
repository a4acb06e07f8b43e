import type { JsonObject } from "../../shared/core/json/json.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import type { WebhookTarget } from "./webhook-target.ts";

/** Builds the request of a webhook as the provider sends it. */
export function sign(target: WebhookTarget, body: JsonObject) {
  const signed =
    target.provider === "we-link" ? signWeLink(body, target.secret ?? "") : JSON.stringify(body);
  return { url: target.inboundUrl, body: signed };
}

/**
 * Builds a forged request: with a wrong secret for We-Link, with a wrong token in
 * the URL for Linked API, which does not sign.
 */
export function forge(target: WebhookTarget, body: JsonObject) {
  if (target.provider === "we-link") {
    return { url: target.inboundUrl, body: signWeLink(body, `not-${target.secret}`) };
  }
  return { url: `${target.inboundUrl.slice(0, -8)}00000000`, body: JSON.stringify(body) };
}
