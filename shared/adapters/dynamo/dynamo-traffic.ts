import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import type { TrafficReader } from "../../core/operator/ports.ts";
import { callDependency } from "../dependency-down.ts";

/** Pages of a megabyte, some thousand entries each, that are counted of one list. */
const MAX_PAGES = 5;

/**
 * Reads the times in the `byClient` indexes, and of deliveries their status. No item is read: an
 * entry is some hundred bytes.
 */
export function makeDynamoTraffic(options: {
  client: DynamoDBDocumentClient;
  tables: Record<"requests" | "events" | "deliveries", string>;
}): TrafficReader {
  return {
    async read(of, clientId, sinceMs) {
      const entries: { atMs: number; status?: string }[] = [];
      let ExclusiveStartKey: Record<string, unknown> | undefined;
      for (let page = 0; page < MAX_PAGES; page++) {
        const query = new QueryCommand({
          TableName: options.tables[of],
          IndexName: "byClient",
          KeyConditionExpression: "clientId = :client AND listedAs >= :since",
          ProjectionExpression: of === "deliveries" ? "listedAs, #status" : "listedAs",
          ...(of === "deliveries" ? { ExpressionAttributeNames: { "#status": "status" } } : {}),
          ExpressionAttributeValues: {
            ":client": clientId,
            ":since": new Date(sinceMs).toISOString(),
          },
          ScanIndexForward: false,
          ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
        });
        const { Items = [], LastEvaluatedKey } = await callDependency("DynamoDB Query", () =>
          options.client.send(query),
        );
        for (const { listedAs, status } of Items) {
          const at = String(listedAs);
          const atMs = Date.parse(at.slice(0, at.indexOf("#")));
          entries.push(typeof status === "string" ? { atMs, status } : { atMs });
        }
        ExclusiveStartKey = LastEvaluatedKey;
        if (!ExclusiveStartKey) return { entries, isComplete: true };
      }
      return { entries, isComplete: false };
    },
  };
}
