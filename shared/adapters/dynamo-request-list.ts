import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { requestsTable } from "../contracts/tables.ts";
import type { RequestStore } from "../core/requests/ports.ts";
import type { RequestRecord } from "../core/requests/record.ts";
import { laneOf } from "../core/requests/request-id.ts";
import { dependency } from "./dependency-down.ts";
import { batchGet } from "./dynamo-batch-get.ts";
import { readRequestItem } from "./request-item.ts";

type ListOf = Parameters<RequestStore["list"]>[0];

const indexKey = z.object({ lane: z.string(), id: z.string(), listedAs: z.string() });
type IndexKey = z.output<typeof indexKey>;

/** Queries that one page of a filtered list may take; the next page goes on. */
const MAX_QUERIES = 5;
const KEYS_PER_FILTERED_QUERY = 200;

/** A client's requests by the time when they came: the keys by the index, the rest by the items. */
export function makeDynamoRequestList(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  isAlive: (request: RequestRecord) => boolean;
}): RequestStore["list"] {
  const { client } = options;

  /** One page of the index, newest first, and where the next begins. */
  async function keysOf(of: ListOf): Promise<{ keys: IndexKey[]; before?: string | undefined }> {
    const keys: IndexKey[] = [];
    let { before } = of;
    for (let queries = 0; queries < MAX_QUERIES; queries++) {
      const query = queryOf(options.tableName, of, before);
      const page = await dependency("DynamoDB Query", () => client.send(query));
      keys.push(...(page.Items ?? []).map((entry) => indexKey.parse(entry)));
      if (keys.length > of.limit) {
        const shown = keys.slice(0, of.limit);
        return { keys: shown, before: shown.at(-1)?.listedAs };
      }
      if (page.LastEvaluatedKey === undefined) return { keys };
      before = indexKey.parse(page.LastEvaluatedKey).listedAs;
    }
    return { keys, before };
  }

  return async (of) => {
    const { keys, before } = await keysOf(of);
    const items = await batchGet(
      options,
      keys.map(({ lane, id }) => ({ lane, id })),
    );
    const byId = new Map(items.map((item) => [item.id, readRequestItem(item).request]));
    const requests = keys
      .flatMap(({ id }) => byId.get(id) ?? [])
      // The index may be behind the item.
      .filter(({ status }) => of.status === undefined || status === of.status)
      .filter(options.isAlive);
    return { requests, before };
  };
}

function queryOf(TableName: string, of: ListOf, before: string | undefined): QueryCommand {
  const { name, partitionKey } = requestsTable.indexes.byClient;
  const filters = [
    ...(of.accountId === undefined ? [] : ["accountId = :account"]),
    ...(of.status === undefined ? [] : ["#status = :status"]),
  ];
  return new QueryCommand({
    TableName,
    IndexName: name,
    KeyConditionExpression: `${partitionKey} = :client`,
    ...(filters.length > 0 ? { FilterExpression: filters.join(" AND ") } : {}),
    ExpressionAttributeValues: {
      ":client": of.clientId,
      ...(of.accountId === undefined ? {} : { ":account": of.accountId }),
      ...(of.status === undefined ? {} : { ":status": of.status }),
    },
    ...(of.status === undefined ? {} : { ExpressionAttributeNames: { "#status": "status" } }),
    ScanIndexForward: false,
    Limit: filters.length > 0 ? KEYS_PER_FILTERED_QUERY : of.limit + 1,
    ...(before === undefined ? {} : { ExclusiveStartKey: startKey(of.clientId, before) }),
  });
}

/** `listedAs` is the time, `#` and the id, which carries its lane: the whole key of the index. */
function startKey(clientId: string, listedAs: string) {
  const id = listedAs.slice(listedAs.indexOf("#") + 1);
  return { clientId, listedAs, id, lane: laneOf(id) };
}
