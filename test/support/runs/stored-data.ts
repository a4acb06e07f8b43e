import { inflateRawSync } from "node:zlib";
import { DynamoDBClient, ListTablesCommand, paginateScan } from "@aws-sdk/client-dynamodb";
import {
  GetObjectCommand,
  ListBucketsCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { ListQueuesCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { localAws } from "../../../local/aws/local-aws.ts";
import { packedRecordIn } from "../payloads/packed-requests.ts";

/**
 * Returns what a local run stores as text, by its place: each table by its name, `bucket` and
 * `queues`. Compressed attributes are as they are without compression.
 */
export async function readStored(awsUrl: string): Promise<Map<string, string>> {
  return new Map([
    ...(await inTables(awsUrl)),
    ["bucket", (await inBuckets(awsUrl)).join("\n")],
    ["queues", JSON.stringify(await inQueues(awsUrl))],
  ]);
}

async function inTables(awsUrl: string): Promise<[string, string][]> {
  const client = new DynamoDBClient(localAws(awsUrl));
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  if (TableNames.length < 3) throw new Error(`there are ${TableNames.length} tables only`);
  const scanned = await Promise.all(
    TableNames.map(async (TableName): Promise<[string, string]> => {
      const pages = await Array.fromAsync(paginateScan({ client }, { TableName }));
      const items = pages.flatMap(({ Items = [] }) => Items);
      const records = items.flatMap((item) => packedRecordIn(item) ?? []);
      return [TableName, JSON.stringify([items, records], (_, value) => unpacked(value))];
    }),
  );
  client.destroy();
  return scanned;
}

/** Returns the text of compressed bytes. */
function unpacked(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  try {
    return inflateRawSync(value).toString("utf8");
  } catch {
    return Buffer.from(value).toString("latin1");
  }
}

/** Returns messages of every queue, dead-letter queues included, and leaves them visible. */
async function inQueues(awsUrl: string): Promise<unknown[]> {
  const sqs = new SQSClient(localAws(awsUrl));
  const { QueueUrls = [] } = await sqs.send(new ListQueuesCommand({}));
  if (QueueUrls.length < 5) throw new Error(`there are ${QueueUrls.length} queues only`);
  const messages = await Promise.all(
    QueueUrls.map((QueueUrl) =>
      sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
      ),
    ),
  );
  sqs.destroy();
  return messages.flatMap(({ Messages = [] }) => Messages);
}

async function inBuckets(awsUrl: string): Promise<string[]> {
  const client = new S3Client({ ...localAws(awsUrl), forcePathStyle: true });
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  if (Buckets.length === 0) throw new Error("there is no bucket");
  const objects: string[] = [];
  for (const { Name: Bucket } of Buckets) {
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket })) {
      for (const { Key } of Contents) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        objects.push((await Body?.transformToString()) ?? "");
      }
    }
  }
  client.destroy();
  return objects;
}
