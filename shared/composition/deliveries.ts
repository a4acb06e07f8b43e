import { SQSClient } from "@aws-sdk/client-sqs";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoDeliveryJobs } from "../adapters/dynamo/dynamo-delivery-jobs.ts";
import { makeDynamoDeliveryStore } from "../adapters/dynamo/dynamo-delivery-store.ts";
import { makeDynamoEndpointHealth } from "../adapters/dynamo/dynamo-endpoint-health.ts";
import { makeDynamoWebhooks } from "../adapters/dynamo/dynamo-webhooks.ts";
import { makeBlobTextStore } from "../adapters/s3/blob-text-store.ts";
import { makeSqsDeliveryQueue } from "../adapters/sqs/sqs-delivery-queue.ts";
import type { DeliveryRules } from "../contracts/delivery-rules.ts";
import type { Clock } from "../core/clock.ts";
import type { DeliveryContext } from "../core/deliveries/state/delivery-context.ts";
import type { BlobStore } from "../core/inbound/ports.ts";

/** What every function needs that works on deliveries. */
export function composeDeliveryPorts(options: {
  /** The function's one client of DynamoDB. */
  client: DynamoDBDocumentClient;
  /** How the client of SQS is made. */
  sdk: object;
  clock: Clock;
  bodies: BlobStore;
  env: {
    BUSINESS_CLOCK: { speed: number };
    CONFIG_TABLE: string;
    DELIVERIES_TABLE: string;
    DELIVERY_RULES: DeliveryRules;
    RETRIES_QUEUE_URL: string;
    /** A function without it sends all to the queue of retries. */
    ATTEMPTS_QUEUE_URL?: string;
  };
}) {
  const { client, sdk, clock, bodies, env } = options;
  const { RETRIES_QUEUE_URL: careful, ATTEMPTS_QUEUE_URL: prompt = careful } = env;
  const table = { client, tableName: env.DELIVERIES_TABLE, clock };
  const texts = makeBlobTextStore({ bodies, area: "deliveries" });
  return {
    deliveries: makeDynamoDeliveryStore({ ...table, texts }),
    jobs: makeDynamoDeliveryJobs(table),
    health: makeDynamoEndpointHealth(table),
    webhooks: makeDynamoWebhooks({ client, tableName: env.CONFIG_TABLE }),
    queue: makeSqsDeliveryQueue({
      client: new SQSClient(sdk),
      queueUrls: { prompt, careful },
    }),
    texts,
    context: (): DeliveryContext => ({
      nowMs: clock.businessMs(),
      nowRealMs: clock.realMs(),
      speed: env.BUSINESS_CLOCK.speed,
      rules: env.DELIVERY_RULES,
    }),
  };
}
