import { parseJsonOrUndefined } from "../../contracts/json-text.ts";
import { sha256Hex } from "../crypto/digest.ts";
import { InvalidRequest } from "./invalid-request.ts";

/** The list and client to which a cursor is bound. */
export interface CursorOf {
  list: "events" | "connections" | "keys" | "requests" | "accounts" | "deliveries";
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
  const message = "must be the nextCursor of an earlier page of this list";
  throw new InvalidRequest([{ field: "cursor", message }]);
}

function parse(cursor: string): unknown[] {
  const parsed = parseJsonOrUndefined(Buffer.from(cursor, "base64url").toString("utf8"));
  return Array.isArray(parsed) ? parsed : [];
}

/** Not a secret: it detects mistakes. The query itself is limited to the client. */
function owner({ list, clientId }: CursorOf): string {
  return sha256Hex(`${list}#${clientId}`).slice(0, 16);
}

/** Returns one page of a complete list, in the order of ids. */
export function pageOf<Item>(
  items: readonly Item[],
  page: CursorOf & { limit: number; cursor?: string; idOf: (item: Item) => string },
): { items: Item[]; nextCursor?: string } {
  const { idOf, limit } = page;
  const after = page.cursor === undefined ? "" : readCursor(page, page.cursor, /^/);
  const rest = items
    .filter((item) => idOf(item) > after)
    .sort((one, other) => (idOf(one) < idOf(other) ? -1 : 1));
  const shown = rest.slice(0, limit);
  const last = shown.at(-1);
  if (last === undefined || rest.length === shown.length) return { items: shown };
  return { items: shown, nextCursor: writeCursor(page, idOf(last)) };
}
