import type { EventType } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import { readCursor, writeCursor } from "../input/cursor.ts";

/** A stored event. */
export interface StoredEvent {
  id: string;
  clientId: string;
  /** The envelope's JSON text. */
  envelope: string;
  publishedAt?: string | undefined;
  /** Its place in its client's list: the time of receipt, `#`, and its id. */
  listedAs?: string | undefined;
  /** The webhook's exact bytes; only `find` returns them. */
  raw?: Uint8Array | undefined;
}

export interface EventReader {
  /** @throws DEPENDENCY_DOWN */
  find(id: string): Promise<StoredEvent | undefined>;
  /**
   * Returns a client's events, newest first, after the position `before`. A page
   * may have fewer than `limit` events, or none, although there is a next page.
   *
   * @throws DEPENDENCY_DOWN
   */
  list(query: {
    clientId: string;
    type?: EventType | undefined;
    limit: number;
    before?: string | undefined;
    /** The range of times of receipt, both inclusive (business time). */
    sinceMs?: number | undefined;
    untilMs?: number | undefined;
  }): Promise<{ events: StoredEvent[]; before?: string | undefined }>;
}

/** The form of a position: a time, `#`, and an id. */
const LISTED_AS = /^[^#]{1,32}#.{1,512}$/;

/** Reads a client's events as JSON text, because parsing an envelope would change its numbers. */
export function makeReadEvents({ reader }: { reader: EventReader }) {
  return {
    /** @throws NOT_FOUND, also for another client's event; DEPENDENCY_DOWN */
    async get(clientId: string, id: string): Promise<string> {
      const event = await reader.find(id);
      if (event?.clientId !== clientId) throw new Failure("NOT_FOUND", "there is no such event");
      return jsonOf(event);
    },

    /** @throws REQUEST_INVALID for an invalid cursor; DEPENDENCY_DOWN */
    async list(
      clientId: string,
      query: { limit: number; cursor?: string; type?: EventType },
    ): Promise<string> {
      const of = { list: "events", clientId } as const;
      const { limit, cursor, type } = query;
      const page = await reader.list({
        clientId,
        type,
        limit,
        before: cursor === undefined ? undefined : readCursor(of, cursor, LISTED_AS),
      });
      const items = `"items":[${page.events.map((event) => jsonOf(event)).join(",")}]`;
      if (page.before === undefined) return `{${items}}`;
      return `{${items},"nextCursor":${JSON.stringify(writeCursor(of, page.before))}}`;
    },
  };
}

/** Returns the text of the envelope with `more`, `publishedAt` and `raw` as its last members. */
export function jsonOf({ envelope, publishedAt, raw }: StoredEvent, more: object = {}): string {
  const added = {
    ...more,
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(raw === undefined ? {} : { raw: Buffer.from(raw).toString("base64") }),
  };
  const members = JSON.stringify(added).slice(1, -1);
  return members === "" ? envelope : `${envelope.slice(0, -1)},${members}}`;
}
