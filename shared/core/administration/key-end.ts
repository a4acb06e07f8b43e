import type { ApiKeyItem } from "../../contracts/config-items.ts";
import { InvalidRequest } from "../input/invalid-request.ts";

/** Whether a key whose secret is right is taken at this time (business). */
export function isValidAt(
  { revokedAt, expiresAt }: Pick<ApiKeyItem, "revokedAt" | "expiresAt">,
  nowMs: number,
): boolean {
  return revokedAt === undefined && (expiresAt === undefined || Date.parse(expiresAt) > nowMs);
}

/**
 * Returns the end of a key that is created with another key: the end that was asked for, or else
 * that of the other key, which no key that it creates outlives.
 *
 * @param asked absent: none was asked for
 * @param creators the end of the other key; absent: it has none
 * @throws REQUEST_INVALID when the end that was asked for is later than that of the other key
 */
export function endOfCreatedKey(
  asked: string | undefined,
  creators: string | undefined,
): string | undefined {
  if (asked === undefined || creators === undefined) return asked ?? creators;
  if (Date.parse(asked) <= Date.parse(creators)) return asked;
  const message = `must not be after ${creators}, when the key of this call expires`;
  throw new InvalidRequest([{ field: "expiresAt", message }]);
}
