import { SQSClient } from "@aws-sdk/client-sqs";
import { makeBlobQuarantine } from "../../shared/adapters/s3/s3-blob-store.ts";
import { makeSqsInboundQueue } from "../../shared/adapters/sqs/sqs-inbound-queue.ts";
import { makeFunctionBase } from "../../shared/composition/function-base.ts";
import { composeIngest } from "../../shared/composition/inbound-use-cases.ts";
import { makeConnectionReader } from "../../shared/composition/provider-ports.ts";
import type { ParsedEnvironment } from "../../shared/contracts/env.ts";
import { limits } from "../../shared/contracts/limits.ts";

export type IngestUseCases = ReturnType<typeof composeIngest>;

export function compose(env: ParsedEnvironment<"ingest">): IngestUseCases {
  const base = makeFunctionBase(env);
  const { awsClientConfig, clock, bodies } = base;
  return composeIngest({
    connections: makeConnectionReader(base, env),
    queue: makeSqsInboundQueue({
      client: new SQSClient(awsClientConfig),
      queueUrl: env.INBOUND_QUEUE_URL,
    }),
    bodies,
    quarantine: makeBlobQuarantine(bodies),
    clock,
    maxBodyBytes: env.SETTINGS.inboundMaxBodyBytes,
    maxInlineBytes: limits.maxInlineBytes,
  });
}
