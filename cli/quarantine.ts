import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoConnections } from "../shared/adapters/dynamo/dynamo-connections.ts";
import { makeS3BlobStore } from "../shared/adapters/s3/s3-blob-store.ts";
import { makeS3QuarantineContents } from "../shared/adapters/s3/s3-quarantine-contents.ts";
import { makeMasterKeyReader } from "../shared/adapters/secrets-manager-master-keys.ts";
import { makeSqsInboundQueue } from "../shared/adapters/sqs/sqs-inbound-queue.ts";
import { outputOf, type StackTarget } from "../shared/composition/administration.ts";
import { limits } from "../shared/contracts/limits.ts";
import { providerPacks } from "../shared/contracts/providers.ts";
import {
  makeReleaseQuarantine,
  type ReleaseQuarantineDeps,
} from "../shared/core/inbound/release-quarantine.ts";

/** Timeout of one call, real time. */
const CALL_LIMIT_MS = 10_000;

/** Lists and releases the webhooks in a connection's quarantine. */
export function openQuarantine(
  place: StackTarget,
  onProgress: ReleaseQuarantineDeps["onProgress"] = () => undefined,
) {
  const bucket = outputOf(place, "BodiesBucketName");
  const contents = makeS3QuarantineContents({ client: new S3Client(place.aws), bucket });
  const nowMs = Date.now;

  async function release(clientId: string, connectionId: string) {
    const connections = makeDynamoConnections({
      client: DynamoDBDocumentClient.from(new DynamoDBClient(place.aws)),
      tableName: outputOf(place, "ConfigTableName"),
      masterKeys: makeMasterKeyReader({
        client: new SecretsManagerClient(place.aws),
        secretId: outputOf(place, "MasterSecretArn"),
        nowMs,
      }),
      ttlMs: 0,
      nowMs,
    });
    const connection = await connections.readThrottled(
      connectionId,
      AbortSignal.timeout(CALL_LIMIT_MS),
    );
    if (connection?.clientId !== clientId)
      throw new Error(`there is no connection ${connectionId}`);
    const queueUrl = outputOf(place, "InboundQueueUrl");
    return makeReleaseQuarantine({
      contents,
      queue: makeSqsInboundQueue({ client: new SQSClient(place.aws), queueUrl }),
      bodies: makeS3BlobStore({ bucket, config: place.aws }),
      packs: providerPacks,
      clock: { realMs: nowMs, businessMs: place.nowMs ?? nowMs },
      maxInlineBytes: limits.maxInlineBytes,
      sendDeadline: () => AbortSignal.timeout(CALL_LIMIT_MS),
      onProgress,
    })(connection);
  }

  return {
    list: async (connectionId: string) => Array.fromAsync(contents.keys(connectionId)),
    release,
  };
}
