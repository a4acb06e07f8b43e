import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { requestsTable } from "../../contracts/tables.ts";
import type { RequestStore } from "../../core/requests/state/ports.ts";
import { isTerminal, type RequestRecord } from "../../core/requests/state/record.ts";
import { batchGet } from "./dynamo-batch-get.ts";
import { makeReadClientPage, type PageFilter, timeRange } from "./dynamo-client-page.ts";
import { groupKey, OPEN, readableRequests } from "./request-item.ts";

type ListOf = Parameters<RequestStore["list"]>[0];

/** A client's requests by the time when they came: the keys by the index, the rest by the items. */
export function makeDynamoRequestList(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  keyOf: (requestId: string) => { lane: string; id: string } | undefined;
  isAlive: (request: RequestRecord) => boolean;
}): RequestStore["list"] {
  const { client, tableName, keyOf } = options;
  const { byClient, byGroup } = requestsTable.indexes;
  const filtered = { maxQueries: 5, keysPerQuery: 200 };
  const readClientPage = makeReadClientPage({
    ...{ client, tableName, keyOf, filtered },
    index: byClient,
  });
  const readGroupPage = makeReadClientPage({
    ...{ client, tableName, keyOf, filtered },
    index: byGroup,
  });

  return async (of) => {
    const { clientId, group } = of;
    const filter = filterOf(of);
    const range = timeRange(of);
    const { entries, before } = await (group === undefined
      ? readClientPage({ ...of, filter, range })
      : readGroupPage({ ...of, clientId: groupKey(clientId, group), filter, range }));
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
    ...(status === undefined ? [] : ["#status IN (:status, :open)"]),
  ];
  if (filters.length === 0) return undefined;
  return {
    expression: filters.join(" AND "),
    ...(status === undefined ? {} : { names: { "#status": "status" } }),
    values: {
      ...(accountId === undefined ? {} : { ":account": accountId }),
      // Of a request that has not ended, the index need not know more.
      ...(status === undefined
        ? {}
        : { ":status": status, ":open": isTerminal({ status }) ? status : OPEN }),
    },
  };
}
