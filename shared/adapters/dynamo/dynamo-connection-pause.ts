import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { configKey } from "../../contracts/config-items.ts";
import type { ConnectionReader } from "../../core/connections/ports.ts";
import { conditionalWrite } from "./conditional-write.ts";

/**
 * Pauses a connection whose credentials a provider has refused: a person must
 * look. `false` when it is paused, or gone, already.
 */
export function makeDynamoConnectionPause(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  /** What this process remembers of the connection is brought up to date. */
  connections: ConnectionReader;
}) {
  return async (connectionId: string): Promise<boolean> => {
    const update = new UpdateCommand({
      TableName: options.tableName,
      Key: { pk: configKey.connection(connectionId) },
      UpdateExpression:
        "SET settings.#status = :paused, pausedBecause = :because, version = version + :one",
      ConditionExpression: "settings.#status = :active",
      ExpressionAttributeNames: { "#status": "status" },
      ExpressionAttributeValues: {
        ...{ ":paused": "paused", ":active": "active", ":one": 1 },
        ":because": "CREDENTIALS_REFUSED",
      },
    });
    const result = await conditionalWrite("UpdateItem", () => options.client.send(update));
    await options.connections.readUncached(connectionId);
    return "written" in result;
  };
}
