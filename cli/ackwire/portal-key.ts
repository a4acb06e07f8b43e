import { nativeOperations } from "../../shared/contracts/http/operations.ts";
import { callApi } from "./call-api.ts";

/** A token is replaced when it has less time left than this. */
const RENEW_BEFORE_MS = 120_000;

/**
 * A client's key opens the operator API for its own records, by portal links that are renewed.
 *
 * @returns the token that is valid now
 */
export function makePortalKey(
  of: { apiUrl: string; apiKey: string },
  nowMs: () => number = Date.now,
): () => Promise<string> {
  const { method, path } = nativeOperations.createPortalLink;
  let link: { token: string; expiresAt: string } | undefined;
  return async () => {
    if (link === undefined || Date.parse(link.expiresAt) - nowMs() < RENEW_BEFORE_MS) {
      const api = { apiUrl: of.apiUrl, key: of.apiKey, keyName: "ACKWIRE_API_KEY" };
      link = (await callApi(api, { method, path })) as NonNullable<typeof link>;
    }
    return link.token;
  };
}
