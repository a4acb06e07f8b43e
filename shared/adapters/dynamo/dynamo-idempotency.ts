import { type DynamoDBDocumentClient, GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../../core/clock.ts";
import { sha256Hex } from "../../core/crypto/digest.ts";
import type { IdempotencyStore } from "../../core/requests/state/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { conditionalWrite } from "./conditional-write.ts";

/** Idempotency keys, in the table of requests: one item for each. */
export function makeDynamoIdempotency(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
}): IdempotencyStore {
  const { client, tableName: TableName, clock } = options;
  const keyOf = (clientId: string, key: string) => ({
    lane: `idempotency#${clientId}#${sha256Hex(key)}`,
    id: "#",
  });

  return {
    async find(clientId, key) {
      const get = new GetCommand({ TableName, Key: keyOf(clientId, key), ConsistentRead: true });
      const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
      if (!Item || Number(Item.expiresAt) * 1000 <= clock.businessMs()) return undefined;
      return { bodySha256: String(Item.bodySha256), requestId: String(Item.requestId) };
    },

    async reserve({ clientId, key, bodySha256, requestId, expiresMs }) {
      const put = new PutCommand({
        TableName,
        Item: {
          ...keyOf(clientId, key),
          bodySha256,
          requestId,
          expiresAt: Math.ceil(expiresMs / 1000),
        },
        // TTL deletes late: an item past its time counts as gone.
        ConditionExpression: "attribute_not_exists(id) OR expiresAt <= :now",
        ExpressionAttributeValues: { ":now": Math.floor(clock.businessMs() / 1000) },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      const result = await conditionalWrite("PutItem", () => client.send(put));
      if ("written" in result || result.existing === undefined) return { bodySha256, requestId };
      const { existing } = result;
      return { bodySha256: String(existing.bodySha256), requestId: String(existing.requestId) };
    },
  };
}
