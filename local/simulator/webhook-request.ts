import type { JsonObject } from "../../shared/core/json/json.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import type { WebhookTarget } from "./webhook-target.ts";

/** A webhook as the provider sends it. */
export function sign(target: WebhookTarget, body: JsonObject) {
  const signed =
    target.provider === "we-link" ? signWeLink(body, target.secret ?? "") : JSON.stringify(body);
  return { url: target.inboundUrl, body: signed };
}

/** We-Link: signed with a wrong secret. Linked API signs nothing: a wrong token in the URL. */
export function forge(target: WebhookTarget, body: JsonObject) {
  if (target.provider === "we-link") {
    return { url: target.inboundUrl, body: signWeLink(body, `not-${target.secret}`) };
  }
  return { url: `${target.inboundUrl.slice(0, -8)}00000000`, body: JSON.stringify(body) };
}
