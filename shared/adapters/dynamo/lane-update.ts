import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { conditionalWrite } from "./conditional-write.ts";
import { LANE_ID } from "./lane-item.ts";
import { duePartition, requestShardOf } from "./sweep-partition.ts";

/** One conditional UpdateItem of a lane's item. */
export interface LaneItemUpdate {
  set?: string[];
  remove?: string[];
  /** Elements that become part of a set, or what is added to a number. */
  add?: string[];
  /** Elements that are taken out of a set. */
  delete?: string[];
  condition: string;
  names?: Record<string, string>;
  values: Record<string, unknown>;
  returns?: "ALL_OLD";
}

export type LaneUpdate = ReturnType<typeof makeLaneUpdate>;

/** Attempts when other writers change the lane between two writes of ours. */
export const MAX_ATTEMPTS = 5;

/** Accompanies each write of `dueAt`, and puts the lane into the index of the sweep. */
export const SET_DUE = "dueShard = :shard";

/** @param isOnlyCheck nothing can be submitted when the lane is due */
export const shardOfLane = (lane: string, isOnlyCheck = false) =>
  duePartition(isOnlyCheck ? "end" : "start", requestShardOf(lane));

/**
 * Returns a function that makes one update. It returns the attributes that `returns` asks
 * for as `written`, or the stored item as `existing` when the condition is false.
 */
export function makeLaneUpdate(options: { client: DynamoDBDocumentClient; tableName: string }) {
  const { client, tableName: TableName } = options;
  return async (lane: string, change: LaneItemUpdate) => {
    const { set, remove, add, delete: taken, condition, names, values, returns } = change;
    const clauses = { SET: set, REMOVE: remove, ADD: add, DELETE: taken };
    const expression = Object.entries(clauses)
      .flatMap(([name, of = []]) => (of.length > 0 ? [`${name} ${of.join(", ")}`] : []))
      .join(" ");
    const command = new UpdateCommand({
      TableName,
      Key: { lane, id: LANE_ID },
      UpdateExpression: expression,
      ConditionExpression: condition,
      ...(names ? { ExpressionAttributeNames: names } : {}),
      ExpressionAttributeValues: values,
      ReturnValues: returns ?? "NONE",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const result = await conditionalWrite("UpdateItem", () => client.send(command));
    return "written" in result ? { written: result.written.Attributes } : result;
  };
}
