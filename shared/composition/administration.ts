import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoConfigStore } from "../adapters/dynamo/dynamo-config-store.ts";
import { makeDynamoLanes } from "../adapters/dynamo/dynamo-lanes.ts";
import { randomHex } from "../adapters/random-hex.ts";
import { makeSqsSubmitQueue } from "../adapters/sqs/sqs-submit-queue.ts";
import { settingsSchema } from "../contracts/settings.ts";
import type { Accounts } from "../core/administration/accounts.ts";
import { type Administration, makeAdministration } from "../core/administration/administration.ts";
import { readMasterKeys } from "../core/crypto/master-keys.ts";
import { requestRulesOf } from "../core/requests/state/request-rules.ts";
import { composeAccounts } from "./request-use-cases.ts";

/** The outputs of a stack, and how to call its AWS services. */
export interface StackTarget {
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
 * Composes the administration of one stack. It works with the caller's AWS
 * credentials: whoever may read the master secret and write the config table
 * may administer.
 *
 * @throws Error when the stack has no such outputs: it is not a stack of Ackwire
 */
export async function composeAdministration(target: StackTarget): Promise<Administration> {
  const ports = await makeConfigPorts(target);
  const { wakeLanesOf } = accountAdministration(target, ports);
  return makeAdministration({ ...ports, randomHex, wakeLanesOf });
}

/** Composes the administration of one stack's accounts: pace and pause. @throws Error as above */
export async function composeAccountAdministration(target: StackTarget): Promise<Accounts> {
  return accountAdministration(target, await makeConfigPorts(target));
}

function accountAdministration(
  target: StackTarget,
  { client, clock, store, masterKeys }: Awaited<ReturnType<typeof makeConfigPorts>>,
): Accounts {
  const tableName = outputOf(target, "RequestsTableName");
  return composeAccounts({
    lanes: makeDynamoLanes({ client, clock, tableName }),
    submitQueue: makeSqsSubmitQueue({
      client: new SQSClient(target.aws),
      queueUrl: outputOf(target, "SubmitQueueUrl"),
    }),
    store,
    clock,
    // The stage's speed and settings are no outputs. The speed only makes the grace of a lane's
    // message longer; the settings apply only to accounts without a pace of their own.
    speed: 1,
    rules: requestRulesOf(settingsSchema.parse({})),
    masterKeys: async () => masterKeys,
    randomHex,
    onNonFatalError: (error) => console.error(error),
  });
}

async function makeConfigPorts(target: StackTarget) {
  const get = new GetSecretValueCommand({ SecretId: outputOf(target, "MasterSecretArn") });
  const { SecretString = "" } = await new SecretsManagerClient(target.aws).send(get);
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(target.aws));
  return {
    client,
    store: makeDynamoConfigStore({ client, tableName: outputOf(target, "ConfigTableName") }),
    masterKeys: readMasterKeys(SecretString),
    clock: { realMs: Date.now, businessMs: target.nowMs ?? Date.now },
  };
}

/** @throws Error when there is no such output: the stack is not Ackwire's, or is an older version */
export function outputOf({ outputs }: StackTarget, name: string): string {
  const value = outputs[name];
  if (value === undefined) throw new Error(`The stack has no output ${name}: is it Ackwire's?`);
  return value;
}
