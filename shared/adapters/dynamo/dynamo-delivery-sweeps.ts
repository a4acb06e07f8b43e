import { type DynamoDBDocumentClient, QueryCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { deliveriesTable } from "../../contracts/tables.ts";
import { toAttemptMessage } from "../../core/deliveries/state/attempt-message.ts";
import type { DeliveryStore } from "../../core/deliveries/state/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { conditionalWrite } from "./conditional-write.ts";

/** The attributes that the index `due` holds, so that a sweep does not read the items. */
const dueEntry = z.object({
  id: z.string(),
  clientId: z.string(),
  webhookId: z.string(),
  requestId: z.optional(z.string()),
  dueAt: z.number(),
  nextMs: z.number(),
});

/** Queries the sparse indexes of deliveries that the sweep must act on. They are eventually consistent. */
export function makeDynamoDeliverySweeps(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
}): Pick<DeliveryStore, "findDue" | "setSweepDue" | "findStale"> {
  const { client, tableName: TableName } = options;
  const { due, sweep } = deliveriesTable.indexes;

  async function queryEarliest(
    index: typeof due | typeof sweep,
    of: {
      shard: number;
      untilMs: number;
      limit: number;
      /** The last entry of the page before. */
      after?: { id: string; atMs: number } | undefined;
    },
  ) {
    const { shard, untilMs, limit, after } = of;
    const command = new QueryCommand({
      TableName,
      IndexName: index.name,
      KeyConditionExpression: `${index.partitionKey} = :shard AND ${index.sortKey} <= :until`,
      ExpressionAttributeValues: { ":shard": String(shard), ":until": untilMs },
      Limit: limit,
      ...(after === undefined
        ? {}
        : {
            ExclusiveStartKey: {
              id: after.id,
              [index.partitionKey]: String(shard),
              [index.sortKey]: after.atMs,
            },
          }),
    });
    const { Items = [] } = await callDependency("DynamoDB Query", () => client.send(command));
    return Items;
  }

  return {
    async findDue({ after, ...of }) {
      const behind = after && { id: after.message.deliveryId, atMs: after.dueMs };
      return (await queryEarliest(due, { ...of, after: behind })).map((entry) => {
        const { id, dueAt, nextMs, ...rest } = dueEntry.parse(entry);
        return {
          message: toAttemptMessage({ ...rest, deliveryId: id }),
          dueMs: dueAt,
          nextMs,
        };
      });
    },

    // The version does not change, so that a worker that read the delivery before may still write it.
    async setSweepDue(seen, dueMs) {
      const command = new UpdateCommand({
        TableName,
        Key: { id: seen.message.deliveryId },
        UpdateExpression: "SET dueAt = :due",
        ConditionExpression: "dueAt = :seen",
        ExpressionAttributeValues: { ":due": dueMs, ":seen": seen.dueMs },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      const result = await conditionalWrite("UpdateItem", () => client.send(command));
      // The response was lost, and the retry found its own write.
      return "written" in result || result.existing?.dueAt === dueMs;
    },

    async findStale({ shard, beforeRealMs, limit, after }) {
      const behind = after && { id: after.id, atMs: after.sweepAtRealMs };
      const of = { shard, untilMs: beforeRealMs, limit, after: behind };
      const found = await queryEarliest(sweep, of);
      return found.map(({ id, sweepAt }) => ({
        id: String(id),
        sweepAtRealMs: Number(sweepAt),
      }));
    },
  };
}
