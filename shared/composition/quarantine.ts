import { SQSClient } from "@aws-sdk/client-sqs";
import { makeS3BlobStore } from "../adapters/s3/s3-blob-store.ts";
import { makeS3Quarantine } from "../adapters/s3/s3-quarantine.ts";
import { makeSqsInboundQueue } from "../adapters/sqs/sqs-inbound-queue.ts";
import { limits } from "../contracts/limits.ts";
import { providerPacks } from "../contracts/providers.ts";
import type { Clock } from "../core/clock.ts";
import {
  makeReleaseQuarantine,
  type ReleaseQuarantineDeps,
} from "../core/inbound/release-quarantine.ts";

/** Timeout of one call, real time. */
const CALL_LIMIT_MS = 10_000;

/** Composes the list and the release of the webhooks in quarantine. */
export function composeQuarantine(of: {
  /** The configuration of the AWS clients. */
  aws: object;
  bucket: string;
  inboundQueueUrl: string;
  clock: Clock;
  onProgress?: ReleaseQuarantineDeps["onProgress"];
}) {
  const { aws, bucket, clock, onProgress = () => undefined } = of;
  const contents = makeS3Quarantine({ config: aws, bucket });
  return {
    contents,
    release: makeReleaseQuarantine({
      contents,
      queue: makeSqsInboundQueue({ client: new SQSClient(aws), queueUrl: of.inboundQueueUrl }),
      bodies: makeS3BlobStore({ bucket, config: aws }),
      packs: providerPacks,
      clock,
      maxInlineBytes: limits.maxInlineBytes,
      sendDeadline: () => AbortSignal.timeout(CALL_LIMIT_MS),
      onProgress,
    }),
  };
}
