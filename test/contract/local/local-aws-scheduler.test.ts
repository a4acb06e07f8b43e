import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  GetScheduleCommand,
  ListSchedulesCommand,
  type SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { expect, test, vi } from "vitest";
import { waitOptions } from "../../support/wait-timeout.ts";
import {
  bodies,
  clientsOf,
  queueArn,
  running,
  templateOf,
  temporaryDirectory,
} from "./local-aws-fixture.ts";

const roleArn = (name: string) => `arn:aws:iam::000000000000:role/${name}`;
const functionArn = "arn:aws:lambda:us-east-1:000000000000:function:Reconcile";
const resources = {
  Due: { Type: "AWS::SQS::Queue" },
  Lost: { Type: "AWS::SQS::Queue" },
  Timer: { Type: "AWS::IAM::Role" },
  Powerless: { Type: "AWS::IAM::Role" },
  TimerPolicy: {
    Type: "AWS::IAM::Policy",
    Properties: {
      Roles: ["Timer"],
      PolicyDocument: {
        Statement: [
          {
            Effect: "Allow",
            Action: "sqs:SendMessage",
            Resource: [queueArn("Due"), queueArn("Lost")],
          },
          { Effect: "Allow", Action: "lambda:InvokeFunction", Resource: [functionArn] },
        ],
      },
    },
  },
  PowerlessPolicy: {
    Type: "AWS::IAM::Policy",
    Properties: {
      Roles: ["Powerless"],
      PolicyDocument: {
        Statement: { Effect: "Allow", Action: "sqs:SendMessage", Resource: queueArn("Lost") },
      },
    },
  },
  Group: { Type: "AWS::Scheduler::ScheduleGroup", Properties: { Name: "requests" } },
};
const template = templateOf(resources);

const inSeconds = (seconds: number, now = Date.now()) =>
  `at(${new Date(Math.ceil(now / 1_000) * 1_000 + seconds * 1_000).toISOString().slice(0, 19)})`;

const schedule = (more: Partial<CreateScheduleCommandInput> = {}) => ({
  Name: "once",
  GroupName: "requests",
  ScheduleExpression: inSeconds(1),
  FlexibleTimeWindow: { Mode: "OFF" as const },
  ActionAfterCompletion: "DELETE" as const,
  Target: { Arn: queueArn("Due"), RoleArn: roleArn("Timer"), Input: '{"requestId":"r1"}' },
  ...more,
});
const create = (scheduler: SchedulerClient, more: Partial<CreateScheduleCommandInput> = {}) =>
  scheduler.send(new CreateScheduleCommand(schedule(more)));
const get = (scheduler: SchedulerClient) =>
  scheduler.send(new GetScheduleCommand({ Name: "once", GroupName: "requests" }));

test("A one-time schedule fires when it is due, not earlier, and is deleted afterwards", async () => {
  const { aws } = await running(template);
  const { scheduler } = clientsOf(aws.url);
  const ScheduleExpression = inSeconds(2);
  const { ScheduleArn } = await create(scheduler, { ScheduleExpression });
  expect(ScheduleArn).toBe("arn:aws:scheduler:us-east-1:000000000000:schedule/requests/once");
  expect(await get(scheduler)).toMatchObject({ ScheduleExpression, State: "ENABLED" });
  expect(await bodies(aws, "Due")).toEqual(['{"requestId":"r1"}']);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(`${ScheduleExpression.slice(3, -1)}Z`));
  await expect(get(scheduler)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});

test("A schedule is due in business time", async () => {
  const { aws } = await running(template, { speed: 3_600 });
  const { scheduler } = clientsOf(aws.url);
  await create(scheduler, { ScheduleExpression: inSeconds(90 * 86_400) });
  await create(scheduler, {
    Name: "default-input",
    ScheduleExpression: inSeconds(7_200, Date.now() + 3_600_000),
    Target: { Arn: queueArn("Due"), RoleArn: roleArn("Timer") },
  });
  const [body] = await bodies(aws, "Due");
  expect(JSON.parse(body ?? "")).toMatchObject({ source: "aws.scheduler", detail: "{}" });
  expect((await get(scheduler)).Name).toBe("once");
});

test.for<[string, Partial<CreateScheduleCommandInput>]>([
  ["a past time", { ScheduleExpression: inSeconds(-60) }],
  ["a name with a space", { Name: "a b" }],
  ["a name of 65 characters", { Name: "x".repeat(65) }],
  ["no window", { FlexibleTimeWindow: undefined }],
  ["a time with a fraction", { ScheduleExpression: "at(2099-01-01T00:00:00.5)" }],
  ["a wrong plural", { ScheduleExpression: "rate(1 minutes)" }],
  ["no cron", { ScheduleExpression: "cron(99 * * * ? *)" }],
  ["a role that does not exist", { Target: { Arn: queueArn("Due"), RoleArn: roleArn("Nobody") } }],
])("CreateSchedule rejects %s", async ([, more]) => {
  const { aws } = await running(template);
  await expect(create(clientsOf(aws.url).scheduler, more)).rejects.toMatchObject({
    name: "ValidationException",
  });
});

test("Creating a schedule a second time conflicts, except with the same client token", async () => {
  const { aws } = await running(template);
  const { scheduler } = clientsOf(aws.url);
  const later = { ScheduleExpression: inSeconds(3_600) };
  const first = await create(scheduler, { ...later, ClientToken: "one" });
  const again = await create(scheduler, { ...later, ClientToken: "one" });
  expect(again.ScheduleArn).toBe(first.ScheduleArn);
  const other = create(scheduler, { ...later, ClientToken: "two" });
  await expect(other).rejects.toMatchObject({ name: "ConflictException" });
  const noGroup = create(scheduler, { ...later, GroupName: "none" });
  await expect(noGroup).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});

test("A deleted schedule does not fire", async () => {
  const { aws } = await running(template);
  const { scheduler } = clientsOf(aws.url);
  // Long enough to delete it before it is due.
  const due = { ScheduleExpression: inSeconds(4) };
  await create(scheduler, due);
  await create(scheduler, { ...due, Name: "other" });
  const list = new ListSchedulesCommand({ GroupName: "requests", NamePrefix: "on" });
  expect((await scheduler.send(list)).Schedules?.map((each) => each.Name)).toEqual(["once"]);
  const remove = new DeleteScheduleCommand({ Name: "once", GroupName: "requests" });
  await scheduler.send(remove);
  await expect(scheduler.send(remove)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  // "other" is due at the same second: "once" would have fired before it.
  expect(await bodies(aws, "Due")).toHaveLength(1);
});

test("A firing whose role lacks the permission goes to the dead-letter queue and is logged", async () => {
  const { aws, logged } = await running(template, { speed: 60 });
  const { scheduler } = clientsOf(aws.url);
  await create(scheduler, {
    Name: "soon",
    ScheduleExpression: "rate(1 minute)",
    Target: {
      Arn: queueArn("Due"),
      RoleArn: roleArn("Powerless"),
      DeadLetterConfig: { Arn: queueArn("Lost") },
      Input: "x",
    },
  });
  expect(await bodies(aws, "Lost")).toEqual(["x"]);
  const line = logged.find((each) => each.includes("soon")) ?? "";
  expect(line).toContain("assumed-role/Powerless");
  expect(line).toContain("sqs:SendMessage");
  expect(line).toContain(queueArn("Due"));
  expect(await bodies(aws, "Due", 0)).toEqual([]);
});

test("A recurring schedule of the template fires at most once per real second", async () => {
  const every = (ScheduleExpression: string) => ({
    Type: "AWS::Scheduler::Schedule",
    Properties: {
      ScheduleExpression,
      FlexibleTimeWindow: { Mode: "OFF" },
      Target: { Arn: functionArn, RoleArn: roleArn("Timer"), Input: `"${ScheduleExpression}"` },
    },
  });
  const both = { Rate: every("rate(1 minute)"), Cron: every("cron(* * * * ? *)") };
  const { aws } = await running(templateOf({ ...resources, ...both }), { speed: 3_600 });
  const times = new Map<unknown, number[]>();
  aws.onInvoke(async (_arn, payload) => {
    times.set(payload, [...(times.get(payload) ?? []), Date.now()]);
  });
  await vi.waitFor(() => {
    expect(times.get("rate(1 minute)")?.length).toBeGreaterThanOrEqual(3);
    expect(times.get("cron(* * * * ? *)")?.length).toBeGreaterThanOrEqual(3);
  }, waitOptions);
  // Two real seconds, less the delay of the first occurrence: a minute of business time is 17 ms.
  for (const [, [first = 0, , third = 0]] of times) {
    expect(third - first).toBeGreaterThanOrEqual(1_000);
  }
});

test("A failing Lambda target is retried as often as its retry policy allows", async () => {
  const { aws } = await running(template, { speed: 60 });
  let calls = 0;
  aws.onInvoke(async () => {
    calls += 1;
    throw new Error("no such function");
  });
  await create(clientsOf(aws.url).scheduler, {
    Name: "every-minute",
    ScheduleExpression: "rate(1 minute)",
    Target: {
      Arn: functionArn,
      RoleArn: roleArn("Timer"),
      Input: '{"try":"<aws.scheduler.schedule-arn>"}',
      RetryPolicy: { MaximumRetryAttempts: 0 },
      DeadLetterConfig: { Arn: queueArn("Lost") },
    },
  });
  const [body] = await bodies(aws, "Lost");
  expect(body).toContain("schedule/requests/every-minute");
  expect(calls).toBe(1);
});

test("A firing that the end of the process interrupted is repeated after a restart", async () => {
  const dataDir = temporaryDirectory();
  const first = await running(template, { dataDir });
  const never = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  first.aws.onInvoke(() => {
    started.resolve();
    return never.promise;
  });
  const Target = { Arn: functionArn, RoleArn: roleArn("Timer"), Input: '"again"' };
  await create(clientsOf(first.aws.url).scheduler, { Target });
  await started.promise;
  await first.close();
  never.resolve();
  const second = await running(template, { dataDir });
  const payloads: unknown[] = [];
  second.aws.onInvoke(async (_arn, payload) => void payloads.push(payload));
  await vi.waitFor(() => expect(payloads).toEqual(["again"]), waitOptions);
});

test("A recurring schedule that missed occurrences fires once at the start", async () => {
  const dataDir = temporaryDirectory();
  const hourly = { ScheduleExpression: "rate(1 hour)", Name: "hourly" };
  const first = await running(template, { dataDir });
  await create(clientsOf(first.aws.url).scheduler, hourly);
  await first.close();
  const second = await running(template, { dataDir, leapMs: 5 * 3_600_000 });
  expect(await bodies(second.aws, "Due")).toHaveLength(1);
  await second.close();
  const third = await running(template, { dataDir, leapMs: 5 * 3_600_000 });
  expect(await bodies(third.aws, "Due", 0)).toHaveLength(1);
});
