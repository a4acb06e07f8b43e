import { randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoEventClaims } from "../../shared/adapters/dynamo-event-claims.ts";
import { makeEventBridgePublisher } from "../../shared/adapters/eventbridge-publisher.ts";
import { makeSqsRedelivery } from "../../shared/adapters/sqs-redelivery.ts";
import { consumeEnv } from "../../shared/contracts/env.ts";
import { makeConsumeWebhooks } from "../../shared/core/consume-webhooks.ts";
import { providerPacks } from "../../shared/providers/packs.ts";
import { awsClientDefaults } from "../../shared/runtime/aws-clients.ts";
import { makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeQueueFunction } from "../../shared/runtime/queue-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report } from "./report.ts";
import { pair, unfinished } from "./request.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

const env = readEnvironment("consume", consumeEnv, process.env);
const telemetry = makeTelemetry("consume");
const clock = makeClock(env.BUSINESS_CLOCK);
const sqs = new SQSClient(awsClientDefaults);

const consumeWebhooks = makeConsumeWebhooks({
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
  packs: providerPacks,
  clock,
  newOwner: randomUUID,
  leaseMs: env.CLAIM_LEASE_SECONDS * 1000,
});

const redeliver = makeSqsRedelivery({ client: sqs, queueUrl: env.INBOUND_QUEUE_URL, clock });

export const handler = makeQueueFunction(telemetry, async (records) => {
  const paired = pair(records, await consumeWebhooks(records.map(({ body }) => body)));
  for (const { record, outcome } of paired) report(telemetry, record.messageId, outcome);
  await redeliver(paired);
  return unfinished(paired);
});
