import { type ParsedJson, parseJsonObject } from "../json/json.ts";
import type { ProviderAnswer } from "./provider-client.ts";

/** Parses an answer's body; returns `undefined` where it is not a JSON object. */
export function bodyOfAnswer({ body }: Pick<ProviderAnswer, "body">): ParsedJson | undefined {
  try {
    return parseJsonObject(body);
  } catch {
    // Each caller has an outcome for an unreadable answer.
    return undefined;
  }
}

/** Truncates a provider's text for an error message. */
export function messageOf(text: string): string {
  return text.slice(0, 1_000).toWellFormed();
}

export function isSuccess({ status }: Pick<ProviderAnswer, "status">): boolean {
  return status >= 200 && status <= 299;
}
