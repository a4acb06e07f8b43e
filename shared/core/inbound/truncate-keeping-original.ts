import { sha256Hex } from "../crypto/digest.ts";
import { type FinalEvent, truncateForBus } from "../events/envelope.ts";
import type { BlobStore } from "./ports.ts";

/**
 * Returns the event as the bus can carry it. When it must be truncated, stores
 * the whole envelope first; storing it again changes nothing.
 *
 * @throws DEPENDENCY_DOWN
 */
export async function truncateKeepingOriginal(
  bodies: BlobStore,
  event: FinalEvent,
): Promise<FinalEvent> {
  const truncated = truncateForBus(event);
  if (truncated !== event) {
    await bodies.put(`events/${sha256Hex(event.id)}/whole`, Buffer.from(event.envelope));
  }
  return truncated;
}
