import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SQSClient } from "@aws-sdk/client-sqs";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { makeDynamoConfigStore } from "../adapters/dynamo/dynamo-config-store.ts";
import { makeDynamoLanes } from "../adapters/dynamo/dynamo-lanes.ts";
import { makeSqsSubmitQueue } from "../adapters/sqs/sqs-submit-queue.ts";
import { type Accounts, makeAccounts } from "../core/administration/accounts.ts";
import { type Administration, makeAdministration } from "../core/administration/administration.ts";
import { readMasterKeys } from "../core/crypto/master-keys.ts";
import { makeLaneScheduler } from "../core/requests/lanes/lane-scheduler.ts";
import { TICK_GRACE_MS } from "./requests.ts";

/** Where to administer: a stack's outputs, and how its AWS is called. */
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
 * The administration of one stack, with the caller's own AWS credentials: who
 * may read the master secret and write the config table may administer.
 *
 * @throws Error when the stack lacks an output, which means it is not Ackwire's
 */
export async function composeAdministration(place: StackTarget): Promise<Administration> {
  return makeAdministration({
    ...(await openCommon(place)),
    randomHex: (bytes) => randomBytes(bytes).toString("hex"),
  });
}

/** The accounts of one stack: pace and pause. @throws Error when the stack lacks an output */
export async function openAccounts(place: StackTarget): Promise<Accounts> {
  const common = await openCommon(place);
  const { client, clock } = common;
  const lanes = makeDynamoLanes({
    client,
    clock,
    tableName: outputOf(place, "RequestsTableName"),
  });
  const queue = makeSqsSubmitQueue({
    client: new SQSClient(place.aws),
    queueUrl: outputOf(place, "SubmitQueueUrl"),
  });
  return makeAccounts({
    ...common,
    lanes,
    laneScheduler: makeLaneScheduler({
      lanes,
      queue,
      nowMs: clock.businessMs,
      graceMs: TICK_GRACE_MS,
    }),
    masterKeys: async () => common.masterKeys,
    dropped: (error) => console.error(error),
  });
}

async function openCommon(place: StackTarget) {
  const get = new GetSecretValueCommand({ SecretId: outputOf(place, "MasterSecretArn") });
  const { SecretString = "" } = await new SecretsManagerClient(place.aws).send(get);
  const nowMs = place.nowMs ?? Date.now;
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(place.aws));
  return {
    client,
    store: makeDynamoConfigStore({ client, tableName: outputOf(place, "ConfigTableName") }),
    masterKeys: readMasterKeys(SecretString),
    clock: { realMs: Date.now, businessMs: nowMs },
  };
}

/** @throws Error when there is no such output: the stack is none of Ackwire, or an older one */
export function outputOf(place: StackTarget, name: string): string {
  const value = place.outputs[name];
  if (value === undefined) throw new Error(`The stack has no output ${name}: is it Ackwire's?`);
  return value;
}
