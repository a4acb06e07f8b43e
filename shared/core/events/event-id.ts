import type { EventType } from "../../contracts/events.ts";
import { sha256Hex } from "../crypto/digest.ts";

/**
 * Derives the id of an event that belongs to no request made here. The same
 * webhook gives the same id. The connection follows the type, so that the events
 * of two clients cannot have the same id.
 */
export function unmatchedEventId(event: {
  type: EventType;
  connectionId: string;
  providerObjectId: string;
  discriminator?: string;
}): string {
  const parts = [event.type, event.connectionId, headerSafeId(event.providerObjectId)];
  if (event.discriminator !== undefined) parts.push(event.discriminator);
  return parts.join(":");
}

/** Returns a provider's id in a form that fits into an HTTP header, as event ids must. */
export function headerSafeId(providerId: string): string {
  return /^[A-Za-z0-9_-]{1,128}$/.test(providerId)
    ? providerId
    : `~${sha256Hex(encodeInjective(providerId))}`;
}

/** Returns sixteen hex digits that distinguish two events about one object. */
export function discriminatorOf(text: string): string {
  return sha256Hex(encodeInjective(text)).slice(0, 16);
}

/**
 * Encodes different texts as different bytes. UTF-8 encodes every lone surrogate
 * as U+FFFD, so `"\ud800"` and `"\udc00"` would be equal. A text with a lone
 * surrogate is encoded as UTF-16 after a byte that cannot begin UTF-8.
 */
function encodeInjective(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  return Buffer.concat([Buffer.from([0xff]), Buffer.from(text, "utf16le")]);
}
