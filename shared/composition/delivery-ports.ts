import { SQSClient } from "@aws-sdk/client-sqs";
import { makeDynamoDeliveryJobs } from "../adapters/dynamo/dynamo-delivery-jobs.ts";
import { makeDynamoDeliveryStore } from "../adapters/dynamo/dynamo-delivery-store.ts";
import { makeDynamoEndpointHealth } from "../adapters/dynamo/dynamo-endpoint-health.ts";
import { makeDynamoWebhooks } from "../adapters/dynamo/dynamo-webhooks.ts";
import { makeBlobTextStore } from "../adapters/s3/blob-text-store.ts";
import { makeSqsDeliveryQueue } from "../adapters/sqs/sqs-delivery-queue.ts";
import type { FunctionSettings } from "../contracts/settings.ts";
import { deliveryRulesOf } from "../core/deliveries/state/delivery-rules.ts";
import type { DeliveryPorts } from "./delivery-use-cases.ts";
import type { FunctionBase } from "./function-base.ts";

/** The variables from which the ports of deliveries are made. */
interface DeliveryEnvironment {
  BUSINESS_CLOCK: { speed: number };
  CONFIG_TABLE: string;
  DELIVERIES_TABLE: string;
  SETTINGS: FunctionSettings;
  RETRIES_QUEUE_URL: string;
  /** Absent: attempts go to the retries queue too. */
  ATTEMPTS_QUEUE_URL?: string;
}

/** Makes the ports of deliveries on DynamoDB, S3 and SQS. */
export function makeDeliveryPorts(
  {
    client,
    awsClientConfig,
    clock,
    bodies,
  }: Pick<FunctionBase, "client" | "awsClientConfig" | "clock" | "bodies">,
  env: DeliveryEnvironment,
): DeliveryPorts {
  const { RETRIES_QUEUE_URL: retries, ATTEMPTS_QUEUE_URL: attempts = retries } = env;
  const table = { client, tableName: env.DELIVERIES_TABLE, clock };
  const texts = makeBlobTextStore({ bodies, area: "deliveries" });
  return {
    deliveries: makeDynamoDeliveryStore({ ...table, texts }),
    jobs: makeDynamoDeliveryJobs(table),
    health: makeDynamoEndpointHealth(table),
    webhooks: makeDynamoWebhooks({ client, tableName: env.CONFIG_TABLE }),
    deliveryQueue: makeSqsDeliveryQueue({
      client: new SQSClient(awsClientConfig),
      queueUrls: { attempts, retries },
    }),
    texts,
    clock,
    speed: env.BUSINESS_CLOCK.speed,
    rules: deliveryRulesOf(env.SETTINGS),
  };
}
