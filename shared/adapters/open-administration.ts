import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { type Administration, makeAdministration } from "../core/administration.ts";
import { readMasterKeys } from "../core/master-keys.ts";
import { makeDynamoConfigStore } from "./dynamo-config-store.ts";

/** Where to administer: a stack's outputs, and how its AWS is called. */
export interface Place {
  outputs: Readonly<Record<string, string>>;
  aws: {
    endpoint?: string;
    region?: string;
    credentials?: { accessKeyId: string; secretAccessKey: string };
  };
  /** Business time; real time where absent. */
  nowMs?: () => number;
}

/**
 * The administration of one stack, with the caller's own AWS credentials: who
 * may read the master secret and write the config table may administer.
 *
 * @throws Error when the stack lacks an output, which means it is not Ackwire's
 */
export async function openAdministration(place: Place): Promise<Administration> {
  const get = new GetSecretValueCommand({ SecretId: outputOf(place, "MasterSecretArn") });
  const { SecretString = "" } = await new SecretsManagerClient(place.aws).send(get);
  const nowMs = place.nowMs ?? Date.now;
  return makeAdministration({
    store: makeDynamoConfigStore({
      client: DynamoDBDocumentClient.from(new DynamoDBClient(place.aws)),
      tableName: outputOf(place, "ConfigTableName"),
    }),
    masterKeys: readMasterKeys(SecretString),
    clock: { realMs: Date.now, businessMs: nowMs },
    randomHex: (bytes) => randomBytes(bytes).toString("hex"),
  });
}

/** @throws Error when there is no such output: the stack is none of Ackwire, or an older one */
export function outputOf(place: Place, name: string): string {
  const value = place.outputs[name];
  if (value === undefined) throw new Error(`The stack has no output ${name}: is it Ackwire's?`);
  return value;
}
