import { SQSClient } from "@aws-sdk/client-sqs";
import { makeDynamoCorrelations } from "../../shared/adapters/dynamo/dynamo-correlations.ts";
import {
  makeDynamoRefused,
  makeDynamoSettledForm,
} from "../../shared/adapters/dynamo/dynamo-settled-form.ts";
import { makeS3Quarantine } from "../../shared/adapters/s3/s3-quarantine.ts";
import { makeSqsInboundQueue } from "../../shared/adapters/sqs/sqs-inbound-queue.ts";
import { makeFunctionBase } from "../../shared/composition/function-base.ts";
import { composeIngest } from "../../shared/composition/inbound-use-cases.ts";
import { makeConnectionReader } from "../../shared/composition/provider-ports.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { limits } from "../../shared/contracts/limits.ts";
import { requestRulesOf } from "../../shared/core/requests/state/request-rules.ts";

export type IngestUseCases = ReturnType<typeof composeIngest>;

export function compose(
  env: ParsedEnvironment<"ingest">,
  onNonFatalError: (error: unknown) => void,
): IngestUseCases {
  const base = makeFunctionBase(env, onNonFatalError);
  const { client, awsClientConfig, clock, bodies } = base;
  return composeIngest({
    connections: makeConnectionReader(base, env),
    queue: makeSqsInboundQueue({
      client: new SQSClient(awsClientConfig),
      queueUrl: env.INBOUND_QUEUE_URL,
    }),
    correlations: makeDynamoCorrelations({
      client,
      clock,
      tableName: env.REQUESTS_TABLE,
      retentionMs: requestRulesOf(env.SETTINGS).correlationRetentionMs,
    }),
    bodies,
    quarantine: makeS3Quarantine({ bucket: env.BODIES_BUCKET, config: awsClientConfig }),
    storeSettledForm: makeDynamoSettledForm({ client, tableName: env.CONFIG_TABLE }),
    storeRefused: makeDynamoRefused({ client, tableName: env.CONFIG_TABLE }),
    clock,
    maxBodyBytes: env.SETTINGS.inboundMaxBodyBytes,
    maxInlineBytes: limits.maxInlineBytes,
  });
}
