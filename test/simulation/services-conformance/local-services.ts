import { setImmediate as turn } from "node:timers/promises";
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
import { startAws } from "../../../local/aws/aws.ts";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { openDurableStore } from "../../../local/durable-store.ts";
import type { Resource, Template } from "../../../local/template/resource.ts";
import { START_MS } from "../stack.ts";
import {
  arnOf,
  MATCHED,
  MAX_RECEIVES,
  queueNames,
  SECRET,
  type Services,
  VISIBILITY_SECONDS,
} from "./definitions.ts";

export interface LocalServices extends Services {
  nowMs(): number;
  close(): Promise<void>;
}

/**
 * Opens the services of a local run, which the clients of the SDK call over HTTP. `Date.now` stands
 * still in this process until they are closed: the local queues read it for visibility timeouts.
 */
export async function openLocal(): Promise<LocalServices> {
  const realNow = Date.now;
  let nowMs = START_MS;
  Date.now = () => nowMs;
  const clock = makeBusinessClock({ realMs: nowMs, businessMs: nowMs, speed: 0 });
  const store = openDurableStore();
  const aws = await startAws({ port: 0, store, clock, log: () => undefined });
  await aws.provision(template()).catch((error: unknown) => {
    Date.now = realNow;
    throw error;
  });
  const clients = openClients(aws.url);

  return {
    nowMs: () => nowMs,
    async call(name, { QueueUrl, ...input }) {
      const send = clients.send[name];
      if (!send) throw new Error(`${name} is not compared`);
      const url = { QueueUrl: `${aws.url}/000000000000/${QueueUrl}` };
      return send({ ...input, ...(QueueUrl === undefined ? {} : url) } as never);
    },
    async pass(ms) {
      nowMs += ms;
      clock.jump(ms);
      // Delayed messages reach their queue in timers.
      while ((aws.nextTimerAt() ?? Number.POSITIVE_INFINITY) <= clock.now()) await turn();
    },
    async close() {
      Date.now = realNow;
      clients.close();
      await aws.close();
      store.close();
    },
  };
}

function openClients(endpoint: string) {
  const config = {
    ...{ endpoint, region: "us-east-1", maxAttempts: 1 },
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  };
  const sqs = new SQSClient(config);
  const events = new EventBridgeClient(config);
  const scheduler = new SchedulerClient(config);
  const s3 = new S3Client(config);
  const secrets = new SecretsManagerClient(config);
  const send: Record<string, (input: never) => Promise<unknown>> = {
    SendMessageCommand: (input) => sqs.send(new SendMessageCommand(input)),
    SendMessageBatchCommand: (input) => sqs.send(new SendMessageBatchCommand(input)),
    ReceiveMessageCommand: (input) => sqs.send(new ReceiveMessageCommand(input)),
    DeleteMessageBatchCommand: (input) => sqs.send(new DeleteMessageBatchCommand(input)),
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
  return {
    send,
    close() {
      for (const client of [sqs, events, scheduler, s3, secrets]) client.destroy();
    },
  };
}

function template(): Template {
  const redrive = { deadLetterTargetArn: arnOf("dead"), maxReceiveCount: MAX_RECEIVES };
  const all: Resource[] = [
    ...queueNames.map((logicalId) => ({
      logicalId,
      type: "AWS::SQS::Queue",
      properties: {
        VisibilityTimeout: VISIBILITY_SECONDS,
        ...(logicalId === "jobs" ? { RedrivePolicy: redrive } : {}),
      },
    })),
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
