import { SQSClient } from "@aws-sdk/client-sqs";
import { makeDynamoCorrelations } from "../adapters/dynamo/dynamo-correlations.ts";
import { makeDynamoLanes } from "../adapters/dynamo/dynamo-lanes.ts";
import { makeDynamoReferences } from "../adapters/dynamo/dynamo-references.ts";
import { makeDynamoRequestStore } from "../adapters/dynamo/dynamo-request-store.ts";
import { makeBlobTextStore } from "../adapters/s3/blob-text-store.ts";
import { makeSqsSubmitQueue } from "../adapters/sqs/sqs-submit-queue.ts";
import type { FunctionSettings } from "../contracts/settings.ts";
import { requestRulesOf } from "../core/requests/state/request-rules.ts";
import type { FunctionBase } from "./function-base.ts";
import type { RequestPorts } from "./request-use-cases.ts";

/** The variables from which the ports of requests are made. */
interface RequestEnvironment {
  BUSINESS_CLOCK: { speed: number };
  REQUESTS_TABLE: string;
  SUBMIT_QUEUE_URL: string;
  SETTINGS: FunctionSettings;
}

/** Makes the ports of requests on DynamoDB, S3 and SQS. */
export function makeRequestPorts(
  {
    client,
    awsClientConfig,
    clock,
    bodies,
  }: Pick<FunctionBase, "client" | "awsClientConfig" | "clock" | "bodies">,
  env: RequestEnvironment,
  onNonFatalError: RequestPorts["onNonFatalError"],
): RequestPorts {
  const rules = requestRulesOf(env.SETTINGS);
  const table = { client, tableName: env.REQUESTS_TABLE, clock };
  return {
    requests: makeDynamoRequestStore(table),
    lanes: makeDynamoLanes(table),
    references: makeDynamoReferences({ ...table, retentionMs: rules.referenceRetentionMs }),
    correlations: makeDynamoCorrelations({
      ...table,
      retentionMs: rules.correlationRetentionMs,
    }),
    texts: makeBlobTextStore({ bodies, area: "requests" }),
    submitQueue: makeSqsSubmitQueue({
      client: new SQSClient(awsClientConfig),
      queueUrl: env.SUBMIT_QUEUE_URL,
    }),
    clock,
    speed: env.BUSINESS_CLOCK.speed,
    rules,
    onNonFatalError,
  };
}
