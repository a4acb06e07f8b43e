import type { JsonObject } from "../../core/json/json.ts";
import type { ProviderPack } from "../../core/providers/provider-pack.ts";
import { confirmation } from "./confirmation.ts";
import { readWeLink } from "./event.ts";
import { hmacHex, proveWeLink } from "./hash.ts";
import { weLinkRequests } from "./requests.ts";

/** We-Link: `POST /api/v1/{action}`, webhooks signed by a member `hash` of their body. */
export const weLink: ProviderPack = {
  id: "we-link",

  verify: proveWeLink,
  read: readWeLink,
  requests: weLinkRequests,
  confirmation,
};

/** A body signed as We-Link signs it: `hash` is the last member. */
export function signWeLink(body: JsonObject, secret: string): string {
  const text = JSON.stringify(body);
  const separator = text === "{}" ? "" : ",";
  return `${text.slice(0, -1)}${separator}"hash":"${hmacHex(secret, text)}"}`;
}
