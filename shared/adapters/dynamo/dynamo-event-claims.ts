import {
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { eventType } from "../../contracts/events.ts";
import { eventsTable, OUTBOX_SHARD_COUNT } from "../../contracts/tables.ts";
import type { Clock, Lease } from "../../core/clock.ts";
import type { FinalEvent } from "../../core/events/envelope.ts";
import type { EventClaimResult, EventClaims, UnpublishedEvent } from "../../core/events/ports.ts";
import type { BlobStore } from "../../core/inbound/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { conditionalWrite } from "./conditional-write.ts";
import { packedText } from "./packed-text.ts";
import { shardOf } from "./shard.ts";
import { storeLargeEnvelope } from "./store-large-envelope.ts";

const item = z.object({
  id: z.string(),
  clientId: z.string(),
  type: eventType,
  envelope: z.optional(packedText),
  envelopeKey: z.optional(z.string()),
  status: z.enum(["CLAIMED", "PUBLISHED"]),
  owner: z.optional(z.string()),
  leaseUntilMs: z.optional(z.number()),
  publishedBy: z.optional(z.string()),
});

type Item = z.output<typeof item>;

const shardOfEvent = (id: string) => shardOf(id, OUTBOX_SHARD_COUNT);

/**
 * Event claims on DynamoDB, by conditional writes on single items.
 *
 * `claim` and `complete` may be repeated with the same owner (the SDK does, when
 * an answer was lost): the owner's own earlier write is recognised by its `owner`.
 */
export function makeDynamoEventClaims(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
  /** For envelopes that are too large for the item. */
  bodies: BlobStore;
  /** How long a published event is known, in business time. */
  retentionMs: number;
}): EventClaims {
  const { client, tableName: TableName, clock, bodies } = options;

  async function eventOf({ id, type, clientId, envelope, envelopeKey }: Item): Promise<FinalEvent> {
    if (envelope !== undefined) return { id, type, clientId, envelope };
    const bytes = await bodies.get(envelopeKey ?? "");
    return { id, type, clientId, envelope: Buffer.from(bytes).toString("utf8") };
  }

  /** Returns the result of a claim on an existing item; `undefined` when the event can be claimed. */
  async function claimResultFor(
    existing: Record<string, unknown> | undefined,
    owner: string,
  ): Promise<EventClaimResult | undefined> {
    if (existing === undefined) return undefined;
    const seen = item.parse(existing);
    if (seen.status === "PUBLISHED") {
      return { kind: "done", envelope: (await eventOf(seen)).envelope };
    }
    if (seen.owner === owner) return { kind: "granted", event: await eventOf(seen) };
    const untilMs = seen.leaseUntilMs ?? 0;
    return untilMs > clock.realMs() ? { kind: "held", untilMs } : undefined;
  }

  async function claim(
    event: FinalEvent,
    lease: Lease,
    { isRetriedByQueue }: { isRetriedByQueue?: boolean } = {},
  ): Promise<EventClaimResult> {
    const put = new PutCommand({
      TableName,
      Item: {
        id: event.id,
        clientId: event.clientId,
        type: event.type,
        ...(await storeLargeEnvelope(bodies, event)),
        ...(event.raw ? { raw: event.raw } : {}),
        listedAs: `${new Date(clock.businessMs()).toISOString()}#${event.id}`,
        status: "CLAIMED",
        owner: lease.owner,
        leaseUntilMs: lease.untilMs,
        ...(isRetriedByQueue
          ? {}
          : { outboxShard: shardOfEvent(event.id), outboxAt: clock.realMs() }),
      },
      // TTL deletes late: an item past its time counts as gone. Unpublished ones have no such time.
      ConditionExpression: "attribute_not_exists(id) OR expiresAt <= :now",
      ExpressionAttributeValues: { ":now": Math.floor(clock.businessMs() / 1000) },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const result = await conditionalWrite("PutItem", () => client.send(put));
    if ("written" in result) return { kind: "granted", event };
    const existingResult = await claimResultFor(result.existing, lease.owner);
    return (
      existingResult ??
      (await claimStored(event.id, lease)) ?? { kind: "held", untilMs: lease.untilMs }
    );
  }

  async function claimStored(id: string, lease: Lease): Promise<EventClaimResult | undefined> {
    const update = new UpdateCommand({
      TableName,
      Key: { id },
      UpdateExpression: "SET #owner = :owner, leaseUntilMs = :until",
      ConditionExpression: "#status = :claimed AND (leaseUntilMs <= :now OR #owner = :owner)",
      ExpressionAttributeNames: { "#owner": "owner", "#status": "status" },
      ExpressionAttributeValues: {
        ":owner": lease.owner,
        ":until": lease.untilMs,
        ":now": clock.realMs(),
        ":claimed": "CLAIMED",
      },
      ReturnValues: "ALL_NEW",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const result = await conditionalWrite("UpdateItem", () => client.send(update));
    if ("written" in result) {
      return { kind: "granted", event: await eventOf(item.parse(result.written.Attributes)) };
    }
    if (result.existing === undefined) return undefined;
    return (
      // The claim expired after the write was refused: a later call can claim the event.
      (await claimResultFor(result.existing, lease.owner)) ?? {
        kind: "held",
        untilMs: lease.untilMs,
      }
    );
  }

  async function complete(id: string, owner: string): Promise<"completed" | "lost"> {
    const now = clock.businessMs();
    const update = new UpdateCommand({
      TableName,
      Key: { id },
      UpdateExpression:
        "SET #status = :published, publishedAt = :at, publishedBy = :owner, expiresAt = :expires REMOVE #owner, leaseUntilMs, outboxShard, outboxAt",
      ConditionExpression: "#owner = :owner",
      ExpressionAttributeNames: { "#owner": "owner", "#status": "status" },
      ExpressionAttributeValues: {
        ":published": "PUBLISHED",
        ":at": new Date(now).toISOString(),
        ":owner": owner,
        ":expires": Math.ceil((now + options.retentionMs) / 1000),
      },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const result = await conditionalWrite("UpdateItem", () => client.send(update));
    const isOurs = "written" in result || result.existing?.publishedBy === owner;
    return isOurs ? "completed" : "lost";
  }

  async function endClaim(id: string, owner: string, change: string, values: object) {
    const update = new UpdateCommand({
      TableName,
      Key: { id },
      UpdateExpression: `SET leaseUntilMs = :ended${change}`,
      ConditionExpression: "#owner = :owner",
      ExpressionAttributeNames: { "#owner": "owner" },
      ExpressionAttributeValues: { ":owner": owner, ":ended": 0, ...values },
    });
    await conditionalWrite("UpdateItem", () => client.send(update));
  }

  const release = (id: string, owner: string) =>
    endClaim(id, owner, ", outboxShard = :shard, outboxAt = :now", {
      ":shard": shardOfEvent(id),
      ":now": clock.realMs(),
    });

  const removeFromOutbox = (id: string, owner: string) =>
    endClaim(id, owner, " REMOVE outboxShard, outboxAt", {});

  async function unpublished({
    shard,
    beforeMs,
    limit,
    after,
  }: Parameters<EventClaims["unpublished"]>[0]): Promise<UnpublishedEvent[]> {
    const { name, partitionKey, sortKey } = eventsTable.indexes.outbox;
    const query = new QueryCommand({
      TableName,
      IndexName: name,
      KeyConditionExpression: `${partitionKey} = :shard AND ${sortKey} < :before`,
      ExpressionAttributeValues: { ":shard": String(shard), ":before": beforeMs },
      Limit: limit,
      ...(after === undefined
        ? {}
        : {
            ExclusiveStartKey: {
              id: after.id,
              [partitionKey]: String(shard),
              [sortKey]: after.sinceMs,
            },
          }),
    });
    const { Items = [] } = await callDependency("DynamoDB Query", () => client.send(query));
    return Items.map((found) => ({ id: String(found.id), sinceMs: Number(found[sortKey]) }));
  }

  return { claim, claimStored, complete, release, removeFromOutbox, unpublished };
}
