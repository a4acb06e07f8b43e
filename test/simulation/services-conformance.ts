import { isDeepStrictEqual } from "node:util";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { startAws } from "../../local/aws/aws.ts";
import { makeBusinessClock } from "../../local/clock/clock.ts";
import { openDurableStore } from "../../local/durable-store.ts";
import type { Resource, Template } from "../../local/template/resource.ts";
import { makeRandom, type Random } from "./engine/random.ts";
import { makeEventBridge } from "./services/eventbridge.ts";
import { makeScheduler } from "./services/scheduler.ts";
import { makeSqs } from "./services/sqs.ts";
import { makeBucket, makeSecret } from "./services/stores.ts";

/**
 * Random commands for queues, the bus, schedules, the bucket and the secret are carried out by the
 * simulated services and by those of a local run, which the SDK's clients call over HTTP. Each
 * answer must say the same, and at the end the same messages are in the same queues. When
 * something happens is not compared.
 */

type Input = Record<string, unknown>;
type Call = (name: string, input: Input) => Promise<unknown>;

/** Commands of one sequence. */
const COMMANDS = 60;

const SECRET = "the secret";
const QUEUES = ["jobs", "matched"];
const MATCHED = "workflow.completed";
const FUTURE_YEAR = 2099;

const arnOf = (queue: string) => `arn:aws:sqs:us-east-1:000000000000:${queue}`;

/** One that compares sequences. */
export interface ServicesConformance {
  /** Carries out one sequence. @returns what differs */
  compare(seed: number): Promise<string[]>;
  /** Commands so far. */
  count(): number;
  close(): Promise<void>;
}

export async function openServicesConformance(): Promise<ServicesConformance> {
  let count = 0;
  const local = await openLocal();
  return {
    async compare(seed) {
      const simulated = openSimulated();
      const found: string[] = [];
      for (const [name, input] of sequenceOf(seed, makeRandom(seed, "services"))) {
        count++;
        const [one, other] = [
          await answerOf(simulated.call, name, input),
          await answerOf(local.call, name, input),
        ];
        if (!isDeepStrictEqual(one, other)) found.push(difference(name, input, one, other));
      }
      for (const queue of QUEUES) {
        const [one, other] = [simulated.bodies(queue), await local.takeBodies(queue)];
        if (!isDeepStrictEqual(one, other)) found.push(difference(queue, {}, one, other));
      }
      return found;
    },
    count: () => count,
    close: local.close,
  };
}

const difference = (name: string, input: Input, one: unknown, other: unknown) =>
  `${name}\n  input ${JSON.stringify(input)}\n  simulated ${JSON.stringify(one)}\n  local ${JSON.stringify(other)}`;

/** Names are those of the seed: the local services keep what earlier sequences have made. */
function sequenceOf(seed: number, random: Random): [string, Input][] {
  const name = () => `s${seed}-${random.int(0, 3)}`;
  const text = () => JSON.stringify({ id: `event-${random.int(0, 1e9)}`, n: random.int(0, 9) });
  const expression = () =>
    random.pick([
      `at(${FUTURE_YEAR}-01-0${random.int(1, 9)}T00:00:00)`,
      `cron(${random.int(0, 59)} 3 * * ? *)`,
      "cron(every monday)",
    ]);
  const schedule = (): Input => ({
    ...{ Name: name(), GroupName: "group", ScheduleExpression: expression() },
    ...{ FlexibleTimeWindow: { Mode: "OFF" }, State: "DISABLED" },
    Target: { Arn: arnOf("jobs"), RoleArn: "arn:aws:iam::000000000000:role/Timer", Input: text() },
  });
  const entries = <T>(make: (id: string) => T) =>
    Array.from({ length: random.int(1, 4) }, (_, n) => make(`e${n}`));
  const commands: readonly (() => [string, Input])[] = [
    () => ["SendMessageCommand", { QueueUrl: "jobs", MessageBody: text() }],
    () => [
      "SendMessageBatchCommand",
      { QueueUrl: "jobs", Entries: entries((Id) => ({ Id, MessageBody: text() })) },
    ],
    () => [
      "ChangeMessageVisibilityBatchCommand",
      {
        QueueUrl: "jobs",
        Entries: entries((Id) => ({ Id, ReceiptHandle: "of nothing", VisibilityTimeout: 1 })),
      },
    ],
    () => [
      "PutEventsCommand",
      {
        Entries: entries(() => ({
          ...{ EventBusName: "bus", Source: "ackwire", Detail: text() },
          DetailType: random.pick([MATCHED, "workflow.created"]),
        })),
      },
    ],
    () => ["CreateScheduleCommand", schedule()],
    () => ["UpdateScheduleCommand", schedule()],
    () => ["DeleteScheduleCommand", { Name: name(), GroupName: "group" }],
    () => ["PutObjectCommand", { Bucket: "bodies", Key: name(), Body: text() }],
    () => ["GetObjectCommand", { Bucket: "bodies", Key: name() }],
    () => ["ListObjectsV2Command", { Bucket: "bodies", Prefix: name().slice(0, -1) }],
    () => ["GetSecretValueCommand", { SecretId: "master" }],
  ];
  return Array.from({ length: COMMANDS }, () => random.pick(commands)());
}

/** Without faults. Nothing receives a message, and time stands still. */
function openSimulated() {
  const random = { int: (least: number) => least, chance: () => false } as never;
  const common = {
    loop: { nowMs: Date.now, at: () => undefined, after: (_: number, run: () => void) => run() },
    faults: { draw: () => undefined },
    random,
  } as never as { loop: never; faults: never; random: never };
  const sqs = makeSqs({
    ...common,
    randomFor: () => random,
    queues: Object.fromEntries(
      QUEUES.map((name) => [
        name,
        {
          ...{ functionName: "none", batchSize: 10, batchWindowMs: 0 },
          ...{ visibilityMs: 30_000, maxReceives: 8, maxConcurrency: 1 },
        },
      ]),
    ),
    invoke: async () => undefined,
    onDeadLetter: () => undefined,
  });
  const bus = makeEventBridge({
    ...common,
    isFlaky: () => false,
    forwards: ({ type }) => type === MATCHED,
    target: (body) => sqs.send("matched", body),
    onPublished: () => undefined,
  });
  const scheduler = makeScheduler({
    ...common,
    target: () => undefined,
    onRecurred: () => undefined,
  });
  const operations: Record<string, (input: never) => unknown> = {
    ...sqs.operations,
    ...bus.operations,
    ...scheduler.operations,
    ...makeBucket().operations,
    ...makeSecret(SECRET).operations,
  };
  return {
    call: async (name: string, input: Input) => operations[name]?.(input as never),
    bodies: (queue: string) => sqs.bodies(queue).map(bodyOf).sort(),
  };
}

async function openLocal() {
  const realMs = Date.now();
  const store = openDurableStore();
  const aws = await startAws({
    port: 0,
    store,
    clock: makeBusinessClock({ realMs, businessMs: realMs, speed: 1 }),
    log: () => undefined,
  });
  await aws.provision(template());
  const config = {
    ...{ endpoint: aws.url, region: "us-east-1", maxAttempts: 1 },
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  };
  const sqs = new SQSClient(config);
  const events = new EventBridgeClient(config);
  const scheduler = new SchedulerClient(config);
  const s3 = new S3Client(config);
  const secrets = new SecretsManagerClient(config);
  const urlOf = (queue: unknown) => `${aws.url}/000000000000/${queue}`;
  const send: Record<string, (input: never) => Promise<unknown>> = {
    SendMessageCommand: (input) => sqs.send(new SendMessageCommand(input)),
    SendMessageBatchCommand: (input) => sqs.send(new SendMessageBatchCommand(input)),
    ChangeMessageVisibilityBatchCommand: (input) =>
      sqs.send(new ChangeMessageVisibilityBatchCommand(input)),
    PutEventsCommand: (input) => events.send(new PutEventsCommand(input)),
    CreateScheduleCommand: (input) => scheduler.send(new CreateScheduleCommand(input)),
    UpdateScheduleCommand: (input) => scheduler.send(new UpdateScheduleCommand(input)),
    DeleteScheduleCommand: (input) => scheduler.send(new DeleteScheduleCommand(input)),
    PutObjectCommand: (input) => s3.send(new PutObjectCommand(input)),
    GetObjectCommand: (input) => s3.send(new GetObjectCommand(input)),
    ListObjectsV2Command: (input) => s3.send(new ListObjectsV2Command(input)),
    GetSecretValueCommand: (input) => secrets.send(new GetSecretValueCommand(input)),
  };
  const call: Call = async (name, { QueueUrl, ...input }) =>
    send[name]?.(
      (QueueUrl === undefined ? input : { ...input, QueueUrl: urlOf(QueueUrl) }) as never,
    );

  /** Empties a queue. */
  async function takeBodies(queue: string): Promise<string[]> {
    const bodies: string[] = [];
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: urlOf(queue), MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) return bodies.sort();
      bodies.push(...Messages.map(({ Body = "" }) => bodyOf(Body)));
      const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: `m${n}`, ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: urlOf(queue), Entries }));
    }
  }

  return {
    call,
    takeBodies,
    async close() {
      for (const client of [sqs, events, scheduler, s3, secrets]) client.destroy();
      await aws.close();
      store.close();
    },
  };
}

function template(): Template {
  const all: Resource[] = [
    ...QUEUES.map((logicalId) => ({ logicalId, type: "AWS::SQS::Queue", properties: {} })),
    { logicalId: "Bus", type: "AWS::Events::EventBus", properties: { Name: "bus" } },
    {
      logicalId: "Rule",
      type: "AWS::Events::Rule",
      properties: {
        EventBusName: "bus",
        EventPattern: { "detail-type": [MATCHED] },
        Targets: [{ Id: "matched", Arn: arnOf("matched") }],
      },
    },
    { logicalId: "Group", type: "AWS::Scheduler::ScheduleGroup", properties: { Name: "group" } },
    { logicalId: "Timer", type: "AWS::IAM::Role", properties: {} },
    { logicalId: "Bodies", type: "AWS::S3::Bucket", properties: { BucketName: "bodies" } },
    {
      logicalId: "Master",
      type: "AWS::SecretsManager::Secret",
      properties: { Name: "master", SecretString: SECRET },
    },
  ];
  return {
    resources: (type) => all.filter((resource) => resource.type === type),
    resource: (logicalId) => {
      const found = all.find((resource) => resource.logicalId === logicalId);
      if (!found) throw new Error(`no ${logicalId}`);
      return found;
    },
    outputs: {},
    assetDirectory: (s3Key) => s3Key,
  };
}

/** What a message says, without what the bus makes up. */
function bodyOf(body: string): string {
  const read = JSON.parse(body) as { detail?: unknown; "detail-type"?: string; source?: string };
  if (read.detail === undefined) return body;
  return JSON.stringify([read["detail-type"], read.source, read.detail]);
}

interface Answer {
  SecretString?: string;
  Successful?: { Id: string }[];
  Failed?: { Id: string }[];
  FailedEntryCount?: number;
  Entries?: { EventId?: string }[];
  Contents?: { Key: string }[];
  Body?: { transformToByteArray(): Promise<Uint8Array> };
  MessageId?: string;
  ScheduleArn?: string;
}

const idsOf = (entries: readonly { Id: string }[] = []) => entries.map(({ Id }) => Id).sort();

/** An answer without ids that a service makes up, or the name of its error. */
async function answerOf(call: Call, name: string, input: Input): Promise<unknown> {
  try {
    const answer = ((await call(name, input)) ?? {}) as Answer;
    const { Body, Contents, Entries, FailedEntryCount, SecretString } = answer;
    const bytes = await Body?.transformToByteArray();
    return {
      ...{ FailedEntryCount, SecretString },
      entries: Entries?.map(({ EventId }) => EventId !== undefined),
      successful: idsOf(answer.Successful),
      failed: idsOf(answer.Failed),
      keys: Contents?.map(({ Key }) => Key) ?? [],
      text: bytes && Buffer.from(bytes).toString(),
      hasMessageId: answer.MessageId !== undefined,
      hasArn: answer.ScheduleArn !== undefined,
    };
  } catch (error) {
    return { error: (error as Error).name };
  }
}
