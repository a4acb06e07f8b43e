import { SQSClient } from "@aws-sdk/client-sqs";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoLanes } from "../adapters/dynamo/dynamo-lanes.ts";
import { makeDynamoReferences } from "../adapters/dynamo/dynamo-references.ts";
import { makeDynamoRequestStore } from "../adapters/dynamo/dynamo-request-store.ts";
import { makeBlobTextStore } from "../adapters/s3/blob-text-store.ts";
import { makeSqsSubmitQueue } from "../adapters/sqs/sqs-submit-queue.ts";
import type { RequestRules } from "../contracts/request-rules.ts";
import type { Clock } from "../core/clock.ts";
import type { BlobStore } from "../core/inbound/ports.ts";
import { makeLaneScheduler } from "../core/requests/lanes/lane-scheduler.ts";
import type { DecisionContext } from "../core/requests/state/decision-context.ts";
import { makeRequestWriter } from "../core/requests/state/request-writer.ts";

/** How long (business) a lane waits for its tick before the sweep looks at it, and at least in real time. */
export const TICK_GRACE_MS = 30_000;
const TICK_GRACE_REAL_MS = 2_000;

/** What every function needs that works on requests. */
export function composeRequestPorts(options: {
  /** The function's one client of DynamoDB. */
  client: DynamoDBDocumentClient;
  /** How the client of SQS is made. */
  sdk: object;
  clock: Clock;
  bodies: BlobStore;
  env: {
    BUSINESS_CLOCK: { speed: number };
    REQUESTS_TABLE: string;
    SUBMIT_QUEUE_URL: string;
    REQUEST_RULES: RequestRules;
  };
}) {
  const { client, sdk, clock, env } = options;
  const { REQUESTS_TABLE: tableName, SUBMIT_QUEUE_URL: queueUrl, REQUEST_RULES: rules } = env;
  // A tick takes real time too, however fast business time passes.
  const graceMs = Math.max(TICK_GRACE_MS, TICK_GRACE_REAL_MS * env.BUSINESS_CLOCK.speed);
  const table = { client, tableName, clock };
  const texts = makeBlobTextStore({ bodies: options.bodies, area: "requests" });
  const requests = makeDynamoRequestStore(table);
  const lanes = makeDynamoLanes(table);
  const queue = makeSqsSubmitQueue({ client: new SQSClient(sdk), queueUrl });
  return {
    requests,
    lanes,
    references: makeDynamoReferences({ ...table, retentionMs: rules.retentionMs }),
    texts,
    queue,
    laneScheduler: makeLaneScheduler({ lanes, queue, nowMs: clock.businessMs, graceMs }),
    writer: makeRequestWriter({ requests, texts }),
    context: (): DecisionContext => ({
      nowMs: clock.businessMs(),
      nowRealMs: clock.realMs(),
      rules,
    }),
  };
}
