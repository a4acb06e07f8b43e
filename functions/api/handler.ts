import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDependable } from "../../shared/adapters/dependable-config-store.ts";
import { makeDynamoApiKeys } from "../../shared/adapters/dynamo-api-keys.ts";
import { makeDynamoConfigStore } from "../../shared/adapters/dynamo-config-store.ts";
import { makeDynamoEventReader } from "../../shared/adapters/dynamo-event-reader.ts";
import { makeS3BlobStore } from "../../shared/adapters/s3-blob-store.ts";
import { makeMasterKeyReader } from "../../shared/adapters/secrets-manager-master-keys.ts";
import { apiEnv } from "../../shared/contracts/env.ts";
import { makeAdministration } from "../../shared/core/administration.ts";
import { makeServeApi } from "../../shared/core/serve-api.ts";
import { awsClientDefaults as sdk } from "../../shared/runtime/aws-clients.ts";
import { makeClock } from "../../shared/runtime/clock.ts";
import { readEnvironment } from "../../shared/runtime/environment.ts";
import { makeHttpFunction } from "../../shared/runtime/http-function.ts";
import { makeTelemetry } from "../../shared/runtime/telemetry.ts";
import { report, reportDropped } from "./report.ts";
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

const serveApi = makeServeApi({
  keys: makeDynamoApiKeys({ ...config, nowMs: clock.realMs }),
  reader: makeDynamoEventReader({
    client,
    tableName: env.EVENTS_TABLE,
    clock,
    bodies: makeS3BlobStore({ bucket: env.BODIES_BUCKET, config: sdk }),
  }),
  administration: async () =>
    makeAdministration({
      store,
      masterKeys: await masterKeys(AbortSignal.timeout(DEADLINE_MS)),
      clock,
      randomHex: (bytes) => randomBytes(bytes).toString("hex"),
    }),
  clock,
  dropped: (error) => reportDropped(telemetry, error),
});

export const handler = makeHttpFunction(telemetry, async (event) => {
  const outcome = await serveApi(toCall(event, AbortSignal.timeout(DEADLINE_MS)));
  report(telemetry, outcome, event.requestContext.requestId);
  return toResult(outcome);
});
