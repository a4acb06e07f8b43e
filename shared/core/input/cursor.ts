import { parseJsonOrUndefined } from "../../contracts/json-text.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { InvalidRequest } from "./invalid-request.ts";

/** The list and client to which a cursor is bound. */
export interface CursorOf {
  list:
    | ("events" | "connections" | "keys" | "requests" | "recurring")
    | ("groups" | "accounts" | "deliveries")
    | ("clients" | "operatorKeys" | "webhooks" | "audit");
  /** Empty: a list of several clients. */
  clientId: string;
}

/** Encodes a position in a list. Opaque to callers, and invalid for another list or client. */
export function writeCursor(of: CursorOf, place: string): string {
  return Buffer.from(JSON.stringify([owner(of), place])).toString("base64url");
}

/** Decodes a cursor. @throws REQUEST_INVALID unless it is of this list and client and its position matches `form` */
export function readCursor(of: CursorOf, cursor: string, form: RegExp): string {
  const [madeFor, place] = parse(cursor);
  if (madeFor === owner(of) && typeof place === "string" && form.test(place)) return place;
  throw invalidCursor();
}

/** The error of a cursor that no page of its list has had. */
export function invalidCursor(): InvalidRequest {
  const message = "must be the nextCursor of an earlier page of this list";
  return new InvalidRequest([{ field: "cursor", message }]);
}

function parse(cursor: string): unknown[] {
  const parsed = parseJsonOrUndefined(Buffer.from(cursor, "base64url").toString("utf8"));
  return Array.isArray(parsed) ? parsed : [];
}

/** Not a secret: it detects mistakes. The query itself is limited to the client. */
function owner({ list, clientId }: CursorOf): string {
  return sha256Hex(`${list}#${clientId}`).slice(0, 16);
}

/** One page of a list in the order of its keys. */
export interface PageOf {
  limit: number;
  /** The key of the last item of the page before. */
  after?: string | undefined;
}

/** The form of a key in a cursor. DynamoDB accepts at most 2,048 bytes. */
const KEY_FORM = /^.{1,1000}$/s;

/**
 * Reads one page of a list in the order of its keys. `read` gets the limit of the page and one
 * more, by which the end of the list is recognised.
 *
 * @throws REQUEST_INVALID for a bad cursor, and what `read` throws
 */
export async function readPage<Item>(
  page: CursorOf & {
    limit: number;
    cursor?: string;
    read: (of: PageOf) => Promise<Item[]>;
    keyOf: (item: Item) => string;
  },
): Promise<{ items: Item[]; nextCursor?: string }> {
  const { limit, cursor, read, keyOf } = page;
  const after = cursor === undefined ? undefined : readCursor(page, cursor, KEY_FORM);
  const found = await read({ limit: limit + 1, after });
  const items = found.slice(0, limit);
  const last = items.at(-1);
  if (last === undefined || found.length === items.length) return { items };
  return { items, nextCursor: writeCursor(page, keyOf(last)) };
}
