import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import type { EventType } from "../../contracts/events.ts";
import { eventsTable } from "../../contracts/tables.ts";
import type { Clock } from "../../core/clock.ts";
import type { EventReader, StoredEvent } from "../../core/events/read-events.ts";
import type { BlobStore } from "../../core/inbound/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { batchGet } from "./dynamo-batch-get.ts";
import { makeReadClientPage, type PageFilter, timeRange } from "./dynamo-client-page.ts";
import { packedText } from "./packed-text.ts";

const item = z.object({
  id: z.string(),
  clientId: z.string(),
  listedAs: z.string(),
  envelope: z.optional(packedText),
  envelopeKey: z.optional(z.string()),
  publishedAt: z.optional(z.string()),
  expiresAt: z.optional(z.number()),
  raw: z.optional(z.instanceof(Uint8Array)),
});

type Item = z.output<typeof item>;

interface ListOf {
  clientId: string;
  type?: EventType | undefined;
  limit: number;
  before?: string | undefined;
  sinceMs?: number | undefined;
  untilMs?: number | undefined;
}

/**
 * Lambda carries 6 MB, in which every quote of the body takes two bytes; one event is 240 KB
 * at most.
 */
const MAX_PAGE_BYTES = 2_000_000;
const OPENED_AT_ONCE = 5;

/** Everything that a list shows: the raw bytes stay behind. */
const listed = [
  "id",
  "clientId",
  "listedAs",
  "envelope",
  "envelopeKey",
  "publishedAt",
  "expiresAt",
];

/** Reads the stored events. An item past its time counts as gone, although TTL deletes it later. */
export function makeDynamoEventReader(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
  bodies: Pick<BlobStore, "get">;
}): EventReader {
  const { client, tableName, clock, bodies } = options;
  const readPage = makeReadClientPage({
    client,
    tableName,
    index: eventsTable.indexes.byClient,
    keyOf: (id) => ({ id }),
    filtered: { maxQueries: 10, keysPerQuery: 1_000 },
  });
  const isAlive = ({ expiresAt }: Item) =>
    expiresAt === undefined || expiresAt > Math.floor(clock.businessMs() / 1000);

  async function open({ envelope, envelopeKey = "", ...rest }: Item): Promise<StoredEvent> {
    if (envelope !== undefined) return { ...rest, envelope };
    return { ...rest, envelope: Buffer.from(await bodies.get(envelopeKey)).toString("utf8") };
  }

  async function find(id: string): Promise<StoredEvent | undefined> {
    const get = new GetCommand({ TableName: tableName, Key: { id }, ConsistentRead: true });
    const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
    const found = Item && item.parse(Item);
    return found && isAlive(found) ? open(found) : undefined;
  }

  async function list(of: ListOf) {
    const { entries, before } = await readPage({
      ...of,
      filter: filterOf(of),
      range: timeRange(of),
    });
    const items = await itemsOf(entries.map(({ id }) => id));
    const events: StoredEvent[] = [];
    let bytes = 0;
    for (let at = 0; at < entries.length; at += OPENED_AT_ONCE) {
      const chunk = entries.slice(at, at + OPENED_AT_ONCE);
      // The index is eventually consistent: an item that has moved to another place in the
      // list is skipped.
      const alive = chunk
        .map(({ id, listedAs }) => ({ listedAs, found: items.get(id) }))
        .flatMap(({ listedAs, found }) =>
          found?.listedAs === listedAs && isAlive(found) ? [found] : [],
        );
      for (const event of await Promise.all(alive.map(open))) {
        events.push(event);
        bytes += Buffer.byteLength(event.envelope);
      }
      const isLast = at + OPENED_AT_ONCE >= entries.length;
      if (bytes > MAX_PAGE_BYTES && !isLast) return { events, before: chunk.at(-1)?.listedAs };
    }
    return { events, before };
  }

  async function itemsOf(ids: readonly string[]): Promise<Map<string, Item>> {
    const keys = ids.map((id) => ({ id }));
    const found = await batchGet(client, [{ tableName, keys, projection: listed }]);
    return new Map((found.get(tableName) ?? []).map((one) => [String(one.id), item.parse(one)]));
  }

  return { find, list };
}

function filterOf({ type }: ListOf): PageFilter | undefined {
  // An id begins with the event's type.
  return type && { expression: "begins_with(id, :type)", values: { ":type": `${type}:` } };
}
