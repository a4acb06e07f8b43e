import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { configKey } from "../../contracts/config-items.ts";
import type { StoreRefused } from "../../core/inbound/refused-webhooks.ts";
import type { StoreSettledForm } from "../../core/inbound/settled-form.ts";
import { conditionalWrite } from "./conditional-write.ts";

interface Options {
  client: DynamoDBDocumentClient;
  tableName: string;
}

/** Stores the settled form in the connection's item, unless the connection was deleted. */
export const makeDynamoSettledForm = (options: Options): StoreSettledForm =>
  makeSetter(options, "settledForm");

/** Stores how many webhooks were refused in the connection's item, unless the connection was deleted. */
export const makeDynamoRefused = (options: Options): StoreRefused => makeSetter(options, "refused");

/**
 * The function may update these attributes alone (`Table.accessAndSet`): the version, which
 * guards the settings, stays as it is.
 */
function makeSetter({ client, tableName }: Options, attribute: "settledForm" | "refused") {
  return async (connectionId: string, value: object, abortSignal: AbortSignal): Promise<void> => {
    const update = new UpdateCommand({
      TableName: tableName,
      Key: { pk: configKey.connection(connectionId) },
      UpdateExpression: `SET ${attribute} = :value`,
      ConditionExpression: "attribute_exists(pk)",
      ExpressionAttributeValues: { ":value": value },
    });
    await conditionalWrite("UpdateItem", () => client.send(update, { abortSignal }));
  };
}
