import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoAccounts } from "../../shared/adapters/dynamo/dynamo-accounts.ts";
import { makeDynamoConnections } from "../../shared/adapters/dynamo/dynamo-connections.ts";
import { makeDynamoEventArchive } from "../../shared/adapters/dynamo/dynamo-event-archive.ts";
import { makeHttpProviderCalls } from "../../shared/adapters/http/http-provider-calls.ts";
import { makeS3BlobStore } from "../../shared/adapters/s3/s3-blob-store.ts";
import { makeMasterKeyReader } from "../../shared/adapters/secrets-manager-master-keys.ts";
import { makeSqsSendBack } from "../../shared/adapters/sqs/sqs-inbound-queue.ts";
import { makeSqsRedelivery } from "../../shared/adapters/sqs/sqs-redelivery.ts";
import { openEventStore } from "../../shared/composition/event-store.ts";
import { composeRequestPorts } from "../../shared/composition/requests.ts";
import { consumeEnv } from "../../shared/contracts/env.ts";
import { makeConsumeWebhooks } from "../../shared/core/inbound/consume-webhooks.ts";
import { makeDecodeInbound } from "../../shared/core/inbound/decode-inbound.ts";
import { makeJoinWebhooks } from "../../shared/core/inbound/join-webhooks.ts";
import { makeApplyProviderUpdate } from "../../shared/core/requests/results/apply-provider-update.ts";
import { makePublishOutboxes } from "../../shared/core/requests/state/publish-outboxes.ts";
import { providerPacks } from "../../shared/providers/packs.ts";
import { providerRequests } from "../../shared/providers/provider-requests.ts";
import { awsClientDefaults as sdk } from "../../shared/runtime/aws-clients.ts";
import { DAY_MS, makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report } from "./report.ts";
import { failedRecords, pair } from "./request.ts";

const env = readEnvironment("consume", consumeEnv, process.env);
const telemetry = makeTelemetry("consume");
const clock = makeClock(env.BUSINESS_CLOCK);
const nowMs = clock.realMs;
const bodies = makeS3BlobStore({ bucket: env.BODIES_BUCKET, config: sdk });
const windowMs = env.DEDUPE_RETENTION_DAYS * DAY_MS;
const client = DynamoDBDocumentClient.from(new DynamoDBClient(sdk));
const config = {
  client,
  tableName: env.CONFIG_TABLE,
  masterKeys: makeMasterKeyReader({
    client: new SecretsManagerClient(sdk),
    secretId: env.MASTER_SECRET_ID,
    nowMs,
  }),
  nowMs,
};

const events = { client, clock, bodies, tableName: env.EVENTS_TABLE, retentionMs: windowMs };
const { claims, publisher } = openEventStore({ ...events, sdk, busName: env.EVENT_BUS_NAME });
const sqs = new SQSClient(sdk);

const requests = {
  ...composeRequestPorts({ client, sdk, clock, bodies, env }),
  providers: providerRequests,
};

const consumeWebhooks = makeConsumeWebhooks({
  decode: makeDecodeInbound({
    packs: providerPacks,
    bodies,
    accounts: makeDynamoAccounts(config),
    connections: makeDynamoConnections({ ...config, ttlMs: 60_000 }),
    calls: makeHttpProviderCalls({ baseUrls: env.PROVIDER_BASE_URLS }),
    clock,
    windowMs,
  }),
  join: makeJoinWebhooks({
    ...requests,
    applyProviderUpdate: makeApplyProviderUpdate(requests),
    publish: makePublishOutboxes({
      ...requests,
      publisher,
      archive: makeDynamoEventArchive(events),
    }),
    sendBack: makeSqsSendBack({
      client: sqs,
      queueUrl: env.INBOUND_QUEUE_URL,
      businessPerRealSecond: env.BUSINESS_CLOCK.speed,
    }),
  }),
  claims,
  publisher,
  clock,
  newOwner: randomUUID,
  leaseMs: env.CLAIM_LEASE_SECONDS * 1000,
});

const redeliver = makeSqsRedelivery({
  client: sqs,
  queueUrl: env.INBOUND_QUEUE_URL,
  clock,
});

export const handler = makeQueueFunction(telemetry, async (records, context) => {
  const outcomes = await consumeWebhooks(
    records.map(({ body }) => body),
    () => context.getRemainingTimeInMillis(),
  );
  const paired = pair(records, outcomes);
  for (const { record, outcome } of paired) report(telemetry, record.messageId, outcome);
  await redeliver(paired);
  return failedRecords(paired);
});
