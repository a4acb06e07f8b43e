import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../../core/clock.ts";
import { headerSafeId } from "../../core/events/event-id.ts";
import type { Reference, ReferenceStore } from "../../core/requests/state/ports.ts";
import { callDependency } from "../dependency-down.ts";
import { conditionalWrite } from "./conditional-write.ts";
import { batchGet } from "./dynamo-batch-get.ts";

/** Sort key of items that are alone in their partition. */
const SINGLETON_SORT_KEY = "#";

/** How long (business) a forbidden call of one account counts against those of the others. */
const FORBIDDEN_WINDOW_MS = 3_600_000;

/** What is known of providers' ids, in the table of requests: one item for each id. */
export function makeDynamoReferences(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
  /** How long an id is known after it was last written (business). */
  retentionMs: number;
}): ReferenceStore {
  const { client, tableName: TableName, clock } = options;

  const referenceKey = (id: { connectionId: string; providerRequestId: string }) => ({
    lane: `ref#${id.connectionId}#${headerSafeId(id.providerRequestId)}`,
    id: SINGLETON_SORT_KEY,
  });
  const submittingUntilKey = (connectionId: string) => ({
    lane: `submitting#${connectionId}`,
    id: SINGLETON_SORT_KEY,
  });
  const expiresAt = () => Math.ceil((clock.businessMs() + options.retentionMs) / 1000);

  function referenceOf(item: Record<string, unknown> | undefined): Reference | undefined {
    // TTL deletes late: an item past its time counts as gone.
    if (!item || Number(item.expiresAt) * 1000 <= clock.businessMs()) return undefined;
    const event = typeof item.eventId === "string" ? { eventId: item.eventId } : undefined;
    return typeof item.requestId === "string" ? { requestId: item.requestId, ...event } : event;
  }

  return {
    async findByProviderIds(ids) {
      const keys = ids.flatMap((one) => [referenceKey(one), submittingUntilKey(one.connectionId)]);
      const items = (await batchGet(client, [{ tableName: TableName, keys }])).get(TableName) ?? [];
      const found = new Map(items.map((item) => [item.lane, item]));
      return ids.map((one) => ({
        reference: referenceOf(found.get(referenceKey(one).lane)),
        submittingUntilRealMs: Number(
          found.get(submittingUntilKey(one.connectionId).lane)?.untilRealMs ?? 0,
        ),
      }));
    },

    async bind({ requestId, ...id }) {
      const update = new UpdateCommand({
        TableName,
        Key: referenceKey(id),
        // The earlier event stays recorded, so that binding again returns the same result.
        UpdateExpression: "SET requestId = :mine, expiresAt = :expires",
        // An id that is another request's stays that one's.
        ConditionExpression:
          "attribute_not_exists(requestId) OR requestId = :mine OR expiresAt <= :now",
        ExpressionAttributeValues: {
          ":mine": requestId,
          ":expires": expiresAt(),
          ":now": Math.floor(clock.businessMs() / 1000),
        },
        ReturnValues: "ALL_OLD",
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      const result = await conditionalWrite("UpdateItem", () => client.send(update));
      if (!("written" in result)) return referenceOf(result.existing);
      const { requestId: _, ...before } = result.written.Attributes ?? {};
      return referenceOf(before);
    },

    async recordUnlessBound({ eventId, isFinal, ...id }) {
      const update = new UpdateCommand({
        TableName,
        Key: referenceKey(id),
        // A final event replaces an earlier event, and is not replaced by one.
        UpdateExpression: isFinal
          ? "SET eventId = :event, expiresAt = :expires REMOVE requestId"
          : "SET eventId = if_not_exists(eventId, :event), expiresAt = :expires REMOVE requestId",
        ConditionExpression: "attribute_not_exists(requestId) OR expiresAt <= :now",
        ExpressionAttributeValues: {
          ":event": eventId,
          ":expires": expiresAt(),
          ":now": Math.floor(clock.businessMs() / 1000),
        },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      });
      const result = await conditionalWrite("UpdateItem", () => client.send(update));
      const found = "written" in result ? undefined : referenceOf(result.existing);
      return found && "requestId" in found ? found : undefined;
    },

    async noteForbidden({ connectionId, accountId }) {
      const nowMs = clock.businessMs();
      const update = new UpdateCommand({
        TableName,
        Key: { lane: `forbidden#${connectionId}`, id: SINGLETON_SORT_KEY },
        UpdateExpression: "SET accountId = :account, atMs = :now, expiresAt = :expires",
        ExpressionAttributeValues: {
          ":account": accountId,
          ":now": nowMs,
          ":expires": expiresAt(),
        },
        ReturnValues: "ALL_OLD",
      });
      const { Attributes: before } = await callDependency("DynamoDB UpdateItem", () =>
        client.send(update),
      );
      return (
        before !== undefined &&
        before.accountId !== accountId &&
        Number(before.atMs) > nowMs - FORBIDDEN_WINDOW_MS
      );
    },

    async extendSubmittingUntil(connectionId, untilRealMs) {
      const update = new UpdateCommand({
        TableName,
        Key: submittingUntilKey(connectionId),
        UpdateExpression: "SET untilRealMs = :until",
        ConditionExpression: "attribute_not_exists(untilRealMs) OR untilRealMs < :until",
        ExpressionAttributeValues: { ":until": untilRealMs },
      });
      await conditionalWrite("UpdateItem", () => client.send(update));
    },
  };
}
