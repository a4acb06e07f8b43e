import type { JsonObject } from "../../core/json/json.ts";
import type { ProviderPack } from "../../core/providers/provider-pack.ts";
import { confirmation } from "./confirmation.ts";
import { weLinkDialect } from "./dialect.ts";
import { readWeLink } from "./event.ts";
import { hmacHex, verifyWeLink } from "./hash.ts";
import { weLinkRequests } from "./requests.ts";
import { weLinkWebhookFormat } from "./webhook-body.ts";

/** We-Link: `POST /api/v1/{action}`, webhooks signed by a member `hash` of their body. */
export const weLink: ProviderPack<"we-link"> = {
  id: "we-link",
  name: "We-Link",
  baseUrl: "https://api.we-link.ai",
  credentialHeaders: ["x-api-key", "x-api-secret"],
  requiresWebhookSecret: true,
  // The `hash` is a member of the body.
  signatureHeaders: [],
  // The path segment of `POST /api/v1/{action}`.
  actionPattern: /^[a-z][a-z0-9_]{0,63}$/,
  takesAccountInBody: true,

  verify: verifyWeLink,
  parseWebhook: readWeLink,
  client: weLinkRequests,
  confirmation,
  dialect: weLinkDialect,
  webhookFormat: weLinkWebhookFormat,
};

/** Signs a body as We-Link does: `hash` becomes its last member. */
export function signWeLink(body: JsonObject, secret: string): string {
  const text = JSON.stringify(body);
  const separator = text === "{}" ? "" : ",";
  return `${text.slice(0, -1)}${separator}"hash":"${hmacHex(secret, text)}"}`;
}
