import { createHash } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { localAws } from "../../local/aws/local-aws.ts";
import type { LocalRun } from "../../local/run/run.ts";
import { batchPut } from "../../shared/adapters/dynamo/dynamo-batch-write.ts";
import { laneId, newRequestId } from "../../shared/core/requests/acceptance/request-id.ts";

type Item = Record<string, unknown>;

/** Items that are written by one BatchWriteItem call. */
const BATCH = 25;
const CONCURRENCY = 4;

/** Copies a request that has ended, as if there had been so many before it. */
export async function fillRequests({ addresses, outputs }: LocalRun, count: number): Promise<void> {
  const tableName = outputs.RequestsTableName ?? "";
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(localAws(addresses.awsUrl)));
  const { Items = [] } = await documents.send(new ScanCommand({ TableName: tableName }));
  const template = Items.find(({ status }) => status === "SUCCEEDED");
  if (template === undefined) throw new Error("there is no request that has succeeded");
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
function copyOf(template: Item, n: number): Item {
  const accountId = `filled-${n % 100}`;
  const lane = laneId({ ...(template as never as Parameters<typeof laneId>[0]), accountId });
  const id = newRequestId(lane, createHash("sha256").update(`${n}`).digest("hex").slice(0, 20));
  const listedMs = Date.parse(String(template.listedAs).split("#")[0] ?? "") - (n + 1) * 1_000;
  const listedAs = `${new Date(listedMs).toISOString()}#${id}`;
  return { ...template, lane, id, accountId, listedAs };
}
