import { Failure } from "../../contracts/failures.ts";
import { parseJsonOrUndefined } from "../../contracts/json-text.ts";
import type { ConfigStore } from "../administration/ports.ts";
import type { Clock } from "../clock.ts";
import { forEachConcurrent } from "../for-each-concurrent.ts";
import {
  type CursorOf,
  invalidCursor,
  type PageOf,
  readCursor,
  writeCursor,
} from "../input/cursor.ts";
import { InvalidRequest } from "../input/invalid-request.ts";

/** Clients whose records one list can merge; each of its pages reads every client's. */
export const MAX_MERGED_CLIENTS = 100;

/** Clients that are read at the same time. */
const CONCURRENCY = 20;

/** How long the list of clients is remembered (real time). */
const CLIENTS_TTL_MS = 5_000;

type List = CursorOf["list"];

interface PageQuery {
  limit: number;
  cursor?: string | undefined;
  /** Only this client's; absent: all clients'. */
  clientId?: string | undefined;
}

export interface Page<Item> {
  items: Item[];
  nextCursor?: string;
}

export type ClientPages = ReturnType<typeof makeClientPages>;

/** Lists over several clients: the records are indexed by client, and no index holds all of them. */
export function makeClientPages({
  store,
  clock,
}: {
  store: Pick<ConfigStore, "client" | "clientIds">;
  clock: Clock;
}) {
  let known: { ids: string[]; untilMs: number } | undefined;

  async function allClients(): Promise<string[]> {
    if (known && known.untilMs > clock.realMs()) return known.ids;
    const ids = await store.clientIds();
    known = { ids, untilMs: clock.realMs() + CLIENTS_TTL_MS };
    return ids;
  }

  /** The one client that is named, or all. @throws NOT_FOUND */
  async function clientsOf(clientId: string | undefined): Promise<string[]> {
    if (clientId === undefined) return allClients();
    if (await store.client(clientId)) return [clientId];
    throw new Failure("NOT_FOUND", "there is no such client");
  }

  /**
   * One page in the order of clients, and of the keys of each.
   *
   * @param read the items of one client in the order of their keys, after a key
   * @throws REQUEST_INVALID for a bad cursor, NOT_FOUND, and what `read` throws
   */
  async function byClient<Item>(
    list: List,
    { limit, cursor, clientId }: PageQuery,
    read: (clientId: string, page: PageOf) => Promise<Item[]>,
    keyOf: (item: Item) => string,
  ): Promise<Page<Item & { clientId: string }>> {
    const of = { list, clientId: clientId ?? "" } as const;
    const [from = "", after] = placeOf(of, cursor);
    const clients = (await clientsOf(clientId)).filter((id) => id >= from);
    const items: (Item & { clientId: string })[] = [];
    for (const id of clients) {
      const page = { limit: limit + 1 - items.length, after: id === from ? after : undefined };
      const found = await read(id, page);
      items.push(...found.map((item) => ({ ...item, clientId: id })));
      if (items.length > limit) break;
    }
    const shown = items.slice(0, limit);
    const last = shown.at(-1);
    if (last === undefined || items.length === shown.length) return { items: shown };
    const place = JSON.stringify([last.clientId, keyOf(last)]);
    return { items: shown, nextCursor: writeCursor(of, place) };
  }

  /**
   * One page of all clients' records, newest first.
   *
   * @param read one client's records, newest first, after a place, and the place of the next page
   * @throws REQUEST_INVALID for a bad cursor or too many clients, NOT_FOUND, and what `read` throws
   */
  async function newest<Item>(
    list: List,
    { limit, cursor, clientId }: PageQuery,
    read: (
      clientId: string,
      page: { limit: number; before?: string | undefined },
    ) => Promise<{ found: readonly { place: string; item: Item }[]; before?: string | undefined }>,
  ): Promise<Page<Item>> {
    const of = { list, clientId: clientId ?? "" } as const;
    const before =
      cursor === undefined ? undefined : readCursor(of, cursor, /^[^#]{1,32}#.{1,512}$/);
    const clients = await clientsOf(clientId);
    if (clients.length > MAX_MERGED_CLIENTS) {
      const message = `is required: there are more than ${MAX_MERGED_CLIENTS} clients`;
      throw new InvalidRequest([{ field: "clientId", message }]);
    }
    const found: { place: string; item: Item }[] = [];
    /** Up to here every client was read. */
    let readTo = "";
    await forEachConcurrent(clients, CONCURRENCY, async (id) => {
      const page = await read(id, { limit, before });
      found.push(...page.found);
      if (page.before !== undefined && page.before > readTo) readTo = page.before;
    });
    const inOrder = found
      .filter(({ place }) => place >= readTo)
      .sort((one, other) => (one.place < other.place ? 1 : -1));
    const shown = inOrder.slice(0, limit);
    const items = shown.map(({ item }) => item);
    const next = inOrder.length > limit ? shown.at(-1)?.place : readTo;
    return next ? { items, nextCursor: writeCursor(of, next) } : { items };
  }

  return { allClients, clientsOf, byClient, newest };
}

/** The client and the key at which a page begins. @throws REQUEST_INVALID */
function placeOf(of: CursorOf, cursor: string | undefined): [from?: string, after?: string] {
  if (cursor === undefined) return [];
  const place = parseJsonOrUndefined(readCursor(of, cursor, /^\[.{1,1400}\]$/s));
  const [from, after] = Array.isArray(place) ? place : [];
  if (typeof from !== "string" || typeof after !== "string") throw invalidCursor();
  return [from, after];
}
