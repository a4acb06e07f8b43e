import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { configKey } from "../../contracts/config-items.ts";
import type { StoreSettledForm } from "../../core/inbound/settled-form.ts";
import { conditionalWrite } from "./conditional-write.ts";

/** Stores the settled form in the connection's item, unless the connection was deleted. */
export function makeDynamoSettledForm(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
}): StoreSettledForm {
  return async (connectionId, settled, abortSignal) => {
    // The function may update this attribute alone (`Table.accessAndSet`): the version, which
    // guards the settings, stays as it is.
    const update = new UpdateCommand({
      TableName: options.tableName,
      Key: { pk: configKey.connection(connectionId) },
      UpdateExpression: "SET settledForm = :settled",
      ConditionExpression: "attribute_exists(pk)",
      ExpressionAttributeValues: { ":settled": settled },
    });
    await conditionalWrite("UpdateItem", () => options.client.send(update, { abortSignal }));
  };
}
