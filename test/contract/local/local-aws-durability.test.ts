import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PutItemCommand, QueryCommand, ScanCommand } from "@aws-sdk/client-dynamodb";
import { PutEventsCommand, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { CreateScheduleCommand } from "@aws-sdk/client-scheduler";
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { expect, onTestFinished, test, vi } from "vitest";
import { assertKnownTypes } from "../../../local/aws/known-types.ts";
import { waitOptions } from "../../support/wait-timeout.ts";
import { durableTemplate } from "./local-aws-durability-template.ts";
import {
  bodies,
  clientsOf,
  queueArn,
  queueUrl,
  running,
  temporaryDirectory,
} from "./local-aws-fixture.ts";

const restart = (dataDir: string) => running(durableTemplate, { dataDir });
const child = new URL("./local-aws-durability-child.ts", import.meta.url).pathname;

/** Starts the endpoint in its own process, so that the test can kill it with SIGKILL. */
async function runningChild(dataDir: string) {
  const process_ = spawn(process.execPath, [child, dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void process_.kill("SIGKILL"));
  const [url] = (await once(createInterface(process_.stdout), "line")) as [string];
  const exited = once(process_, "exit");
  return {
    url,
    async kill() {
      process_.kill("SIGKILL");
      await exited;
    },
  };
}

/** Creates one item of each kind that must survive a restart. */
async function fill(url: string): Promise<void> {
  const { sqs, s3, events, dynamodb, scheduler } = clientsOf(url);
  const QueueUrl = `${url}/000000000000/Work`;
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "in flight" }));
  await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "delayed", DelaySeconds: 3 }));
  await s3.send(new PutObjectCommand({ Bucket: "bodies", Key: "k", Body: "object" }));
  const Item = { id: { S: "1" }, outboxShard: { S: "0" } };
  await dynamodb.send(new PutItemCommand({ TableName: "events", Item }));
  const EventPattern = '{"source":["ackwire"]}';
  const rule = { EventBusName: "pipeline", Name: "mine", EventPattern };
  await events.send(new PutRuleCommand(rule));
  const Targets = [{ Id: "seen", Arn: queueArn("Seen") }];
  await events.send(new PutTargetsCommand({ EventBusName: "pipeline", Rule: "mine", Targets }));
  const at = new Date(Date.now() + 3_000).toISOString().slice(0, 19);
  await scheduler.send(
    new CreateScheduleCommand({
      Name: "once",
      ScheduleExpression: `at(${at})`,
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: {
        Arn: queueArn("Due"),
        RoleArn: "arn:aws:iam::000000000000:role/Timer",
        Input: "due",
      },
    }),
  );
}

async function assertAllThere(dataDir: string): Promise<void> {
  const { aws } = await restart(dataDir);
  const { s3, events, dynamodb, sqs } = clientsOf(aws.url);
  const QueueUrl = queueUrl(aws, "Work");
  const attributes = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
  expect((await sqs.send(attributes)).Attributes?.VisibilityTimeout).toBe("600");
  const work = await bodies(aws, "Work");
  expect(work).toContain("in flight");
  const object = await s3.send(new GetObjectCommand({ Bucket: "bodies", Key: "k" }));
  expect(await object.Body?.transformToString()).toBe("object");
  expect((await dynamodb.send(new ScanCommand({ TableName: "events" }))).Count).toBe(1);
  const entry = { EventBusName: "pipeline", Source: "ackwire", DetailType: "t", Detail: "{}" };
  await events.send(new PutEventsCommand({ Entries: [entry] }));
  expect(await bodies(aws, "Seen")).toHaveLength(1);
  if (work.length === 1) work.push(...(await bodies(aws, "Work")));
  expect(work.toSorted()).toEqual(["delayed", "in flight"]);
  expect(await bodies(aws, "Due")).toEqual(["due"]);
}

test("A restart keeps all data, and messages that were in flight are visible at once", async () => {
  const dataDir = temporaryDirectory();
  const first = await restart(dataDir);
  await fill(first.aws.url);
  await first.close();
  await assertAllThere(dataDir);
});

test("A kill -9 keeps all data, and messages that were in flight are visible at once", async () => {
  const dataDir = temporaryDirectory();
  const first = await runningChild(dataDir);
  await fill(first.url);
  await first.kill();
  await assertAllThere(dataDir);
});

test("A kill under load loses no acknowledged write, and every index agrees with its table", async () => {
  const dataDir = temporaryDirectory();
  const first = await runningChild(dataDir);
  const { sqs, dynamodb, events } = clientsOf(first.url);
  await fill(first.url);
  const acked = { items: new Set<string>(), messages: new Set<string>(), events: 0 };
  const QueueUrl = `${first.url}/000000000000/Work`;
  const load = Array.from({ length: 8 }, async (_, worker) => {
    for (let index = 0; ; index += 1) {
      const id = `${worker}-${index}`;
      const Item = { id: { S: id }, outboxShard: { S: "0" } };
      await dynamodb.send(new PutItemCommand({ TableName: "events", Item }));
      acked.items.add(id);
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: id }));
      acked.messages.add(id);
      const entry = { EventBusName: "pipeline", Source: "ackwire", DetailType: "t", Detail: "{}" };
      await events.send(new PutEventsCommand({ Entries: [entry] }));
      acked.events += 1;
    }
  });
  const ended = Promise.allSettled(load);
  await vi.waitFor(() => expect(acked.items.size).toBeGreaterThan(200), waitOptions);
  await first.kill();
  await ended;

  const { aws } = await restart(dataDir);
  const after = clientsOf(aws.url);
  const scanned = await after.dynamodb.send(new ScanCommand({ TableName: "events" }));
  const ids = new Set(scanned.Items?.map((item) => item.id?.S ?? ""));
  expect([...acked.items].filter((id) => !ids.has(id))).toEqual([]);
  const indexed = await after.dynamodb.send(
    new QueryCommand({
      TableName: "events",
      IndexName: "outbox",
      KeyConditionExpression: "outboxShard = :shard",
      ExpressionAttributeValues: { ":shard": { S: "0" } },
    }),
  );
  expect(new Set(indexed.Items?.map((item) => item.id?.S ?? ""))).toEqual(ids);
  const drain = async (name: string) => {
    const all: string[] = [];
    for (;;) {
      const some = await bodies(aws, name, 0);
      if (some.length === 0) return all;
      all.push(...some);
    }
  };
  const messages = new Set(await drain("Work"));
  expect([...acked.messages].filter((id) => !messages.has(id))).toEqual([]);
  expect((await drain("Seen")).length).toBeGreaterThanOrEqual(acked.events);
});

test("A second run on the same data directory is rejected", async () => {
  const dataDir = temporaryDirectory();
  await restart(dataDir);
  await expect(restart(dataDir)).rejects.toThrow(/in use by another run/);
});

test("A resource type that the local run does not support is rejected by name", () => {
  const resources = [
    { logicalId: "Fine", type: "AWS::ApiGatewayV2::Route" },
    { logicalId: "Flow", type: "AWS::StepFunctions::StateMachine" },
  ];
  expect(() => assertKnownTypes(resources)).toThrow(/Flow.*AWS::StepFunctions::StateMachine/);
});

test("The files of a data directory that others may read are readable by their owner alone", async () => {
  const dataDir = temporaryDirectory();
  chmodSync(dataDir, 0o755);
  const left = join(dataDir, "local.db");
  writeFileSync(left, "", { mode: 0o644 });
  const { url, kill } = await runningChild(dataDir);
  await fill(url);
  const modes = readdirSync(dataDir, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return `${path.slice(dataDir.length + 1)} ${(statSync(path).mode & 0o077).toString(8)}`;
  });
  await kill();
  expect(modes).toContain("local.db 0");
  expect(modes.length).toBeGreaterThan(3);
  expect(modes.filter((mode) => !mode.endsWith(" 0"))).toEqual([]);
});
