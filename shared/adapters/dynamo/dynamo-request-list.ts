import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { requestsTable } from "../../contracts/tables.ts";
import type { RequestStore } from "../../core/requests/state/ports.ts";
import type { RequestRecord } from "../../core/requests/state/record.ts";
import { batchGet } from "./dynamo-batch-get.ts";
import { makeReadClientPage, type PageFilter } from "./dynamo-client-page.ts";
import { readableRequests } from "./request-item.ts";

type ListOf = Parameters<RequestStore["list"]>[0];

/** A client's requests by the time when they came: the keys by the index, the rest by the items. */
export function makeDynamoRequestList(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  keyOf: (requestId: string) => { lane: string; id: string } | undefined;
  isAlive: (request: RequestRecord) => boolean;
}): RequestStore["list"] {
  const { client, tableName, keyOf } = options;
  const readPage = makeReadClientPage({
    client,
    tableName,
    index: requestsTable.indexes.byClient,
    keyOf,
    filtered: { maxQueries: 5, keysPerQuery: 200 },
  });

  return async (of) => {
    const { entries, before } = await readPage({ ...of, filter: filterOf(of) });
    const keys = entries.flatMap(({ id }) => keyOf(id) ?? []);
    const items = (await batchGet(client, [{ tableName, keys }])).get(tableName) ?? [];
    const byId = new Map(readableRequests(items).map((one) => [one.requestId, one]));
    const requests = entries
      .flatMap(({ id }) => byId.get(id) ?? [])
      // The index may be behind the item.
      .filter(({ status }) => of.status === undefined || status === of.status)
      .filter(options.isAlive);
    return { requests, before };
  };
}

function filterOf({ accountId, status }: ListOf): PageFilter | undefined {
  const filters = [
    ...(accountId === undefined ? [] : ["accountId = :account"]),
    ...(status === undefined ? [] : ["#status = :status"]),
  ];
  if (filters.length === 0) return undefined;
  return {
    expression: filters.join(" AND "),
    ...(status === undefined ? {} : { names: { "#status": "status" } }),
    values: {
      ...(accountId === undefined ? {} : { ":account": accountId }),
      ...(status === undefined ? {} : { ":status": status }),
    },
  };
}
