import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoEventClaims } from "../../shared/adapters/dynamo-event-claims.ts";
import { makeEventBridgePublisher } from "../../shared/adapters/eventbridge-publisher.ts";
import { reconcileEnv } from "../../shared/contracts/env.ts";
import { makeSweepOutbox } from "../../shared/core/sweep-outbox.ts";
import { awsClientDefaults } from "../../shared/runtime/aws-clients.ts";
import { makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeScheduledFunction } from "../../shared/runtime/scheduled-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report } from "./report.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Most events per outbox shard and run; a backlog is worked off run by run. */
const EVENTS_PER_SHARD = 500;

const env = readEnvironment("reconcile", reconcileEnv, process.env);
const telemetry = makeTelemetry("reconcile");
const clock = makeClock(env.BUSINESS_CLOCK);

const sweepOutbox = makeSweepOutbox({
  claims: makeDynamoEventClaims({
    client: DynamoDBDocumentClient.from(new DynamoDBClient(awsClientDefaults)),
    tableName: env.EVENTS_TABLE,
    clock,
    retentionMs: env.DEDUPE_RETENTION_DAYS * DAY_MS,
  }),
  publisher: makeEventBridgePublisher({
    client: new EventBridgeClient(awsClientDefaults),
    busName: env.EVENT_BUS_NAME,
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
