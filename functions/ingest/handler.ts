import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import {
  cacheConnections,
  makeDynamoConnections,
} from "../../shared/adapters/dynamo-connections.ts";
import { makeMasterKeyReader } from "../../shared/adapters/secrets-manager-master-keys.ts";
import { makeSqsInboundQueue } from "../../shared/adapters/sqs-inbound-queue.ts";
import { ingestEnv } from "../../shared/contracts/env.ts";
import { makeIngestWebhook } from "../../shared/core/ingest-webhook.ts";
import { providerPacks } from "../../shared/providers/packs.ts";
import { awsClientDefaults } from "../../shared/runtime/aws-clients.ts";
import { makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report } from "./report.ts";
import { toCommand, toResult } from "./request.ts";

const env = readEnvironment("ingest", ingestEnv, process.env);
const telemetry = makeTelemetry("ingest");
const clock = makeClock(env.BUSINESS_CLOCK);

const ingestWebhook = makeIngestWebhook({
  connections: cacheConnections(
    makeDynamoConnections({
      client: DynamoDBDocumentClient.from(new DynamoDBClient(awsClientDefaults)),
      tableName: env.CONFIG_TABLE,
      masterKeys: makeMasterKeyReader({
        client: new SecretsManagerClient(awsClientDefaults),
        secretId: env.MASTER_SECRET_ID,
        nowMs: clock.realMs,
      }),
    }),
    { ttlMs: env.CONNECTION_CACHE_SECONDS * 1000, nowMs: clock.realMs },
  ),
  queue: makeSqsInboundQueue({
    client: new SQSClient(awsClientDefaults),
    queueUrl: env.INBOUND_QUEUE_URL,
  }),
  packs: providerPacks,
  clock,
  maxBodyBytes: env.INBOUND_MAX_BODY_BYTES,
});

export const handler = makeHttpFunction(telemetry, async (event) => {
  const outcome = await ingestWebhook(
    toCommand(event, AbortSignal.timeout(env.INBOUND_DEADLINE_MS)),
  );
  report(telemetry, outcome, event.requestContext.requestId);
  return toResult(outcome);
});
