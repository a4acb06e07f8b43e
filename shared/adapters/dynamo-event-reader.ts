import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import type { EventType } from "../contracts/events.ts";
import { Failure } from "../contracts/failures.ts";
import { eventsTable } from "../contracts/tables.ts";
import type { BlobStore, Clock } from "../core/ports.ts";
import type { EventReader, StoredEvent } from "../core/read-events.ts";
import { dependency } from "./dependency-down.ts";

const item = z.object({
  id: z.string(),
  clientId: z.string(),
  listedAs: z.string(),
  envelope: z.optional(z.string()),
  envelopeKey: z.optional(z.string()),
  publishedAt: z.optional(z.string()),
  expiresAt: z.optional(z.number()),
  raw: z.optional(z.instanceof(Uint8Array)),
});

type Item = z.output<typeof item>;

const indexKey = z.object({ id: z.string(), listedAs: z.string() });
type IndexKey = z.output<typeof indexKey>;

interface ListOf {
  clientId: string;
  type?: EventType | undefined;
  limit: number;
  before?: string | undefined;
}

/** Entries of the index that one list looks at for a rare type before it gives what it has. */
const MAX_QUERIES = 10;
const KEYS_PER_FILTERED_QUERY = 1_000;

/** Lambda carries 6 MB, in which every quote of the body takes two bytes; one event is 240 KB at most. */
const MAX_PAGE_BYTES = 2_000_000;
const OPENED_AT_ONCE = 5;

/** Rounds of BatchGetItem for one page; each gives at least one item, by 16 MB. */
const MAX_ROUNDS = 10;

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
  const isAlive = ({ expiresAt }: Item) =>
    expiresAt === undefined || expiresAt > Math.floor(clock.businessMs() / 1000);

  async function open({ envelope, envelopeKey = "", ...rest }: Item): Promise<StoredEvent> {
    if (envelope !== undefined) return { ...rest, envelope };
    return { ...rest, envelope: Buffer.from(await bodies.get(envelopeKey)).toString("utf8") };
  }

  async function find(id: string): Promise<StoredEvent | undefined> {
    const get = new GetCommand({ TableName: tableName, Key: { id }, ConsistentRead: true });
    const { Item } = await dependency("DynamoDB GetItem", () => client.send(get));
    const found = Item && item.parse(Item);
    return found && isAlive(found) ? open(found) : undefined;
  }

  async function list(of: ListOf) {
    const { keys, before } = await keysOf(of);
    const items = await itemsOf(keys.map(({ id }) => id));
    const events: StoredEvent[] = [];
    let bytes = 0;
    for (let at = 0; at < keys.length; at += OPENED_AT_ONCE) {
      const chunk = keys.slice(at, at + OPENED_AT_ONCE);
      // An index entry may be behind the item: what is listed elsewhere by now is not listed here.
      const alive = chunk
        .map(({ id, listedAs }) => ({ listedAs, found: items.get(id) }))
        .flatMap(({ listedAs, found }) =>
          found?.listedAs === listedAs && isAlive(found) ? [found] : [],
        );
      for (const event of await Promise.all(alive.map(open))) {
        events.push(event);
        bytes += Buffer.byteLength(event.envelope);
      }
      const isLast = at + OPENED_AT_ONCE >= keys.length;
      if (bytes > MAX_PAGE_BYTES && !isLast) return { events, before: chunk.at(-1)?.listedAs };
    }
    return { events, before };
  }

  /** One page of the index, newest first, and where the next begins. */
  async function keysOf(of: ListOf): Promise<{ keys: IndexKey[]; before?: string | undefined }> {
    const keys: IndexKey[] = [];
    let before = of.before;
    for (let query = 0; query < MAX_QUERIES; query++) {
      const page = await dependency("DynamoDB Query", () => client.send(queryOf(of, before)));
      keys.push(...(page.Items ?? []).map((found) => indexKey.parse(found)));
      if (keys.length > of.limit) {
        const shown = keys.slice(0, of.limit);
        return { keys: shown, before: shown.at(-1)?.listedAs };
      }
      if (page.LastEvaluatedKey === undefined) return { keys };
      before = indexKey.parse(page.LastEvaluatedKey).listedAs;
    }
    return { keys, before };
  }

  function queryOf({ clientId, type, limit }: ListOf, before: string | undefined): QueryCommand {
    const { name, partitionKey } = eventsTable.indexes.byClient;
    return new QueryCommand({
      TableName: tableName,
      IndexName: name,
      KeyConditionExpression: `${partitionKey} = :client`,
      // An id begins with the event's type.
      ...(type ? { FilterExpression: "begins_with(id, :type)" } : {}),
      ExpressionAttributeValues: { ":client": clientId, ...(type ? { ":type": `${type}:` } : {}) },
      ScanIndexForward: false,
      Limit: type ? KEYS_PER_FILTERED_QUERY : limit + 1,
      ...(before ? { ExclusiveStartKey: startKey(clientId, before) } : {}),
    });
  }

  async function itemsOf(ids: string[]): Promise<Map<string, Item>> {
    const found = new Map<string, Item>();
    let waiting = ids;
    for (let round = 0; waiting.length > 0 && round < MAX_ROUNDS; round++) {
      const get = new BatchGetCommand({
        RequestItems: {
          [tableName]: {
            Keys: waiting.map((id) => ({ id })),
            ConsistentRead: true,
            ProjectionExpression: listed.map((name) => `#${name}`).join(", "),
            ExpressionAttributeNames: Object.fromEntries(listed.map((name) => [`#${name}`, name])),
          },
        },
      });
      const page = await dependency("DynamoDB BatchGetItem", () => client.send(get));
      for (const one of page.Responses?.[tableName] ?? [])
        found.set(String(one.id), item.parse(one));
      waiting = (page.UnprocessedKeys?.[tableName]?.Keys ?? []).map(({ id }) => String(id));
    }
    if (waiting.length > 0) {
      throw new Failure("DEPENDENCY_DOWN", `${waiting.length} events were not read in time`);
    }
    return found;
  }

  return { find, list };
}

/** `listedAs` is the time, `#` and the id, so it names the whole key of the index. */
function startKey(clientId: string, listedAs: string) {
  return { clientId, listedAs, id: listedAs.slice(listedAs.indexOf("#") + 1) };
}
