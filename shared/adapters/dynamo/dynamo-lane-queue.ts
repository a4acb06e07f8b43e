import {
  type DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { requestsTable } from "../../contracts/tables.ts";
import type { QueuedRequest } from "../../core/requests/state/lane-ports.ts";
import type { RequestStore } from "../../core/requests/state/ports.ts";
import type { RequestRecord } from "../../core/requests/state/record.ts";
import { firstOfEachSubQueue } from "../../core/requests/state/sub-queue.ts";
import { callDependency } from "../dependency-down.ts";
import {
  HOLDING,
  readWaitingKey,
  SCHEDULED,
  scheduledKey,
  WAITING,
  WITHOUT_SUB_QUEUE,
  waitingPrefix,
  workedKey,
} from "./lane-key.ts";
import { readRequestItem } from "./request-item.ts";

/** Requests that hold a lane and are read at once. There is one as a rule. */
const HOLDERS_PAGE = 3;

/** Requests of the head of a lane with one sub-queue that are read at once: its holder, the first, and whether others wait. */
const HEAD_PAGE = 4;

/** The first of a sub-queue, and whether others wait behind it. */
const SUB_QUEUE_PAGE = 2;

type LaneReads = Pick<
  RequestStore,
  | "readLaneHead"
  | "findTakenSince"
  | "readQueue"
  | "findScheduledBefore"
  | "firstLogin"
  | "countWaiting"
>;

/** What a lane's local index shows: who holds the lane, waits in it, will join it, or has left it. */
export function makeDynamoLaneQueue(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
}): LaneReads {
  const { client, tableName: TableName } = options;
  const { queue } = requestsTable.localIndexes;

  async function query(input: Omit<QueryCommandInput, "TableName">) {
    const command = new QueryCommand({ TableName, ...input });
    return callDependency("DynamoDB Query", () => client.send(command));
  }

  const ofLane = (lane: string) => ({
    IndexName: queue.name,
    ConsistentRead: true,
    // The index holds only keys: the items are read from the table.
    Select: "ALL_ATTRIBUTES" as const,
    KeyConditionExpression: "lane = :lane",
    ExpressionAttributeValues: { ":lane": lane },
  });
  const waitingIn = (lane: string) => ({
    ...ofLane(lane),
    KeyConditionExpression: `lane = :lane AND begins_with(${queue.sortKey}, :waiting)`,
    ExpressionAttributeValues: { ":lane": lane, ":waiting": WAITING },
  });

  /** The requests of a lane whose keys have this prefix, or are between these, by key. */
  async function rangeOf(
    lane: string,
    of: ({ prefix: string } | { from: string; to: string }) & { limit?: number },
  ): Promise<RequestRecord[]> {
    const { limit = Number.POSITIVE_INFINITY } = of;
    const keys = "prefix" in of ? { ":prefix": of.prefix } : { ":from": of.from, ":to": of.to };
    const condition =
      "prefix" in of
        ? `begins_with(${queue.sortKey}, :prefix)`
        : `${queue.sortKey} BETWEEN :from AND :to`;
    const found: RequestRecord[] = [];
    let from: Record<string, unknown> | undefined;
    do {
      // A page ends at 1 MB, even below the limit.
      const page = await query({
        ...ofLane(lane),
        KeyConditionExpression: `lane = :lane AND ${condition}`,
        ExpressionAttributeValues: { ":lane": lane, ...keys },
        ...(Number.isFinite(limit) ? { Limit: limit - found.length } : {}),
        ...(from ? { ExclusiveStartKey: from } : {}),
      });
      found.push(...(page.Items ?? []).map((item) => readRequestItem(item).request));
      from = page.LastEvaluatedKey;
    } while (from && found.length < limit);
    return found;
  }

  return {
    async readLaneHead(lane) {
      if (lane.isMigratedToSubQueues && lane.subQueues.length < 2) {
        const range = { from: HOLDING, to: SCHEDULED, limit: HEAD_PAGE };
        const head = await rangeOf(lane.lane, range);
        const waiting = head.filter(({ laneState }) => laneState === "waiting");
        const isFull = head.length === HEAD_PAGE;
        return {
          holders: head.filter(({ laneState }) => laneState === "holding"),
          hasMoreHolders: isFull && waiting.length === 0,
          firsts: firstOfEachSubQueue(waiting),
          hasMoreWaiting: isFull || waiting.length > 1,
        };
      }
      const [holders = [], ...waiting] = await Promise.all([
        rangeOf(lane.lane, { prefix: HOLDING, limit: HOLDERS_PAGE }),
        ...lane.subQueues.map((subQueue) =>
          rangeOf(lane.lane, { prefix: waitingPrefix(subQueue), limit: SUB_QUEUE_PAGE }),
        ),
        ...(lane.isMigratedToSubQueues
          ? []
          : [rangeOf(lane.lane, { ...WITHOUT_SUB_QUEUE, limit: SUB_QUEUE_PAGE })]),
      ]);
      return {
        holders,
        hasMoreHolders: holders.length === HOLDERS_PAGE,
        firsts: firstOfEachSubQueue(waiting.flat()),
        hasMoreWaiting: waiting.some((page) => page.length === SUB_QUEUE_PAGE),
      };
    },

    async findTakenSince(lane, sinceMs) {
      return rangeOf(lane, { from: workedKey(sinceMs), to: workedKey(Number.MAX_SAFE_INTEGER) });
    },

    async readQueue(lane, limit) {
      const waiting: QueuedRequest[] = [];
      const holders: string[] = [];
      let from: Record<string, unknown> | undefined;
      do {
        const page = await query({
          ...ofLane(lane),
          ConsistentRead: false,
          Select: "ALL_PROJECTED_ATTRIBUTES",
          KeyConditionExpression: `lane = :lane AND ${queue.sortKey} BETWEEN :from AND :to`,
          ExpressionAttributeValues: { ":lane": lane, ":from": HOLDING, ":to": SCHEDULED },
          Limit: limit - waiting.length,
          ...(from ? { ExclusiveStartKey: from } : {}),
        });
        for (const { id, [queue.sortKey]: key } of page.Items ?? []) {
          const of = readWaitingKey(String(key));
          if (of) waiting.push({ requestId: String(id), ...of });
          else holders.push(String(id));
        }
        from = page.LastEvaluatedKey;
      } while (from && waiting.length < limit);
      return { holders, waiting };
    },

    async findScheduledBefore(request, limit) {
      const { lane } = request;
      const before = scheduledKey(request);
      const { Items = [] } = await query({
        IndexName: queue.name,
        ConsistentRead: true,
        KeyConditionExpression: `lane = :lane AND ${queue.sortKey} BETWEEN :first AND :before`,
        ExpressionAttributeValues: { ":lane": lane, ":first": SCHEDULED, ":before": before },
        // The request itself may be the last one.
        Limit: limit + 1,
      });
      const ids = Items.map(({ id }) => String(id)).filter((id) => id !== request.requestId);
      return ids.slice(0, limit);
    },

    async firstLogin(lane) {
      let from: Record<string, unknown> | undefined;
      do {
        const page = await query({
          ...waitingIn(lane),
          FilterExpression: "isLogin = :yes",
          ExpressionAttributeValues: { ":lane": lane, ":waiting": WAITING, ":yes": true },
          ...(from ? { ExclusiveStartKey: from } : {}),
        });
        const [first] = page.Items ?? [];
        if (first) return readRequestItem(first).request;
        from = page.LastEvaluatedKey;
      } while (from);
      return undefined;
    },

    async countWaiting(lane, limit) {
      let count = 0;
      let from: Record<string, unknown> | undefined;
      do {
        const page = await query({
          ...waitingIn(lane),
          Select: "COUNT",
          Limit: limit - count,
          ...(from ? { ExclusiveStartKey: from } : {}),
        });
        count += page.Count ?? 0;
        from = page.LastEvaluatedKey;
      } while (from && count < limit);
      return count;
    },
  };
}
