import { randomUUID } from "node:crypto";
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { Failure } from "../../contracts/failures.ts";
import { requestsTable } from "../../contracts/tables.ts";
import type { Clock } from "../../core/clock.ts";
import { laneOf } from "../../core/requests/acceptance/request-id.ts";
import type { DueEntry, RequestStore, StaleEntry } from "../../core/requests/state/ports.ts";
import type { Lane, RequestRecord } from "../../core/requests/state/record.ts";
import { callDependency } from "../dependency-down.ts";
import { conditionalWrite } from "./conditional-write.ts";
import { batchGet } from "./dynamo-batch-get.ts";
import { makeDynamoLaneQueue } from "./dynamo-lane-queue.ts";
import { makeDynamoRequestGroup } from "./dynamo-request-group.ts";
import { makeDynamoRequestList } from "./dynamo-request-list.ts";
import { LANE_ID, readLaneItem } from "./lane-item.ts";
import { readable } from "./readable.ts";
import { readableRequests, readRequestItem, requestItem } from "./request-item.ts";
import { duePartition, stalePartition } from "./sweep-partition.ts";

/** Requests on DynamoDB: each write is one conditional PutItem, by the version that was read. */
export function makeDynamoRequestStore(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
}): RequestStore {
  const { client, tableName: TableName, clock } = options;
  const { due, sweep } = requestsTable.indexes;

  function keyOf(requestId: string) {
    const lane = laneOf(requestId);
    return lane === undefined ? undefined : { lane, id: requestId };
  }
  const itemKeyOf = ({ lane, requestId = LANE_ID }: Pick<DueEntry, "lane" | "requestId">) => ({
    lane,
    id: requestId,
  });
  /** TTL deletes late: an item past its time counts as gone. */
  const isAlive = ({ expiresMs }: RequestRecord) =>
    expiresMs === undefined || expiresMs > clock.businessMs();

  async function find(requestId: string): Promise<RequestRecord | undefined> {
    const Key = keyOf(requestId);
    if (Key === undefined) return undefined;
    const get = new GetCommand({ TableName, Key, ConsistentRead: true });
    const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
    const request = Item && readRequestItem(Item).request;
    return request && isAlive(request) ? request : undefined;
  }

  async function put(
    request: RequestRecord,
    condition: Pick<QueryCommandInput, "ExpressionAttributeValues"> & {
      ConditionExpression: string;
    },
  ): Promise<"written" | RequestRecord | undefined> {
    const writeId = randomUUID();
    const command = new PutCommand({
      TableName,
      Item: requestItem(request, writeId),
      ...condition,
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const result = await conditionalWrite("PutItem", () => client.send(command));
    if ("written" in result) return "written";
    if (result.existing === undefined) return undefined;
    const existing = readRequestItem(result.existing);
    // The SDK tried again after a lost answer, and met its own write.
    return existing.writeId === writeId ? "written" : existing.request;
  }

  async function query(input: Omit<QueryCommandInput, "TableName">) {
    const command = new QueryCommand({ TableName, ...input });
    return callDependency("DynamoDB Query", () => client.send(command));
  }

  /** A page of one partition of a sweep's index. `after` is the last entry of the page before. */
  async function queryEarliest(
    index: typeof due | typeof sweep,
    partition: string,
    of: {
      untilMs: number;
      limit: number;
      after?: { lane: string; id: string; atMs: number } | undefined;
    },
  ): Promise<Record<string, unknown>[]> {
    const { lane, id, atMs } = of.after ?? {};
    const { Items = [] } = await query({
      IndexName: index.name,
      KeyConditionExpression: `${index.partitionKey} = :shard AND ${index.sortKey} <= :until`,
      ExpressionAttributeValues: { ":shard": partition, ":until": of.untilMs },
      Limit: of.limit,
      ...(of.after === undefined
        ? {}
        : {
            ExclusiveStartKey: {
              lane,
              id,
              [index.partitionKey]: partition,
              [index.sortKey]: atMs,
            },
          }),
    });
    return Items;
  }

  return {
    find,

    async findWithLanes(requestIds) {
      const keys = requestIds.flatMap((id) => {
        const key = keyOf(id);
        return key ? [key, { lane: key.lane, id: LANE_ID }] : [];
      });
      const lanes = new Map<string, Lane>();
      const items = (await batchGet(client, [{ tableName: TableName, keys }])).get(TableName) ?? [];
      for (const item of items) {
        // A lane that cannot be read fails where it is worked, and not the others of the batch.
        const lane = item.id === LANE_ID ? readable(() => readLaneItem(item)) : undefined;
        if (lane) lanes.set(String(item.lane), lane);
      }
      return new Map(
        readableRequests(items.filter(({ id }) => id !== LANE_ID))
          .filter(isAlive)
          .map((request) => [request.requestId, { request, lane: lanes.get(request.lane) }]),
      );
    },

    async create(request) {
      const fresh = { ...request, version: 1 };
      const result = await put(fresh, { ConditionExpression: "attribute_not_exists(id)" });
      if (result === "written") return "created";
      if (result) return result;
      throw new Failure("DEPENDENCY_DOWN", "a request that was there is gone");
    },

    async replace(request) {
      const next = { ...request, version: request.version + 1 };
      const result = await put(next, {
        ConditionExpression: "version = :read",
        ExpressionAttributeValues: { ":read": request.version },
      });
      return result === "written" ? next : undefined;
    },

    ...makeDynamoLaneQueue({ client, tableName: TableName }),

    list: makeDynamoRequestList({ ...options, keyOf, isAlive }),

    readGroup: makeDynamoRequestGroup({ ...options, keyOf }),

    async findDue({ work, shard, untilMs, limit, after }): Promise<DueEntry[]> {
      const found = await queryEarliest(due, duePartition(work, shard), {
        untilMs,
        limit,
        after: after && { ...itemKeyOf(after), atMs: after.dueMs },
      });
      return found.map(({ lane, id, dueAt }) => ({
        lane: String(lane),
        ...(id === LANE_ID ? {} : { requestId: String(id) }),
        dueMs: Number(dueAt),
      }));
    },

    async postponeSweep(seen, dueMs) {
      const command = new UpdateCommand({
        TableName,
        Key: itemKeyOf(seen),
        UpdateExpression: "SET dueAt = :due",
        ConditionExpression: "dueAt = :seen",
        ExpressionAttributeValues: { ":due": dueMs, ":seen": seen.dueMs },
        ReturnValues: "ALL_NEW",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      const result = await conditionalWrite("UpdateItem", () => client.send(command));
      const stored = "written" in result ? result.written.Attributes : result.existing;
      // Where the condition failed: the response was lost, and the retry found its own write.
      return stored?.dueAt === dueMs ? { clientId: String(stored.clientId) } : undefined;
    },

    async findStale({ work, shard, beforeRealMs, limit, after }): Promise<StaleEntry[]> {
      const found = await queryEarliest(sweep, stalePartition(work, shard), {
        untilMs: beforeRealMs,
        limit,
        after: after && {
          lane: laneOf(after.requestId) ?? "",
          id: after.requestId,
          atMs: after.sweepAtRealMs,
        },
      });
      return found.map(({ id, sweepAt }) => ({
        requestId: String(id),
        sweepAtRealMs: Number(sweepAt),
      }));
    },
  };
}
