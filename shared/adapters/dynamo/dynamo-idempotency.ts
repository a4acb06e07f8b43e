import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../../core/clock.ts";
import { sha256Hex } from "../../core/crypto/digest.ts";
import type { IdempotencyStore, KnownKey } from "../../core/requests/state/idempotency-store.ts";
import { callDependency } from "../dependency-down.ts";
import { conditionalWrite } from "./conditional-write.ts";
import { batchGet } from "./dynamo-batch-get.ts";

/** TTL deletes late, and DynamoDB removes a set with its last element: such an item counts as gone. */
const IS_GONE = "attribute_not_exists(id) OR attribute_not_exists(holders) OR expiresAt <= :now";

/** Idempotency keys, in the table of requests: one item for each, with the set of the calls that reserve it (`holders`). */
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
  const nowSeconds = () => Math.floor(clock.businessMs() / 1000);
  const entryIn = (item: Record<string, unknown> | undefined): KnownKey | undefined => {
    const isGone = !item?.holders || Number(item.expiresAt) <= nowSeconds();
    return isGone ? undefined : entryOf(item);
  };

  return {
    async find(clientId, key) {
      const get = new GetCommand({ TableName, Key: keyOf(clientId, key), ConsistentRead: true });
      const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
      return entryIn(Item);
    },

    async findMany(clientId, keys) {
      const named = new Map(keys.map((key) => [keyOf(clientId, key).lane, key]));
      const read = { tableName: TableName, keys: keys.map((key) => keyOf(clientId, key)) };
      const items = (await batchGet(client, [read])).get(TableName) ?? [];
      return new Map(
        items.flatMap((item) => {
          const entry = entryIn(item);
          return entry ? [[named.get(String(item.lane)) ?? "", entry] as const] : [];
        }),
      );
    },

    async reserve(of) {
      const { clientId, key, requestId, callId, insteadOf, expiresMs, lanes, ...entry } = of;
      const put = new PutCommand({
        TableName,
        Item: {
          ...keyOf(clientId, key),
          ...entry,
          requestId,
          ...(lanes ? { lanes: lanes.join(",") } : {}),
          holders: new Set([callId]),
          expiresAt: Math.ceil(expiresMs / 1000),
        },
        ConditionExpression:
          insteadOf === undefined ? IS_GONE : `${IS_GONE} OR requestId = :insteadOf`,
        ExpressionAttributeValues: {
          ":now": nowSeconds(),
          ...(insteadOf === undefined ? {} : { ":insteadOf": insteadOf }),
        },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      const result = await conditionalWrite("PutItem", () => client.send(put));
      const existing = "written" in result ? undefined : result.existing;
      return existing ? entryOf(existing) : { ...entry, requestId, lanes };
    },

    async joinReservation({ clientId, key, requestId, callId }) {
      const update = new UpdateCommand({
        TableName,
        Key: keyOf(clientId, key),
        UpdateExpression: "ADD holders :holder",
        ConditionExpression:
          "requestId = :requestId AND attribute_exists(holders) AND expiresAt > :now",
        ExpressionAttributeValues: {
          ":holder": new Set([callId]),
          ":requestId": requestId,
          ":now": nowSeconds(),
        },
      });
      return "written" in (await conditionalWrite("UpdateItem", () => client.send(update)));
    },

    async releaseReservation({ clientId, key, requestId, callId }) {
      const update = new UpdateCommand({
        TableName,
        Key: keyOf(clientId, key),
        UpdateExpression: "DELETE holders :holder",
        ConditionExpression: "requestId = :requestId",
        ExpressionAttributeValues: { ":holder": new Set([callId]), ":requestId": requestId },
      });
      await conditionalWrite("UpdateItem", () => client.send(update));
    },
  };
}

function entryOf(item: Record<string, unknown>): KnownKey {
  const { bodySha256, requestId, reservedRealMs, lanes } = item;
  return {
    bodySha256: String(bodySha256),
    requestId: String(requestId),
    reservedRealMs: Number(reservedRealMs),
    ...(lanes === undefined ? {} : { lanes: String(lanes).split(",") }),
  };
}
