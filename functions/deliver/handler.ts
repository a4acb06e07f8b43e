import { randomBytes, randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoDeliveryFacts } from "../../shared/adapters/dynamo/dynamo-delivery-facts.ts";
import { makeDynamoEventArchive } from "../../shared/adapters/dynamo/dynamo-event-archive.ts";
import { makeDynamoEventReader } from "../../shared/adapters/dynamo/dynamo-event-reader.ts";
import { makeHttpWebhookPoster } from "../../shared/adapters/http/http-webhook-poster.ts";
import { makeS3BlobStore } from "../../shared/adapters/s3/s3-blob-store.ts";
import { makeMasterKeyReader } from "../../shared/adapters/secrets-manager-master-keys.ts";
import { sleep } from "../../shared/adapters/timers-sleep.ts";
import { composeDeliveryPorts } from "../../shared/composition/deliveries.ts";
import { openEventStore } from "../../shared/composition/event-store.ts";
import { deliverEnv } from "../../shared/contracts/env.ts";
import { makeAttemptDeliveries } from "../../shared/core/deliveries/attempts/attempt-deliveries.ts";
import { makeAttemptDelivery } from "../../shared/core/deliveries/attempts/attempt-delivery.ts";
import { makeEndpointConcurrency } from "../../shared/core/deliveries/attempts/endpoint-slots.ts";
import { makeCreateDeliveries } from "../../shared/core/deliveries/creation/create-deliveries.ts";
import { makeHandleDeliveryWork } from "../../shared/core/deliveries/handle-delivery-work.ts";
import { makeRunBulkJob } from "../../shared/core/deliveries/run-bulk-job.ts";
import { makePublishFailures } from "../../shared/core/deliveries/state/publish-failures.ts";
import { makeDeactivateWebhook } from "../../shared/core/deliveries/webhooks/deactivate-webhook.ts";
import { makePublishEvent } from "../../shared/core/events/publish-claimed.ts";
import { readDeadline } from "../../shared/core/read-deadline.ts";
import { awsClientDefaults as sdk } from "../../shared/runtime/aws-clients.ts";
import { DAY_MS, makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { reportDropped } from "../../shared/runtime/report-failure.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report, reportBreaker } from "./report.ts";
import { cameFromQueue, workOf } from "./request.ts";

const env = readEnvironment("deliver", deliverEnv, process.env);
const telemetry = makeTelemetry("deliver");
const clock = makeClock(env.BUSINESS_CLOCK);
const client = DynamoDBDocumentClient.from(new DynamoDBClient(sdk));
const bodies = makeS3BlobStore({ bucket: env.BODIES_BUCKET, config: sdk });
const readMasterKeys = makeMasterKeyReader({
  client: new SecretsManagerClient(sdk),
  secretId: env.MASTER_SECRET_ID,
  nowMs: clock.realMs,
});

const retentionMs = env.DEDUPE_RETENTION_DAYS * DAY_MS;
const events = { client, clock, bodies, tableName: env.EVENTS_TABLE, retentionMs };
const store = openEventStore({ ...events, sdk, busName: env.EVENT_BUS_NAME });
const common = {
  ...composeDeliveryPorts({ client, sdk, clock, bodies, env }),
  facts: makeDynamoDeliveryFacts({
    client,
    tables: {
      config: env.CONFIG_TABLE,
      deliveries: env.DELIVERIES_TABLE,
      requests: env.REQUESTS_TABLE,
    },
  }),
  masterKeys: (keyId: string) => readMasterKeys(readDeadline(), keyId),
  newOwner: randomUUID,
  random: Math.random,
  randomHex: (bytes: number) => randomBytes(bytes).toString("hex"),
  dropped: (error: unknown) => reportDropped(telemetry, error),
};
const publishFailures = makePublishFailures({
  ...common,
  publisher: store.publisher,
  archive: makeDynamoEventArchive(events),
  counted: (failures) => {
    telemetry.count("DeliveryFailed", failures);
    telemetry.flush();
  },
});

const handleWork = makeHandleDeliveryWork({
  createDeliveries: makeCreateDeliveries({ ...common, publishFailures }),
  attemptDeliveries: makeAttemptDeliveries({
    ...common,
    publishFailures,
    attemptDelivery: makeAttemptDelivery({
      ...common,
      poster: makeHttpWebhookPoster({
        targets: env.WEBHOOK_TARGETS,
        timeoutMs: env.DELIVERY_RULES.timeoutMs,
        refusedAuthority: process.env.AWS_LAMBDA_RUNTIME_API,
      }),
    }),
    endpoints: makeEndpointConcurrency({
      ...common,
      opened: (health) => reportBreaker(telemetry, health),
    }),
    deactivateWebhook: makeDeactivateWebhook(common),
    sleep,
  }),
  runBulkJob: makeRunBulkJob({
    ...common,
    publishFailures,
    publish: makePublishEvent({
      ...store,
      clock,
      newOwner: randomUUID,
      leaseMs: env.CLAIM_LEASE_SECONDS * 1000,
    }),
    findEvent: makeDynamoEventReader(events).find,
    disabled: () => telemetry.count("WebhookDisabled"),
  }),
});

export const handler = makeQueueFunction(telemetry, async (records, context) => {
  const lane = cameFromQueue(env.ATTEMPTS_QUEUE_URL, records) ? "prompt" : "careful";
  const remainingMs = () => context.getRemainingTimeInMillis();
  const outcomes = await handleWork(records.map(workOf), { lane, remainingMs });
  return records.filter((record, at) => {
    const outcome = outcomes[at];
    if (outcome) report(telemetry, record.messageId, outcome);
    return outcome?.kind === "failed";
  });
});
