import { limits } from "../../contracts/limits.ts";
import { sha256Hex } from "../../core/crypto/digest.ts";
import type { FinalEvent } from "../../core/events/envelope.ts";
import type { BlobStore } from "../../core/inbound/ports.ts";
import { packText } from "./packed-text.ts";

/**
 * Returns the attribute of an event's item for its envelope. Stores a large
 * envelope in the bucket; the attribute is then its key.
 *
 * @throws DEPENDENCY_DOWN
 */
export async function storeLargeEnvelope(
  bodies: Pick<BlobStore, "put">,
  { id, envelope }: Pick<FinalEvent, "id" | "envelope">,
): Promise<{ envelope: string | Uint8Array } | { envelopeKey: string }> {
  if (Buffer.byteLength(envelope) <= limits.maxInlineBytes) return { envelope: packText(envelope) };
  const envelopeKey = `events/${sha256Hex(id)}/${sha256Hex(envelope)}`;
  await bodies.put(envelopeKey, Buffer.from(envelope));
  return { envelopeKey };
}
