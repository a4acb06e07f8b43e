import { type DynamoDBDocumentClient, GetCommand } from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { Failure } from "../../contracts/failures.ts";
import { deliveriesTable } from "../../contracts/tables.ts";
import type { Clock } from "../../core/clock.ts";
import type { JobStore } from "../../core/deliveries/state/ports.ts";
import type { DeliveryJob } from "../../core/deliveries/state/record.ts";
import { callDependency } from "../dependency-down.ts";
import { expiry, sweepEntry } from "./delivery-item.ts";
import { makeVersionedPut } from "./dynamo-versioned-put.ts";

type Attribute =
  | Exclude<keyof DeliveryJob, "jobId" | "sweepAtRealMs" | "expiresMs">
  | ("entity" | "id" | "sweepAt" | "expiresAt");

const item = z.object({
  entity: z.literal("job"),
  id: z.string(),
  clientId: z.string(),
  kind: z.enum(["recover", "end"]),
  webhookId: z.optional(z.string()),
  eventTypes: z.optional(z.array(z.string())),
  sinceMs: z.number(),
  untilMs: z.number(),
  before: z.optional(z.string()),
  status: z.enum(["running", "done"]),
  examined: z.number(),
  changed: z.number(),
  skipped: z.number(),
  createdMs: z.number(),
  finishedMs: z.optional(z.number()),
  sweepAt: z.optional(z.number()),
  expiresAt: z.number(),
  version: z.number(),
} satisfies Record<Attribute, z.ZodMiniType>);

/** Stores bulk jobs, in the table and the sweep index of the deliveries. */
export function makeDynamoDeliveryJobs(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
}): JobStore {
  const { client, tableName: TableName, clock } = options;
  const put = makeVersionedPut({ ...options, partitionKey: deliveriesTable.partitionKey });

  return {
    async find(jobId) {
      // DynamoDB refuses an empty key.
      if (jobId === "") return undefined;
      const get = new GetCommand({ TableName, Key: { id: jobId }, ConsistentRead: true });
      const { Item } = await callDependency("DynamoDB GetItem", () => client.send(get));
      const job = readJobItem(Item);
      return job && job.expiresMs > clock.businessMs() ? job : undefined;
    },

    async create(job) {
      const result = await put(jobItem(job), {});
      if ("version" in result) return;
      throw new Failure("DEPENDENCY_DOWN", "a job with this id exists already");
    },

    async replace(job) {
      const result = await put(jobItem(job), { version: job.version });
      return "version" in result ? { ...job, version: result.version } : undefined;
    },
  };
}

function readJobItem(found: Record<string, unknown> | undefined): DeliveryJob | undefined {
  if (found?.entity !== "job") return undefined;
  const { entity: _, id, sweepAt, expiresAt, ...rest } = item.parse(found);
  return { ...rest, jobId: id, sweepAtRealMs: sweepAt, expiresMs: expiresAt * 1000 };
}

function jobItem({ jobId, sweepAtRealMs, expiresMs, ...rest }: DeliveryJob) {
  const entry = { ...sweepEntry(jobId, sweepAtRealMs), ...expiry(expiresMs) };
  return { ...rest, ...entry, entity: "job", id: jobId };
}
