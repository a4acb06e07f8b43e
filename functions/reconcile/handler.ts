import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { openEventStore } from "../../shared/adapters/aws-event-store.ts";
import { makeS3BlobStore } from "../../shared/adapters/s3-blob-store.ts";
import { reconcileEnv } from "../../shared/contracts/env.ts";
import { makeSweepOutbox } from "../../shared/core/sweep-outbox.ts";
import { awsClientDefaults as sdk } from "../../shared/runtime/aws-clients.ts";
import { DAY_MS, makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeScheduledFunction } from "../../shared/runtime/scheduled-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report } from "./report.ts";

/** Most events per outbox shard and run; a backlog is worked off run by run. */
const EVENTS_PER_SHARD = 500;

const env = readEnvironment("reconcile", reconcileEnv, process.env);
const telemetry = makeTelemetry("reconcile");
const clock = makeClock(env.BUSINESS_CLOCK);

const sweepOutbox = makeSweepOutbox({
  ...openEventStore({
    client: DynamoDBDocumentClient.from(new DynamoDBClient(sdk)),
    sdk,
    clock,
    bodies: makeS3BlobStore({ bucket: env.BODIES_BUCKET, config: sdk }),
    tableName: env.EVENTS_TABLE,
    busName: env.EVENT_BUS_NAME,
    retentionMs: env.DEDUPE_RETENTION_DAYS * DAY_MS,
  }),
  clock,
  newOwner: randomUUID,
  leaseMs: env.CLAIM_LEASE_SECONDS * 1000,
  graceMs: env.OUTBOX_GRACE_SECONDS * 1000,
  limit: EVENTS_PER_SHARD,
});

export const handler = makeScheduledFunction(telemetry, async (remainingMs) => {
  report(telemetry, await sweepOutbox(remainingMs));
});
