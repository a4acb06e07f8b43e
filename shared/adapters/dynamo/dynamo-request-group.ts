import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { requestStatus } from "../../contracts/statuses.ts";
import { requestsTable } from "../../contracts/tables.ts";
import type { GroupEntry, RequestStore } from "../../core/requests/state/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { groupKey } from "./request-item.ts";

/** An entry of the index `byGroup`. `listedAs` is the time of acceptance, `#`, and the id. */
const indexEntry = z.object({
  id: z.string(),
  listedAs: z.string(),
  status: requestStatus,
  submittedMs: z.optional(z.number()),
  finishedMs: z.optional(z.number()),
});

/** A group's requests as its index shows them. A query returns 1 MB, some thousand entries. */
export function makeDynamoRequestGroup(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  keyOf: (requestId: string) => { lane: string; id: string } | undefined;
}): RequestStore["readGroup"] {
  const { client, tableName, keyOf } = options;
  const { name, partitionKey } = requestsTable.indexes.byGroup;

  return async ({ clientId, group, limit, after }) => {
    const groupedAs = groupKey(clientId, group);
    const entries: GroupEntry[] = [];
    let from =
      after === undefined
        ? undefined
        : { groupedAs, listedAs: after, ...keyOf(after.slice(after.indexOf("#") + 1)) };
    do {
      const query = new QueryCommand({
        TableName: tableName,
        IndexName: name,
        KeyConditionExpression: `${partitionKey} = :group`,
        ExpressionAttributeValues: { ":group": groupedAs },
        Limit: limit - entries.length,
        ...(from ? { ExclusiveStartKey: from } : {}),
      });
      const page = await callDependency("DynamoDB Query", () => client.send(query));
      entries.push(...(page.Items ?? []).map(readEntry));
      from = page.LastEvaluatedKey as typeof from;
    } while (from && entries.length < limit);
    return { entries, hasMore: from !== undefined };
  };
}

function readEntry(item: unknown): GroupEntry {
  const { id, listedAs, ...entry } = indexEntry.parse(item);
  const createdMs = Date.parse(listedAs.slice(0, listedAs.indexOf("#")));
  return { ...entry, requestId: id, createdMs, place: listedAs };
}
