import type { EventType } from "../../contracts/events.ts";
import { Failure } from "../../contracts/failures.ts";
import { readCursor, writeCursor } from "../input/cursor.ts";

/** An event as it lies in the store. */
export interface StoredEvent {
  id: string;
  clientId: string;
  /** The envelope's JSON text. */
  envelope: string;
  publishedAt?: string | undefined;
  /** The webhook's exact bytes; only `find` has them. */
  raw?: Uint8Array | undefined;
}

export interface EventReader {
  /** @throws DEPENDENCY_DOWN */
  find(id: string): Promise<StoredEvent | undefined>;
  /**
   * A client's events, newest first, from behind `before` on. There may be
   * fewer than `limit`, or none, while there is a `before` for the next page.
   *
   * @throws DEPENDENCY_DOWN
   */
  list(of: {
    clientId: string;
    type?: EventType | undefined;
    limit: number;
    before?: string | undefined;
  }): Promise<{ events: StoredEvent[]; before?: string | undefined }>;
}

/** A time, `#`, and an id: what the store can go on from. */
const LISTED_AS = /^[^#]{1,32}#.{1,512}$/;

/** Both give JSON text: parsing an envelope and writing it again would change its numbers. */
export function makeReadEvents({ reader }: { reader: EventReader }) {
  return {
    /** @throws NOT_FOUND, for another client's too; DEPENDENCY_DOWN */
    async get(clientId: string, id: string): Promise<string> {
      const event = await reader.find(id);
      if (event?.clientId !== clientId) throw new Failure("NOT_FOUND", "there is no such event");
      return jsonOf(event);
    },

    /** @throws REQUEST_INVALID for a bad cursor; DEPENDENCY_DOWN */
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
      const items = `"items":[${page.events.map(jsonOf).join(",")}]`;
      if (page.before === undefined) return `{${items}}`;
      return `{${items},"nextCursor":${JSON.stringify(writeCursor(of, page.before))}}`;
    },
  };
}

/** The envelope's very text, with what the store knows besides spliced in at its end. */
function jsonOf({ envelope, publishedAt, raw }: StoredEvent): string {
  const added = {
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(raw === undefined ? {} : { raw: Buffer.from(raw).toString("base64") }),
  };
  const members = JSON.stringify(added).slice(1, -1);
  return members === "" ? envelope : `${envelope.slice(0, -1)},${members}}`;
}
