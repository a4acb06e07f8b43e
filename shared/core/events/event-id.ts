import type { EventType } from "../../contracts/events.ts";
import { sha256Hex } from "../crypto/digest.ts";

/**
 * The id of an event that belongs to no request made here. It is derived, so
 * that the same webhook gives the same id, and begins (behind the type) with
 * the connection, so that no client can shadow another's.
 */
export function unmatchedEventId(of: {
  type: EventType;
  connectionId: string;
  subjectId: string;
  discriminator?: string;
}): string {
  const parts = [of.type, of.connectionId, headerSafeId(of.subjectId)];
  if (of.discriminator !== undefined) parts.push(of.discriminator);
  return parts.join(":");
}

/** A provider's id as it stands in ours, which go into HTTP headers. */
export function headerSafeId(providerId: string): string {
  return /^[A-Za-z0-9_-]{1,128}$/.test(providerId)
    ? providerId
    : `~${sha256Hex(encodeInjective(providerId))}`;
}

/** Sixteen hex digits that tell two events of one subject apart. */
export function discriminatorOf(text: string): string {
  return sha256Hex(encodeInjective(text)).slice(0, 16);
}

/**
 * UTF-8, which has no lone surrogates: it would make one of all of them. A text
 * that has some is taken in UTF-16, behind a byte that no UTF-8 begins with.
 */
function encodeInjective(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  return Buffer.concat([Buffer.from([0xff]), Buffer.from(text, "utf16le")]);
}
