import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { DeleteCommand, DynamoDBDocumentClient, paginateScan } from "@aws-sdk/lib-dynamodb";
import { outputOf, type StackTarget } from "../shared/composition/administration.ts";
import {
  configTable,
  deliveriesTable,
  eventsTable,
  requestsTable,
} from "../shared/contracts/tables.ts";
import { type ErasureScope, type Item, makeSubject, type Subject } from "./erasure-subject.ts";

/** What was erased, for the record. It contains no content, and no text that was searched for. */
export interface ErasureCertificate {
  clientId: string;
  scope: "client" | "account" | "text";
  /** False: nothing was deleted, and the numbers say what would be. */
  isErased: boolean;
  at: string;
  /** Items by table, objects of the bucket, and messages by dead-letter queue. */
  erased: Record<string, number>;
  /** How often everything was searched; the last search found nothing. */
  searches: number;
  /** Where copies can remain, and for how long. */
  remains: Record<string, string>;
}

const tables = [
  { output: "ConfigTableName", keys: [configTable.partitionKey] },
  { output: "RequestsTableName", keys: [requestsTable.partitionKey, requestsTable.sortKey] },
  { output: "EventsTableName", keys: [eventsTable.partitionKey] },
  { output: "DeliveriesTableName", keys: [deliveriesTable.partitionKey] },
] as const;

/** More searches than this mean that new data arrives all the time. */
const MAX_SEARCHES = 10;

const PROGRESS_ITEMS = 10_000;

const remains = {
  "event bus archive": "archiveRetentionDays of the stage's file (30 by default)",
  "point-in-time backups of the tables": "35 days",
  logs: "logRetentionDays of the stage's file (30 by default); they contain ids, and no content",
  "queues of waiting messages":
    "until they are processed, and 14 days at most; run the erasure again afterwards",
  "consumers of the bus, receivers of webhooks, providers": "not reached by this command",
};

/**
 * Erases data of one client from the tables, the bucket and the dead-letter queues. It reads every
 * item and every object of the stage, so that an index that lags behind hides nothing, and repeats
 * that until a search finds nothing.
 *
 * @param onProgress is told what is done, for a person who waits
 */
export function openErasure(
  place: StackTarget,
  onProgress: (line: string) => void = () => undefined,
) {
  const dynamo = DynamoDBDocumentClient.from(new DynamoDBClient(place.aws));
  const s3 = new S3Client({
    ...place.aws,
    ...(place.aws.endpoint ? { forcePathStyle: true } : {}),
  });
  const sqs = new SQSClient(place.aws);
  const Bucket = outputOf(place, "BodiesBucketName");

  /**
   * @param isErased false counts what would be erased
   * @throws Error when there is no such client, or new data arrives faster than it is erased
   */
  async function erase(
    scope: ErasureScope,
    { isErased = false }: { isErased?: boolean } = {},
  ): Promise<ErasureCertificate> {
    const subject = await findSubject(scope);
    const erased: Record<string, number> = {};
    let searches = 0;
    for (let found = -1; found !== 0; ) {
      if (++searches > MAX_SEARCHES) {
        throw new Error(
          `after ${MAX_SEARCHES} searches there is still new data: revoke the client's keys, delete its connections, wait until the queues are empty, and try again`,
        );
      }
      found = await searchAll(subject, { isErased, erased });
      onProgress(`search ${searches}: ${found} found`);
      if (!isErased) break;
    }
    return {
      clientId: scope.clientId,
      scope: scopeOf(scope),
      isErased,
      at: new Date().toISOString(),
      erased,
      searches,
      remains,
    };
  }

  async function findSubject(scope: ErasureScope): Promise<Subject> {
    const config = await Array.fromAsync(itemsOf(outputOf(place, "ConfigTableName")));
    const own = config.filter(({ clientId }) => clientId === scope.clientId);
    if (own.length === 0) throw new Error(`there is no client ${scope.clientId}`);
    const connections = own.flatMap(({ connectionId, provider, tokens }) =>
      tokens === undefined
        ? []
        : [{ connectionId: String(connectionId), provider: String(provider) }],
    );
    return makeSubject(scope, connections);
  }

  /** Searches everything once. @returns how many items, objects and messages it found */
  async function searchAll(
    subject: Subject,
    { isErased, erased }: { isErased: boolean; erased: Record<string, number> },
  ): Promise<number> {
    let found = 0;
    const count = (where: string) => {
      found++;
      erased[where] = (erased[where] ?? 0) + 1;
    };
    for (const { output, keys } of tables) {
      const TableName = outputOf(place, output);
      for await (const item of itemsOf(TableName)) {
        if (!subject.hasItem(item)) continue;
        count(output.replace("TableName", " table").toLowerCase());
        const Key = Object.fromEntries(keys.map((key) => [key, item[key]]));
        if (isErased) await dynamo.send(new DeleteCommand({ TableName, Key }));
      }
    }
    for await (const Key of objectKeys()) {
      if (!(await subject.hasObject(Key, () => objectText(Key)))) continue;
      count("bucket");
      if (isErased) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    }
    for (const [output, QueueUrl] of Object.entries(place.outputs)) {
      const name = /^(\w+)DlqUrl$/.exec(output)?.[1];
      if (name === undefined) continue;
      await searchQueue(QueueUrl, subject, {
        isErased,
        count: () => count(`${name.toLowerCase()} dead letters`),
      });
    }
    return found;
  }

  async function* itemsOf(TableName: string): AsyncGenerator<Item> {
    let read = 0;
    const pages = paginateScan({ client: dynamo }, { TableName, ConsistentRead: true });
    for await (const { Items = [] } of pages) {
      yield* Items;
      const before = read;
      read += Items.length;
      if (Math.floor(read / PROGRESS_ITEMS) > Math.floor(before / PROGRESS_ITEMS)) {
        onProgress(`${TableName}: ${read} items read`);
      }
    }
  }

  async function* objectKeys(): AsyncGenerator<string> {
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, { Bucket })) {
      for (const { Key } of Contents) if (Key !== undefined) yield Key;
    }
  }

  async function objectText(Key: string): Promise<string> {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  }

  /** Receives as many messages as the queue has; those that are not erased become visible again. */
  async function searchQueue(
    QueueUrl: string,
    subject: Subject,
    { isErased, count }: { isErased: boolean; count: () => void },
  ): Promise<void> {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["ApproximateNumberOfMessages"] }),
    );
    const handles: string[] = [];
    const seen = new Set<string>();
    for (let left = Number(Attributes.ApproximateNumberOfMessages ?? 0); left > 0; ) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          ...{ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 300 },
          // A short poll asks only some of SQS's servers, and may miss messages.
          WaitTimeSeconds: 1,
        }),
      );
      if (Messages.length === 0) break;
      left -= Messages.length;
      for (const { MessageId = "", ReceiptHandle, Body = "" } of Messages) {
        if (seen.has(MessageId)) continue;
        seen.add(MessageId);
        const isOwn = subject.hasItem({ body: Body, decoded: decodedBody(Body) });
        if (isOwn) count();
        if (isOwn && isErased)
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        else if (ReceiptHandle) handles.push(ReceiptHandle);
      }
    }
    await Promise.all(
      handles.map((ReceiptHandle) =>
        sqs.send(
          new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }),
        ),
      ),
    );
  }

  return { erase };
}

const scopeOf = ({ accountId, containing }: ErasureScope): ErasureCertificate["scope"] => {
  if (containing !== undefined) return "text";
  return accountId === undefined ? "client" : "account";
};

/** Returns the webhook in the message of the inbound queue. */
function decodedBody(body: string): string {
  const base64 = /"bodyBase64":"([^"]*)"/.exec(body)?.[1];
  return base64 === undefined ? "" : Buffer.from(base64, "base64").toString("utf8");
}
