import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeS3BlobStore } from "../adapters/s3/s3-blob-store.ts";
import {
  type MasterKeyReader,
  makeMasterKeyReader,
} from "../adapters/secrets-manager-master-keys.ts";
import type { Clock } from "../core/clock.ts";
import type { BlobStore } from "../core/inbound/ports.ts";
import { awsClientDefaults } from "../runtime/aws-clients.ts";
import { makeClock } from "../runtime/clock.ts";

/** What the adapters of one function share. */
export interface FunctionBase {
  /** The function's DynamoDB client. */
  client: DynamoDBDocumentClient;
  /** The configuration of every other AWS client. */
  awsClientConfig: Partial<typeof awsClientDefaults> & { region?: string };
  clock: Clock;
  /** Everything that is too large for an item or a message. */
  bodies: BlobStore;
  readMasterKeys: MasterKeyReader;
}

/** The variables from which the base is made; every function has them. */
interface BaseEnvironment {
  BUSINESS_CLOCK: { realMs: number; businessMs: number; speed: number };
  BODIES_BUCKET: string;
  MASTER_SECRET_ID: string;
}

/**
 * Makes the clients of a function, once per cold start. Calls nothing.
 *
 * @param onNonFatalError is told when the master keys cannot be read again and are used as they are
 */
export function makeFunctionBase(
  env: BaseEnvironment,
  onNonFatalError: (error: unknown) => void,
): FunctionBase {
  const awsClientConfig = awsClientDefaults;
  const clock = makeClock(env.BUSINESS_CLOCK);
  return {
    client: DynamoDBDocumentClient.from(new DynamoDBClient(awsClientConfig)),
    awsClientConfig,
    clock,
    bodies: makeS3BlobStore({ bucket: env.BODIES_BUCKET, config: awsClientConfig }),
    readMasterKeys: makeMasterKeyReader({
      client: new SecretsManagerClient(awsClientConfig),
      secretId: env.MASTER_SECRET_ID,
      nowMs: clock.realMs,
      onNonFatalError,
    }),
  };
}
