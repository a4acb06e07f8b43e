import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoAccounts } from "../../shared/adapters/dynamo/dynamo-accounts.ts";
import { makeDynamoConnectionPause } from "../../shared/adapters/dynamo/dynamo-connection-pause.ts";
import { makeDynamoConnections } from "../../shared/adapters/dynamo/dynamo-connections.ts";
import { makeDynamoEventArchive } from "../../shared/adapters/dynamo/dynamo-event-archive.ts";
import { makeEventBridgePublisher } from "../../shared/adapters/eventbridge-publisher.ts";
import { makeHttpProviderCalls } from "../../shared/adapters/http/http-provider-calls.ts";
import { makeS3BlobStore } from "../../shared/adapters/s3/s3-blob-store.ts";
import { makeMasterKeyReader } from "../../shared/adapters/secrets-manager-master-keys.ts";
import { composeRequestPorts } from "../../shared/composition/requests.ts";
import { submitEnv } from "../../shared/contracts/env.ts";
import { sealedWith } from "../../shared/core/crypto/master-keys.ts";
import { makeJoinWhenDue } from "../../shared/core/requests/lanes/join-lane.ts";
import { makePublishOutboxes } from "../../shared/core/requests/state/publish-outboxes.ts";
import { makeHandleSubmitMessages } from "../../shared/core/requests/submission/handle-submit-messages.ts";
import { makeSendInput } from "../../shared/core/requests/submission/send-input.ts";
import { makeSubmitRequest } from "../../shared/core/requests/submission/submit-request.ts";
import { makeWorkLane } from "../../shared/core/requests/submission/work-lane.ts";
import { providerRequests } from "../../shared/providers/provider-requests.ts";
import { awsClientDefaults as sdk } from "../../shared/runtime/aws-clients.ts";
import { DAY_MS, makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report } from "./report.ts";
import { unfinished } from "./request.ts";

const env = readEnvironment("submit", submitEnv, process.env);
const telemetry = makeTelemetry("submit");
const clock = makeClock(env.BUSINESS_CLOCK);
const nowMs = clock.realMs;
const client = DynamoDBDocumentClient.from(new DynamoDBClient(sdk));
const bodies = makeS3BlobStore({ bucket: env.BODIES_BUCKET, config: sdk });
const masterKeys = makeMasterKeyReader({
  client: new SecretsManagerClient(sdk),
  secretId: env.MASTER_SECRET_ID,
  nowMs,
});
const config = { client, tableName: env.CONFIG_TABLE, masterKeys, nowMs };

const common = {
  ...composeRequestPorts({ client, sdk, clock, bodies, env }),
  accounts: makeDynamoAccounts(config),
  connections: makeDynamoConnections({ ...config, ttlMs: env.CONNECTION_CACHE_SECONDS * 1000 }),
  providers: providerRequests,
  newOwner: randomUUID,
};

const submitRequest = makeSubmitRequest({
  ...common,
  calls: makeHttpProviderCalls({ baseUrls: env.PROVIDER_BASE_URLS }),
  pauseConnection: makeDynamoConnectionPause({ ...config, connections: common.connections }),
  masterKeys: (sealed) => masterKeys(AbortSignal.timeout(3_000), sealedWith(sealed)),
  random: Math.random,
});

const handleMessages = makeHandleSubmitMessages({
  ...common,
  joinWhenDue: makeJoinWhenDue(common),
  workLane: makeWorkLane({ ...common, submitRequest }),
  sendInput: makeSendInput({ ...common, submitRequest }),
  publish: makePublishOutboxes({
    ...common,
    publisher: makeEventBridgePublisher({
      client: new EventBridgeClient(sdk),
      busName: env.EVENT_BUS_NAME,
    }),
    archive: makeDynamoEventArchive({
      client,
      tableName: env.EVENTS_TABLE,
      clock,
      bodies,
      retentionMs: env.DEDUPE_RETENTION_DAYS * DAY_MS,
    }),
  }),
});

export const handler = makeQueueFunction(telemetry, async (records, context) => {
  const run = await handleMessages(
    records.map(({ body }) => body),
    () => context.getRemainingTimeInMillis(),
  );
  report(telemetry, run);
  return unfinished(records, run.messages);
});
