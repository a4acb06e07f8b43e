import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoConnections } from "../shared/adapters/dynamo/dynamo-connections.ts";
import { makeMasterKeyReader } from "../shared/adapters/secrets-manager-master-keys.ts";
import { outputOf, type StackTarget } from "../shared/composition/administration.ts";
import { composeQuarantine } from "../shared/composition/quarantine.ts";
import type { ReleaseQuarantineDeps } from "../shared/core/inbound/release-quarantine.ts";

/** Timeout of one call, real time. */
const CALL_LIMIT_MS = 10_000;

/** Lists and releases the webhooks in a connection's quarantine. */
export function openQuarantine(
  place: StackTarget,
  onProgress: ReleaseQuarantineDeps["onProgress"] = () => undefined,
) {
  const nowMs = Date.now;
  const { contents, release: releaseAll } = composeQuarantine({
    aws: place.aws,
    bucket: outputOf(place, "BodiesBucketName"),
    inboundQueueUrl: outputOf(place, "InboundQueueUrl"),
    clock: { realMs: nowMs, businessMs: place.nowMs ?? nowMs },
    onProgress,
  });

  async function release(clientId: string, connectionId: string) {
    const connections = makeDynamoConnections({
      client: DynamoDBDocumentClient.from(new DynamoDBClient(place.aws)),
      tableName: outputOf(place, "ConfigTableName"),
      masterKeys: makeMasterKeyReader({
        client: new SecretsManagerClient(place.aws),
        secretId: outputOf(place, "MasterSecretArn"),
        nowMs,
        onNonFatalError: (error) => {
          throw error;
        },
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
    const { released, kept } = await releaseAll(connection);
    return { released, kept };
  }

  return {
    list: async (connectionId: string) => Array.fromAsync(contents.keys(connectionId)),
    release,
  };
}
