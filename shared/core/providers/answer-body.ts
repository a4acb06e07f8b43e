import { type ReadJson, readJsonObject } from "../json/json.ts";
import type { ProviderAnswer } from "./provider-client.ts";

/** An answer's body; `undefined` where it is no JSON object, whatever it is instead. */
export function bodyOfAnswer({ body }: Pick<ProviderAnswer, "body">): ReadJson | undefined {
  try {
    return readJsonObject(body);
  } catch {
    // What stands in its place is the outcome that each caller has for an unreadable answer.
    return undefined;
  }
}

/** A provider's text as it goes into an error: long enough to be read. */
export function messageOf(text: string): string {
  return text.slice(0, 1_000).toWellFormed();
}

export function isSuccess({ status }: Pick<ProviderAnswer, "status">): boolean {
  return status >= 200 && status <= 299;
}
