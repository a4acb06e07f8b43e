import { inflateRawSync } from "node:zlib";
import { unpackRecord } from "../shared/adapters/dynamo/packed-record.ts";
import { sha256Hex } from "../shared/core/crypto/digest.ts";
import { laneId } from "../shared/core/requests/acceptance/request-id.ts";

/** What is erased: everything of a client, of one of its accounts, or that contains a text. */
export interface ErasureScope {
  clientId: string;
  accountId?: string | undefined;
  /** For example the address of a person's profile. Compared without regard to case. */
  containing?: string | undefined;
}

/** An item of a table, or what else is searched as one. */
export type Item = Record<string, unknown>;

export interface Subject {
  /** Whether an item, or what a message contains, is to be erased. Remembers what belongs to it. */
  hasItem(item: Item): boolean;
  /** Whether an object is to be erased, by its key, or by its text where it is the client's. */
  hasObject(key: string, read: () => Promise<string>): Promise<boolean>;
}

/** Decides what belongs to a scope. Accepts items as they are stored, of any version. */
export function makeSubject(
  { clientId, accountId, containing }: ErasureScope,
  connections: readonly { connectionId: string; provider: string }[],
): Subject {
  const own = [clientId, ...connections.map(({ connectionId }) => connectionId)];
  const lanes = connections.flatMap((connection) =>
    accountId === undefined
      ? []
      : [laneId({ clientId, accountId, ...connection } as Parameters<typeof laneId>[0])],
  );
  const text = containing?.toLowerCase();
  const isWholeClient = text === undefined && accountId === undefined;
  /** The ids of erased events, requests and deliveries. */
  const erasedIds = new Set<unknown>();
  /** The lanes of the client, whose own items do not name it. */
  const clientLanes = new Set<unknown>();
  /** The client's items by their objects: whole keys, or the first two parts of a key. */
  const itemOfObject = new Map<string, unknown>();

  function isOwn(item: Item, strings: readonly string[]): boolean {
    return clientLanes.has(item.lane) || strings.some((one) => own.some((id) => one.includes(id)));
  }

  function isInScope(item: Item, strings: readonly string[]): boolean {
    if (isWholeClient) return true;
    if (text !== undefined) return strings.some((one) => one.toLowerCase().includes(text));
    const member = `"accountId":${JSON.stringify(accountId)}`;
    return (
      item.accountId === accountId ||
      strings.some((one) => one.includes(member) || lanes.some((lane) => one.includes(lane)))
    );
  }

  function remember({ lane, id }: Item, strings: readonly string[]): void {
    if (typeof lane === "string" && /^[0-9a-f]{24}$/.test(lane)) clientLanes.add(lane);
    for (const one of strings) if (one.includes("/")) itemOfObject.set(one, id);
    if (typeof id !== "string") return;
    for (const area of ["requests", "deliveries"]) itemOfObject.set(`${area}/${id}`, id);
    itemOfObject.set(`events/${sha256Hex(id)}`, id);
  }

  return {
    hasItem(item) {
      const strings = [...stringsIn(item), ...stringsIn(recordIn(item))];
      if (!isOwn(item, strings)) return false;
      remember(item, strings);
      const { id, eventId, requestId } = item;
      const namesErased = [id, eventId, requestId].some((one) => erasedIds.has(one));
      if (!namesErased && !isInScope(item, strings)) return false;
      if (typeof id === "string" && /^(rq_|dl_)|:/.test(id)) erasedIds.add(id);
      return true;
    },

    async hasObject(key, read) {
      const [area = "", name = ""] = key.split("/");
      const itemId = itemOfObject.get(key) ?? itemOfObject.get(`${area}/${name}`);
      // Bodies of webhooks are stored by their connection.
      if (itemId === undefined && !own.includes(name)) return false;
      if (isWholeClient || erasedIds.has(itemId)) return true;
      if (!isInScope({}, [await read()])) return false;
      // The next search finds its item, and what names it.
      if (itemId !== undefined) erasedIds.add(itemId);
      return true;
    },
  };
}

/** The record of a request, which its item contains packed. */
function recordIn({ id, accountId, packed }: Item): unknown {
  const isRequest = typeof id === "string" && typeof accountId === "string";
  if (!isRequest || !(packed instanceof Uint8Array)) return undefined;
  return unpackRecord({ id, accountId }, packed);
}

/** Returns every string in a value, with compressed texts as they are without compression. */
function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (value instanceof Uint8Array) {
    try {
      return [inflateRawSync(value).toString("utf8")];
    } catch {
      return [];
    }
  }
  if (Array.isArray(value)) return value.flatMap(stringsIn);
  if (value instanceof Set) return [...value].flatMap(stringsIn);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [name, ...stringsIn(member)]);
}
