import type { ConnectionItem } from "../../contracts/config-items.ts";
import { toIso } from "../clock.ts";
import type { Connection } from "../connections/ports.ts";

/** How many webhooks of a connection were refused, since when, and where they came from. */
export type RefusedWebhooks = NonNullable<ConnectionItem["refused"]>;

/** Stores that with the connection. @throws DEPENDENCY_DOWN */
export type StoreRefused = (
  connectionId: string,
  refused: RefusedWebhooks,
  signal: AbortSignal,
) => Promise<void>;

/** Real time between two writes about one connection: a flood of forged webhooks is no flood of writes. */
const WRITE_EVERY_MS = 5_000;

/** After so long without one (business time) the count begins anew. */
const FORGET_AFTER_MS = 24 * 60 * 60_000;

/** Addresses that are kept; the last ones. */
const MAX_ADDRESSES = 5;

/** Connections that are remembered: those that were refused last. */
const MAX_CONNECTIONS = 1_000;

/**
 * Counts webhooks whose address is right and whose signature is not, for the person who mends that.
 * Nothing of the webhook itself is kept.
 */
export function makeRefusedMemory(store: StoreRefused) {
  const byConnection = new Map<string, { refused: RefusedWebhooks; writtenRealMs: number }>();

  /** Never throws: the webhook is refused all the same. */
  return async (
    { connectionId, refused: stored }: Connection,
    of: { address: string | undefined; nowMs: number; nowRealMs: number; signal: AbortSignal },
  ): Promise<void> => {
    const known = byConnection.get(connectionId);
    const writtenRealMs = known?.writtenRealMs ?? 0;
    const isDue = of.nowRealMs - writtenRealMs >= WRITE_EVERY_MS;
    const before = later(known?.refused, stored, !isDue);
    const isRecent = before && of.nowMs - Date.parse(before.lastAt) < FORGET_AFTER_MS;
    const at = toIso(of.nowMs);
    const last = isRecent ? before : { count: 0, since: at, addresses: [] };
    const addresses = new Set([...last.addresses, ...(of.address ? [of.address] : [])]);
    const refused = {
      count: last.count + 1,
      since: last.since,
      lastAt: at,
      addresses: [...addresses].slice(-MAX_ADDRESSES),
    };
    // A map keeps the order of insertion, so that the first one was refused longest ago.
    byConnection.delete(connectionId);
    const [oldest = ""] = byConnection.keys();
    if (byConnection.size >= MAX_CONNECTIONS) byConnection.delete(oldest);
    byConnection.set(connectionId, {
      refused,
      writtenRealMs: isDue ? of.nowRealMs : writtenRealMs,
    });
    if (isDue) await store(connectionId, refused, of.signal).catch(() => undefined);
  };
}

/**
 * The higher count of this instance and of what is stored. A new secret removes what is stored:
 * then, and when another instance has begun anew, what this one remembers does not count, unless
 * it was written so lately that it may not have been read yet.
 */
function later(
  own: RefusedWebhooks | undefined,
  stored: RefusedWebhooks | undefined,
  isJustWritten: boolean,
): RefusedWebhooks | undefined {
  const isOfSameCount = own !== undefined && (isJustWritten || own.since === stored?.since);
  return isOfSameCount && own.count > (stored?.count ?? 0) ? own : stored;
}
