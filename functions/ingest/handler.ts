import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoConnections } from "../../shared/adapters/dynamo/dynamo-connections.ts";
import { makeBlobQuarantine, makeS3BlobStore } from "../../shared/adapters/s3/s3-blob-store.ts";
import { makeMasterKeyReader } from "../../shared/adapters/secrets-manager-master-keys.ts";
import { makeSqsInboundQueue } from "../../shared/adapters/sqs/sqs-inbound-queue.ts";
import { ingestEnv } from "../../shared/contracts/env.ts";
import { limits } from "../../shared/contracts/limits.ts";
import { makeIngestWebhook } from "../../shared/core/inbound/ingest-webhook.ts";
import { providerPacks } from "../../shared/providers/packs.ts";
import { awsClientDefaults as sdk } from "../../shared/runtime/aws-clients.ts";
import { makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report } from "./report.ts";
import { toCommand, toResult } from "./request.ts";

const env = readEnvironment("ingest", ingestEnv, process.env);
const telemetry = makeTelemetry("ingest");
const clock = makeClock(env.BUSINESS_CLOCK);

const bodies = makeS3BlobStore({ bucket: env.BODIES_BUCKET, config: sdk });

const ingestWebhook = makeIngestWebhook({
  connections: makeDynamoConnections({
    client: DynamoDBDocumentClient.from(new DynamoDBClient(sdk)),
    tableName: env.CONFIG_TABLE,
    masterKeys: makeMasterKeyReader({
      client: new SecretsManagerClient(sdk),
      secretId: env.MASTER_SECRET_ID,
      nowMs: clock.realMs,
    }),
    ttlMs: env.CONNECTION_CACHE_SECONDS * 1000,
    nowMs: clock.realMs,
  }),
  queue: makeSqsInboundQueue({ client: new SQSClient(sdk), queueUrl: env.INBOUND_QUEUE_URL }),
  bodies,
  quarantine: makeBlobQuarantine(bodies),
  packs: providerPacks,
  clock,
  maxBodyBytes: env.INBOUND_MAX_BODY_BYTES,
  maxInlineBytes: limits.maxInlineBytes,
});

export const handler = makeHttpFunction(telemetry, async (event) => {
  const outcome = await ingestWebhook(
    toCommand(event, AbortSignal.timeout(env.INBOUND_DEADLINE_MS)),
  );
  report(telemetry, outcome, event.requestContext.requestId);
  return toResult(outcome);
});
