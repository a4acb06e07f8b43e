import { createHash } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { localAws } from "../../local/aws/local-aws.ts";
import type { LocalRun } from "../../local/run/run.ts";
import { batchPut } from "../../shared/adapters/dynamo/dynamo-batch-write.ts";
import { readRequestItem, requestItem } from "../../shared/adapters/dynamo/request-item.ts";
import { laneId, newRequestId } from "../../shared/core/requests/acceptance/request-id.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";

/** Items that are written by one BatchWriteItem call. */
const BATCH = 25;
const CONCURRENCY = 4;

/** Copies a request that has ended, as if there had been so many before it. */
export async function fillRequests({ addresses, outputs }: LocalRun, count: number): Promise<void> {
  const tableName = outputs.RequestsTableName ?? "";
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(localAws(addresses.awsUrl)));
  const { Items = [] } = await documents.send(new ScanCommand({ TableName: tableName }));
  const found = Items.find(({ status }) => status === "SUCCEEDED");
  if (found === undefined) throw new Error("there is no request that has succeeded");
  const template = readRequestItem(found).request;
  const starts = Array.from({ length: Math.ceil(count / BATCH) }, (_, n) => n * BATCH);
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (let start = starts.pop(); start !== undefined; start = starts.pop()) {
        const from = start;
        const items = Array.from({ length: Math.min(BATCH, count - from) }, (_, n) =>
          copyOf(template, from + n),
        );
        await batchPut(documents, { tableName, items });
      }
    }),
  );
  documents.destroy();
}

/** One second older for each number, and of one of a hundred accounts. */
function copyOf(template: RequestRecord, n: number): Record<string, unknown> {
  const accountId = `filled-${n % 100}`;
  const lane = laneId({ ...template, accountId });
  const requestId = newRequestId(
    lane,
    createHash("sha256").update(`${n}`).digest("hex").slice(0, 20),
  );
  const createdMs = template.createdMs - (n + 1) * 1_000;
  return requestItem({ ...template, lane, requestId, accountId, createdMs }, "filled");
}
