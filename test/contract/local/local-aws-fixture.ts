import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { onTestFinished } from "vitest";
import { type LocalAws, startAws } from "../../../local/aws/aws.ts";
import type { Written } from "../../../local/aws/dynamodb/dynalite.ts";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { openDurableStore } from "../../../local/durable-store.ts";
import type { Resource, Template } from "../../../local/template/resource.ts";

/** Builds a template of resolved resources, by logical id. */
export function templateOf(
  resources: Record<string, { Type: string; Properties?: Record<string, unknown> }>,
): Template {
  const all = Object.entries(resources).map(
    ([logicalId, { Type, Properties }]): Resource => ({
      logicalId,
      type: Type,
      properties: Properties ?? {},
    }),
  );
  return {
    resources: (type) => all.filter((resource) => resource.type === type),
    resource(logicalId) {
      const found = all.find((resource) => resource.logicalId === logicalId);
      if (!found) throw new Error(`no ${logicalId}`);
      return found;
    },
    outputs: {},
    assetDirectory: (s3Key) => s3Key,
  };
}

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "local-aws-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface Running {
  aws: LocalAws;
  logged: string[];
  close(): Promise<void>;
}

/** Starts the endpoint for one test; a second start on the same directory is a restart. */
export async function running(
  template: Template,
  options: {
    dataDir?: string;
    speed?: number;
    indexLagMs?: number;
    onWritten?: (written: Written) => void;
    /** Offset of business time from real time. */
    leapMs?: number;
  } = {},
): Promise<Running> {
  const { dataDir, speed = 1, leapMs = 0, indexLagMs, onWritten } = options;
  const realMs = Date.now();
  const store = openDurableStore(dataDir);
  const logged: string[] = [];
  const aws = await startAws({
    port: 0,
    ...(dataDir === undefined ? {} : { dataDir }),
    store,
    indexLagMs,
    onWritten,
    clock: makeBusinessClock({ realMs, businessMs: realMs + leapMs, speed }),
    log: (line) => void logged.push(line),
  });
  let isClosed = false;
  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    await aws.close();
    store.close();
  };
  onTestFinished(close);
  await aws.provision(template);
  return { aws, logged, close };
}

export function clientsOf(endpoint: string, accessKeyId = "local") {
  const config = {
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey: "local" },
    maxAttempts: 1,
  };
  return {
    dynamodb: new DynamoDBClient(config),
    events: new EventBridgeClient(config),
    s3: new S3Client(config),
    scheduler: new SchedulerClient(config),
    secrets: new SecretsManagerClient(config),
    sqs: new SQSClient(config),
  };
}

export function queueUrl(aws: LocalAws, name: string): string {
  return `${aws.url}/000000000000/${name}`;
}

export function queueArn(name: string): string {
  return `arn:aws:sqs:us-east-1:000000000000:${name}`;
}

/** The maximum wait time of SQS; a poll ends as soon as a message is available. */
export const LONGEST_POLL_SECONDS = 20;

/** Receives for `waitSeconds` and returns the bodies; the messages stay in flight. */
export async function bodies(
  aws: LocalAws,
  name: string,
  waitSeconds = LONGEST_POLL_SECONDS,
): Promise<string[]> {
  const { Messages = [] } = await clientsOf(aws.url).sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl(aws, name),
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: waitSeconds,
    }),
  );
  return Messages.map((message) => message.Body ?? "");
}
