import { type DynamoDBDocumentClient, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import type { Clock } from "../../core/clock.ts";
import type { DeliveryStore } from "../../core/deliveries/state/ports.ts";
import { conditionalWrite } from "./conditional-write.ts";
import { readDeliveryItem } from "./delivery-item.ts";

/**
 * Claims a delivery by one conditional UpdateItem, which changes no entry of the indexes `due` and
 * `sweep`. Safe to repeat: a claim that the same owner
 * still holds is returned to it again, and counted once.
 */
export function makeDynamoDeliveryClaim(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
}): DeliveryStore["claim"] {
  const { client, tableName: TableName, clock } = options;

  return async (deliveryId, lease) => {
    const command = new UpdateCommand({
      TableName,
      Key: { id: deliveryId },
      UpdateExpression:
        "SET #status = :delivering, #owner = :owner, leaseUntilRealMs = :until, " +
        "claimsOfAttempt = claimsOfAttempt + :one, version = version + :one",
      ConditionExpression:
        "(#status = :waiting AND nextMs <= :now) OR " +
        "(#status = :delivering AND leaseUntilRealMs <= :nowReal)",
      ExpressionAttributeNames: { "#status": "status", "#owner": "owner" },
      ExpressionAttributeValues: {
        ":waiting": "waiting",
        ":delivering": "delivering",
        ":owner": lease.owner,
        ":until": lease.untilMs,
        ":one": 1,
        ":now": clock.businessMs(),
        ":nowReal": clock.realMs(),
      },
      ReturnValues: "ALL_NEW",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const result = await conditionalWrite("UpdateItem", () => client.send(command));
    if ("written" in result) {
      const delivery = readDeliveryItem(result.written.Attributes);
      return delivery ? { kind: "claimed", delivery } : { kind: "notClaimed" };
    }
    const existing = readDeliveryItem(result.existing);
    if (existing?.status === "waiting" && existing.nextMs !== undefined) {
      return { kind: "notDue", nextMs: existing.nextMs };
    }
    if (existing?.status !== "delivering") return { kind: "notClaimed" };
    if (existing.owner === lease.owner) return { kind: "claimed", delivery: existing };
    return { kind: "claimedByAnother" };
  };
}
