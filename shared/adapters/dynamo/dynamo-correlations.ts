import { type DynamoDBDocumentClient, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { CORRELATION_PREFIX } from "../../contracts/tables.ts";
import type { Clock } from "../../core/clock.ts";
import { sha256Hex } from "../../core/crypto/digest.ts";
import type { CorrelationStore, FoundEvent } from "../../core/requests/state/correlation-ports.ts";
import { callDependency } from "../dependency-down.ts";
import { batchPut } from "./dynamo-batch-write.ts";

/** How long (business) after its first receipt an event may be sent again. */
const COPIES_MS = 86_400_000;

interface StoredEvent extends FoundEvent {
  id: string;
}

/** Which event an item is of: the copies of one have other times of receipt. */
const eventOf = ({ id }: StoredEvent) => id.slice(id.lastIndexOf("#"));

/**
 * Events and their watchers in the table of requests: one partition for each correlation key of a
 * connection, with an item for each event and one for each request that watches.
 */
export function makeDynamoCorrelations(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
  /** How long an event is known (business). */
  retentionMs: number;
}): CorrelationStore {
  const { client, tableName, clock } = options;

  const partitionOf = (connectionId: string, key: string) =>
    `${CORRELATION_PREFIX}${connectionId}#${key}`;
  const sortable = (ms: number) => String(Math.trunc(ms)).padStart(16, "0");
  /** TTL deletes late: an item past its time counts as gone. */
  const isAlive = ({ expiresAt }: Record<string, unknown>) =>
    Number(expiresAt) * 1000 > clock.businessMs();

  /** The items of these partitions between two sort keys; strongly consistent. */
  async function query(
    of: { connectionId: string; keys: readonly string[] },
    { from, to }: { from: string; to: string },
  ): Promise<Record<string, unknown>[]> {
    const found = await Promise.all(
      of.keys.map((key) => queryPartition(partitionOf(of.connectionId, key), { from, to })),
    );
    return found.flat().filter(isAlive);
  }

  async function queryPartition(lane: string, { from, to }: { from: string; to: string }) {
    const items: Record<string, unknown>[] = [];
    let start: Record<string, unknown> | undefined;
    do {
      const command = new QueryCommand({
        TableName: tableName,
        ConsistentRead: true,
        KeyConditionExpression: "lane = :lane AND id BETWEEN :from AND :to",
        ExpressionAttributeValues: { ":lane": lane, ":from": from, ":to": to },
        ...(start ? { ExclusiveStartKey: start } : {}),
      });
      const page = await callDependency("DynamoDB Query", () => client.send(command));
      items.push(...(page.Items ?? []));
      start = page.LastEvaluatedKey;
    } while (start);
    return items;
  }

  return {
    async recordEvent({ connectionId, type, eventId, keys, receivedMs, accountId }, signal) {
      const expiresAt = Math.ceil((clock.businessMs() + options.retentionMs) / 1000);
      const items = keys.map((key) => ({
        lane: partitionOf(connectionId, key),
        id: `event#${type}#${sortable(receivedMs)}#${sha256Hex(eventId).slice(0, 16)}`,
        receivedMs,
        ...(accountId === undefined ? {} : { accountId }),
        expiresAt,
      }));
      await batchPut(client, { tableName, items }, signal);
    },

    async findEvents({ type, sinceMs, ...of }) {
      const from = `event#${type}#${sortable(Math.max(0, sinceMs - COPIES_MS))}`;
      const items = await query(of, { from, to: `event#${type}#~` });
      const found = items as (Record<string, unknown> & StoredEvent)[];
      const known = new Set(found.filter(({ receivedMs }) => receivedMs < sinceMs).map(eventOf));
      return found
        .filter((one) => one.receivedMs >= sinceMs && !known.has(eventOf(one)))
        .map(({ receivedMs, accountId }) => ({ receivedMs, accountId }));
    },

    async watch({ connectionId, keys, requestId, untilMs }) {
      const items = keys.map((key) => ({
        lane: partitionOf(connectionId, key),
        id: `watch#${requestId}`,
        requestId,
        expiresAt: Math.ceil(untilMs / 1000),
      }));
      await batchPut(client, { tableName, items });
    },

    async findWatchers(of) {
      const found = await query(of, { from: "watch#", to: "watch#~" });
      return [...new Set(found.map(({ requestId }) => String(requestId)))];
    },
  };
}
