import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDependable } from "../../shared/adapters/dynamo/dependable-config-store.ts";
import { makeDynamoAccounts } from "../../shared/adapters/dynamo/dynamo-accounts.ts";
import { makeDynamoApiKeys } from "../../shared/adapters/dynamo/dynamo-api-keys.ts";
import { makeDynamoClientRates } from "../../shared/adapters/dynamo/dynamo-client-rates.ts";
import { makeDynamoConfigStore } from "../../shared/adapters/dynamo/dynamo-config-store.ts";
import { makeDynamoConnections } from "../../shared/adapters/dynamo/dynamo-connections.ts";
import { makeDynamoEventReader } from "../../shared/adapters/dynamo/dynamo-event-reader.ts";
import { makeDynamoIdempotency } from "../../shared/adapters/dynamo/dynamo-idempotency.ts";
import { makeHttpProviderCalls } from "../../shared/adapters/http/http-provider-calls.ts";
import { makeS3BlobStore } from "../../shared/adapters/s3/s3-blob-store.ts";
import { makeSchedulerSchedules } from "../../shared/adapters/scheduler-schedules.ts";
import { makeMasterKeyReader } from "../../shared/adapters/secrets-manager-master-keys.ts";
import { composeDeliveryPorts } from "../../shared/composition/deliveries.ts";
import { composeRequestPorts } from "../../shared/composition/requests.ts";
import { apiEnv } from "../../shared/contracts/env.ts";
import { makeAccounts } from "../../shared/core/administration/accounts.ts";
import { makeAdministration } from "../../shared/core/administration/administration.ts";
import { makeServeApi } from "../../shared/core/api/serve-api.ts";
import { makeDeliveries } from "../../shared/core/deliveries/deliveries.ts";
import { makeWebhooks } from "../../shared/core/deliveries/webhooks/webhooks.ts";
import { makeRequests } from "../../shared/core/requests/requests.ts";
import { providerRequests } from "../../shared/providers/provider-requests.ts";
import { awsClientDefaults as sdk } from "../../shared/runtime/aws-clients.ts";
import { makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { reportDropped } from "../../shared/runtime/report-failure.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report } from "./report.ts";
import { toCall, toResult } from "./request.ts";

const env = readEnvironment("api", apiEnv, process.env);
const telemetry = makeTelemetry("api");
const clock = makeClock(env.BUSINESS_CLOCK);

/** Less than the function's timeout: a caller gets a 503 with our words. */
const DEADLINE_MS = 8_000;

const client = DynamoDBDocumentClient.from(new DynamoDBClient(sdk));
const config = { client, tableName: env.CONFIG_TABLE };
const store = makeDependable(makeDynamoConfigStore(config));
const masterKeys = makeMasterKeyReader({
  client: new SecretsManagerClient(sdk),
  secretId: env.MASTER_SECRET_ID,
  nowMs: clock.realMs,
});

const bodies = makeS3BlobStore({ bucket: env.BODIES_BUCKET, config: sdk });
const reader = makeDynamoEventReader({ client, tableName: env.EVENTS_TABLE, clock, bodies });
const randomHex = (bytes: number) => randomBytes(bytes).toString("hex");
const dropped = (error: unknown) => reportDropped(telemetry, error);
const keysWith = (keyId?: string) => masterKeys(AbortSignal.timeout(DEADLINE_MS), keyId);
const currentKeys = () => keysWith();
const common = {
  ...composeRequestPorts({ client, sdk, clock, bodies, env }),
  clock,
  masterKeys: currentKeys,
  randomHex,
  dropped,
};
const accounts = makeAccounts({ ...common, store });
const requestTable = { client, tableName: env.REQUESTS_TABLE, clock };
const outbound = {
  ...composeDeliveryPorts({ client, sdk, clock, bodies, env }),
  masterKeys: keysWith,
  targets: env.WEBHOOK_TARGETS,
  randomHex,
  dropped,
};
const known = { ...config, masterKeys, nowMs: clock.realMs };

const serveApi = makeServeApi({
  keys: makeDynamoApiKeys({ ...config, nowMs: clock.realMs }),
  masterKeys: keysWith,
  reader,
  requests: makeRequests({
    ...common,
    providers: providerRequests,
    destinations: accounts.destinations,
    connectionIdsOf: accounts.connectionIdsOf,
    events: reader,
    idempotency: makeDynamoIdempotency(requestTable),
    rates: makeDynamoClientRates({
      ...requestTable,
      limit: env.REQUEST_RULES.clientRequestsPerSecond,
    }),
    schedules: makeSchedulerSchedules({
      client: new SchedulerClient(sdk),
      groupName: env.SCHEDULE_GROUP,
      roleArn: env.SCHEDULE_ROLE_ARN,
      queueArn: env.SUBMIT_QUEUE_ARN,
      deadLetterArn: env.SCHEDULE_DLQ_ARN,
    }),
    accounts: makeDynamoAccounts(known),
    connections: makeDynamoConnections({ ...known, ttlMs: env.CONNECTION_CACHE_SECONDS * 1000 }),
    calls: makeHttpProviderCalls({ baseUrls: env.PROVIDER_BASE_URLS }),
  }),
  accounts,
  webhooks: makeWebhooks(outbound),
  deliveries: makeDeliveries(outbound),
  administration: async () =>
    makeAdministration({ store, masterKeys: await currentKeys(), clock, randomHex }),
  clock,
  dropped,
});

export const handler = makeHttpFunction(telemetry, async (event) => {
  const outcome = await serveApi(toCall(event, AbortSignal.timeout(DEADLINE_MS)));
  report(telemetry, outcome, event.requestContext.requestId);
  return toResult(outcome);
});
