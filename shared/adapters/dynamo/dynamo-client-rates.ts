import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../../core/clock.ts";
import type { ClientRates } from "../../core/requests/state/ports.ts";
import { conditionalWrite } from "./conditional-write.ts";

/** Most clients that one function keeps in memory. */
const CACHE_LIMIT = 10_000;

/** A second's counter is of no use after it; TTL deletes it later. */
const KEPT_SECONDS = 3_600;

/**
 * Counts a client's requests in each second of real time. Each process lets the
 * first request of a second through without counting it, so that a slow client
 * costs no write. A client can therefore make `limit` requests a second, and one
 * more for each process that serves it, or those of one batch.
 */
export function makeDynamoClientRates(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
  limit: number;
}): ClientRates {
  const { client, tableName: TableName, clock, limit } = options;
  const lastSeconds = new Map<string, number>();

  return {
    async tryConsume(clientId, count = 1) {
      const second = Math.floor(clock.realMs() / 1000);
      if (count === 1 && lastSeconds.get(clientId) !== second) {
        if (lastSeconds.size >= CACHE_LIMIT) lastSeconds.clear();
        lastSeconds.set(clientId, second);
        return true;
      }
      const update = new UpdateCommand({
        TableName,
        Key: { lane: `rate#${clientId}#${second}`, id: "#" },
        UpdateExpression: "ADD used :count SET expiresAt = :expires",
        ConditionExpression: "attribute_not_exists(used) OR used < :limit",
        ExpressionAttributeValues: {
          ":count": count,
          ":limit": limit,
          ":expires": Math.ceil(clock.businessMs() / 1000) + KEPT_SECONDS,
        },
      });
      return "written" in (await conditionalWrite("UpdateItem", () => client.send(update)));
    },
  };
}
