import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { makeDynamoRequestStore } from "../shared/adapters/dynamo/dynamo-request-store.ts";
import { outputOf, type StackTarget } from "../shared/composition/administration.ts";
import { settingsSchema } from "../shared/contracts/settings.ts";
import { holdAfterRestore } from "../shared/core/requests/results/hold-restored.ts";
import { requestRulesOf } from "../shared/core/requests/state/request-rules.ts";

/** A request of a restored table that may have been submitted after the time of the copy. */
interface HeldRequest {
  requestId: string;
  clientId: string;
  accountId: string;
  action: string;
  was: string;
}

/**
 * Makes every request of a restored requests table that may have been submitted after the time of
 * the copy UNKNOWN, so that it is not submitted a second time. Nothing may work on the table
 * meanwhile. Idempotent.
 *
 * @param of.isHeld false lists them and changes nothing
 * @throws Error when another writer changes the table
 */
export async function holdRestored(
  place: StackTarget,
  { isHeld }: { isHeld: boolean },
): Promise<{ held: HeldRequest[]; isHeld: boolean }> {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(place.aws));
  const tableName = outputOf(place, "RequestsTableName");
  const clock = { realMs: Date.now, businessMs: place.nowMs ?? Date.now };
  const requests = makeDynamoRequestStore({ client, tableName, clock });
  const rules = requestRulesOf(settingsSchema.parse({}));
  const held: HeldRequest[] = [];
  const pages = paginateScan(
    { client },
    {
      TableName: tableName,
      ConsistentRead: true,
      FilterExpression: "begins_with(id, :request)",
      ExpressionAttributeValues: { ":request": "rq_" },
      ProjectionExpression: "id",
    },
  );
  for await (const { Items = [] } of pages) {
    for (const { id } of Items) {
      const request = await requests.find(String(id));
      const context = { nowMs: clock.businessMs(), nowRealMs: clock.realMs(), rules };
      const next = request && holdAfterRestore(request, context);
      if (!request || !next) continue;
      const { requestId, clientId, accountId, action, status: was } = request;
      if (isHeld && !(await requests.replace(next))) {
        throw new Error(`${requestId} was changed meanwhile: stop the functions first`);
      }
      held.push({ requestId, clientId, accountId, action, was });
    }
  }
  return { held, isHeld };
}
