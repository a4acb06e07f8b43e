import {
  type DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { callDependency } from "../dependency-down.ts";

/** An entry of a `byClient` index. `listedAs` is the time when it came, `#`, and the id. */
const indexEntry = z.object({ id: z.string(), listedAs: z.string() });
type IndexEntry = z.output<typeof indexEntry>;

/** What a list keeps of the index's entries. `:client` is the index's own. */
export interface PageFilter {
  expression: string;
  names?: Readonly<Record<string, string>>;
  values: Readonly<Record<string, unknown>>;
}

export interface ClientPageOf {
  /** The client; of another index than `byClient`, its partition. */
  clientId: string;
  limit: number;
  /** The `before` of the previous page. */
  before?: string | undefined;
  filter?: PageFilter | undefined;
  /** The first and the last `listedAs` of the list. */
  range?: { from?: string | undefined; to?: string | undefined };
}

/**
 * Reads pages of a table's `byClient` index, or one like it: one client's entries, newest
 * first, and where the next page begins. A filtered page may hold fewer than
 * `limit` although there is a `before`. The index is eventually consistent.
 *
 * @throws DEPENDENCY_DOWN
 */
export function makeReadClientPage(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  index: { name: string; partitionKey: string; sortKey: "listedAs" };
  /** The table's own key, as it is read from an id. */
  keyOf: (id: string) => Readonly<Record<string, string>> | undefined;
  /** Most index entries that one page reads while it searches for matching ones. */
  filtered: { maxQueries: number; keysPerQuery: number };
}): (of: ClientPageOf) => Promise<{ entries: IndexEntry[]; before?: string | undefined }> {
  const { client, tableName, index, keyOf, filtered } = options;

  function queryOf({ clientId, limit, filter, range }: ClientPageOf, before: string | undefined) {
    const inRange = rangeCondition(index.sortKey, range);
    const input: QueryCommandInput = {
      TableName: tableName,
      IndexName: index.name,
      KeyConditionExpression: `${index.partitionKey} = :client${inRange.expression}`,
      ExpressionAttributeValues: { ...filter?.values, ...inRange.values, ":client": clientId },
      ScanIndexForward: false,
      Limit: filter ? filtered.keysPerQuery : limit + 1,
    };
    if (filter) input.FilterExpression = filter.expression;
    if (filter?.names) input.ExpressionAttributeNames = { ...filter.names };
    if (before !== undefined) {
      const id = before.slice(before.indexOf("#") + 1);
      input.ExclusiveStartKey = {
        [index.partitionKey]: clientId,
        listedAs: before,
        ...keyOf(id),
      };
    }
    return new QueryCommand(input);
  }

  return async (of) => {
    const entries: IndexEntry[] = [];
    const { from, to } = of.range ?? {};
    // DynamoDB refuses a place outside of the range.
    if (of.before !== undefined && from !== undefined && of.before < from) return { entries };
    let before =
      to !== undefined && of.before !== undefined && of.before > to ? undefined : of.before;
    for (let queries = 0; queries < filtered.maxQueries; queries++) {
      const query = queryOf(of, before);
      const page = await callDependency("DynamoDB Query", () => client.send(query));
      entries.push(...(page.Items ?? []).map((entry) => indexEntry.parse(entry)));
      if (entries.length > of.limit) {
        const shown = entries.slice(0, of.limit);
        return { entries: shown, before: shown.at(-1)?.listedAs };
      }
      if (page.LastEvaluatedKey === undefined) return { entries };
      before = indexEntry.parse(page.LastEvaluatedKey).listedAs;
    }
    return { entries, before };
  };
}

function rangeCondition(sortKey: string, { from, to }: NonNullable<ClientPageOf["range"]> = {}) {
  if (from !== undefined && to !== undefined) {
    const expression = ` AND ${sortKey} BETWEEN :from AND :to`;
    return { expression, values: { ":from": from, ":to": to } };
  }
  if (from !== undefined) {
    return { expression: ` AND ${sortKey} >= :from`, values: { ":from": from } };
  }
  if (to !== undefined) return { expression: ` AND ${sortKey} <= :to`, values: { ":to": to } };
  return { expression: "", values: {} };
}

/** The range of a list of these times, both inclusive (business time); `~` follows every id. */
export function timeRange(of: { sinceMs?: number | undefined; untilMs?: number | undefined }) {
  const { sinceMs, untilMs } = of;
  return {
    ...(sinceMs === undefined ? {} : { from: new Date(sinceMs).toISOString() }),
    ...(untilMs === undefined ? {} : { to: `${new Date(untilMs).toISOString()}#~` }),
  };
}
