import { readJsonObject } from "../../shared/core/json.ts";
import type { Webhook } from "../../shared/core/provider-pack.ts";

/** A webhook with this body, as a provider pack gets it. */
export function webhookOf(body: string | object): Webhook {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { ...readJsonObject(Buffer.from(text)), headers: {} };
}
