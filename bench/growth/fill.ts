import { createHash } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, ScanCommand } from "@aws-sdk/lib-dynamodb";
import { localAws } from "../../local/aws/local-aws.ts";
import type { LocalFile } from "../../local/run/local-file.ts";
import { batchPut } from "../../shared/adapters/dynamo/dynamo-batch-write.ts";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import { laneId, newRequestId } from "../../shared/core/requests/acceptance/request-id.ts";
import { forEach } from "../run/api.ts";

export type Item = Record<string, unknown>;

/** One item of each kind, as the pipeline has stored it. */
export interface Templates {
  request: Item;
  event: Item;
  delivery: Item;
}

/** Items that are written by one BatchWriteItem call. */
const BATCH = 25;
const CONCURRENCY = 4;

export function documentsOf({ awsEndpoint, region }: LocalFile): DynamoDBDocumentClient {
  return DynamoDBDocumentClient.from(new DynamoDBClient(localAws(awsEndpoint, region)));
}

/** @throws Error if the pipeline has not stored an item of each kind yet */
export async function readTemplates(
  documents: DynamoDBDocumentClient,
  { tables }: LocalFile,
): Promise<Templates> {
  const find = async (table: string, isOne: (item: Item) => boolean) => {
    const { Items = [] } = await documents.send(new ScanCommand({ TableName: tables[table] }));
    const found = Items.find(isOne);
    if (!found) throw new Error(`the table ${table} has no item to copy`);
    return found;
  };
  return {
    request: await find("requests", ({ status }) => status === "SUCCEEDED"),
    event: await find(
      "events",
      ({ type, status }) => type === "workflow.completed" && status === "PUBLISHED",
    ),
    delivery: await find("deliveries", ({ status }) => status === "delivered"),
  };
}

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** Writes copies of the templates, one of each kind for each number, as if they were older. */
export async function fill(
  documents: DynamoDBDocumentClient,
  of: {
    local: LocalFile;
    templates: Templates;
    from: number;
    to: number;
    accounts: number;
    onProgress: (stored: number) => void;
  },
): Promise<void> {
  const { local, templates, accounts } = of;
  const numbers = Array.from({ length: of.to - of.from }, (_, n) => of.from + n);
  const starts = numbers.filter((_, n) => n % BATCH === 0);
  await forEach(starts, CONCURRENCY, async (start, index) => {
    const some = numbers.slice(start - of.from, start - of.from + BATCH);
    for (const [table, copy] of Object.entries(copies)) {
      const items = some.map((n) => copy(templates, n, accounts));
      await batchPut(documents, { tableName: local.tables[table] ?? "", items });
    }
    if (index % 40 === 0) of.onProgress(start);
  });
}

/** One second older for each number. */
const listedAs = (template: Item, n: number, id: string) => {
  const atMs = Date.parse(String(template.listedAs).split("#")[0] ?? "") - (n + 1) * 1_000;
  return `${new Date(atMs).toISOString()}#${id}`;
};

const copies: Record<string, (of: Templates, n: number, accounts: number) => Item> = {
  requests({ request }, n, accounts) {
    const accountId = `growth-${n % accounts}`;
    const lane = laneId({ ...(request as never as Parameters<typeof laneId>[0]), accountId });
    const id = newRequestId(lane, digest(`request ${n}`).slice(0, 20));
    return { ...request, lane, id, accountId, listedAs: listedAs(request, n, id) };
  },
  events({ event }, n) {
    const id = `workflow.completed:${digest(`event ${n}`)}`;
    return { ...event, id, listedAs: listedAs(event, n, id) };
  },
  deliveries({ delivery }, n) {
    const id = deliveryIdOf(String(delivery.webhookId), `growth ${n}`);
    return { ...delivery, id, listedAs: listedAs(delivery, n, id) };
  },
};
