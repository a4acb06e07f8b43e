import { isObject, type JsonObject } from "../../shared/core/json/json.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import type { ScriptedContent } from "./script.ts";
import { bytesOf, encoded, headersOf, type ScriptedBody } from "./scripted-content.ts";
import type { WebhookTarget } from "./webhook-target.ts";

/** The body that a script gave a webhook, and how to send it. */
export interface ScriptedWebhook extends Pick<ScriptedContent, "headers" | "encoding" | "bom"> {
  content: ScriptedBody;
}

/**
 * Builds the request of a webhook as the provider sends it. A script's text and
 * bytes are sent as they are, without a signature; a JSON object is signed.
 */
export function sign(target: WebhookTarget, body: JsonObject, scripted?: ScriptedWebhook) {
  const url = target.inboundUrl;
  const content = scripted?.content ?? { kind: "json", value: body };
  const isSigned =
    target.provider === "we-link" && content.kind === "json" && isObject(content.value);
  const bytes = isSigned
    ? Buffer.from(signWeLink(content.value as JsonObject, target.secret ?? ""))
    : bytesOf(content);
  const headers = new Headers();
  for (const [name, values] of Object.entries(headersOf(scripted ?? {}))) {
    for (const value of [values].flat()) headers.append(name, value);
  }
  return { url, body: encoded(bytes, scripted ?? {}), headers: Object.fromEntries(headers) };
}

/**
 * Builds a forged request: with a wrong secret for We-Link, with a wrong token in
 * the URL for Linked API, which does not sign.
 */
export function forge(target: WebhookTarget, body: JsonObject) {
  if (target.provider === "we-link") {
    const signed = signWeLink(body, `not-${target.secret}`);
    return { url: target.inboundUrl, body: signed, headers: {} };
  }
  const url = `${target.inboundUrl.slice(0, -8)}00000000`;
  return { url, body: JSON.stringify(body), headers: {} };
}
