import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoAccounts } from "../../shared/adapters/dynamo/dynamo-accounts.ts";
import { makeDynamoConnectionPause } from "../../shared/adapters/dynamo/dynamo-connection-pause.ts";
import { makeDynamoConnections } from "../../shared/adapters/dynamo/dynamo-connections.ts";
import { makeDynamoEventArchive } from "../../shared/adapters/dynamo/dynamo-event-archive.ts";
import { makeHttpProviderCalls } from "../../shared/adapters/http/http-provider-calls.ts";
import { makeS3BlobStore } from "../../shared/adapters/s3/s3-blob-store.ts";
import { makeMasterKeyReader } from "../../shared/adapters/secrets-manager-master-keys.ts";
import { composeDeliveryPorts } from "../../shared/composition/deliveries.ts";
import { openEventStore } from "../../shared/composition/event-store.ts";
import { composeRequestPorts } from "../../shared/composition/requests.ts";
import { reconcileEnv } from "../../shared/contracts/env.ts";
import { makePublishFailures } from "../../shared/core/deliveries/state/publish-failures.ts";
import { makeSweepDeliveries } from "../../shared/core/deliveries/sweep-deliveries.ts";
import { makeSweepOutbox } from "../../shared/core/events/sweep-outbox.ts";
import { makeJoinWhenDue } from "../../shared/core/requests/lanes/join-lane.ts";
import { makeApplyProviderUpdate } from "../../shared/core/requests/results/apply-provider-update.ts";
import { makePollRequest } from "../../shared/core/requests/results/poll-request.ts";
import { makePublishOutboxes } from "../../shared/core/requests/state/publish-outboxes.ts";
import { makeSweepRequests } from "../../shared/core/requests/sweep-requests.ts";
import { providerRequests } from "../../shared/providers/provider-requests.ts";
import { awsClientDefaults as sdk } from "../../shared/runtime/aws-clients.ts";
import { DAY_MS, makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { reportDropped } from "../../shared/runtime/report-failure.ts";
import { makeScheduledFunction } from "../../shared/runtime/scheduled-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report, reportDeliveries, reportRequests } from "./report.ts";

/** Most events per outbox shard and run; a backlog is worked off run by run. */
const EVENTS_PER_SHARD = 500;

/** Deliveries per shard that one query takes; a run makes as many queries as it has time for. */
const DELIVERIES_PER_QUERY = 500;

/** Most requests and lanes per shard and run. */
const REQUESTS_PER_SHARD = 250;

const env = readEnvironment("reconcile", reconcileEnv, process.env);
const telemetry = makeTelemetry("reconcile");
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
const retentionMs = env.DEDUPE_RETENTION_DAYS * DAY_MS;
const events = { client, clock, bodies, tableName: env.EVENTS_TABLE, retentionMs };
const { claims, publisher } = openEventStore({ ...events, sdk, busName: env.EVENT_BUS_NAME });

const sweepOutbox = makeSweepOutbox({
  claims,
  publisher,
  clock,
  newOwner: randomUUID,
  leaseMs: env.CLAIM_LEASE_SECONDS * 1000,
  graceMs: env.OUTBOX_GRACE_SECONDS * 1000,
  limit: EVENTS_PER_SHARD,
});

const requests = {
  ...composeRequestPorts({ client, sdk, clock, bodies, env }),
  providers: providerRequests,
};
const publish = makePublishOutboxes({
  ...requests,
  publisher,
  archive: makeDynamoEventArchive(events),
});

const connections = makeDynamoConnections({
  ...config,
  ttlMs: env.CONNECTION_CACHE_SECONDS * 1000,
});

const { poll } = makePollRequest({
  ...requests,
  publish,
  applyProviderUpdate: makeApplyProviderUpdate(requests),
  accounts: makeDynamoAccounts(config),
  connections,
  calls: makeHttpProviderCalls({ baseUrls: env.PROVIDER_BASE_URLS }),
  pauseConnection: makeDynamoConnectionPause({ ...config, connections }),
});

const sweepRequests = makeSweepRequests({
  ...requests,
  publish,
  joinWhenDue: makeJoinWhenDue(requests),
  pollRequest: poll,
  limit: REQUESTS_PER_SHARD,
  maxPolls: env.POLLS_PER_RUN,
});

const deliveries = {
  ...composeDeliveryPorts({ client, sdk, clock, bodies, env }),
  dropped: (error: unknown) => reportDropped(telemetry, error),
};
const sweepDeliveries = makeSweepDeliveries({
  ...deliveries,
  limit: DELIVERIES_PER_QUERY,
  publishFailures: makePublishFailures({
    ...deliveries,
    publisher,
    archive: makeDynamoEventArchive(events),
    counted: (failures) => {
      telemetry.count("DeliveryFailed", failures);
      telemetry.flush();
    },
  }),
});

export const handler = makeScheduledFunction(telemetry, async (remainingMs) => {
  // Side by side: a backlog of the one does not use up the time of the other.
  const [events, requests, attempts] = await Promise.all([
    sweepOutbox(remainingMs),
    sweepRequests(remainingMs),
    sweepDeliveries(remainingMs),
  ]);
  report(telemetry, events);
  reportRequests(telemetry, requests);
  reportDeliveries(telemetry, attempts);
});
