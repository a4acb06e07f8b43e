import {
  DeleteRuleCommand,
  DescribeEventBusCommand,
  type EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  type Target,
} from "@aws-sdk/client-eventbridge";
import { expect, test, vi } from "vitest";
import { waitOptions } from "../../support/wait-timeout.ts";
import { bodies, clientsOf, queueArn, running, templateOf } from "./local-aws-fixture.ts";

const template = templateOf({
  Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "pipeline" } },
  Seen: { Type: "AWS::SQS::Queue" },
  Other: { Type: "AWS::SQS::Queue" },
  Lost: { Type: "AWS::SQS::Queue" },
  FanOut: {
    Type: "AWS::Events::Rule",
    Properties: {
      EventBusName: "pipeline",
      EventPattern: { source: ["ackwire"] },
      Targets: [{ Id: "seen", Arn: queueArn("Seen") }],
    },
  },
});

const entry = (more: PutEventsRequestEntry = {}): PutEventsRequestEntry => ({
  EventBusName: "pipeline",
  Source: "ackwire",
  DetailType: "workflow.completed",
  Detail: "{}",
  ...more,
});
const put = (events: EventBridgeClient, ...Entries: PutEventsRequestEntry[]) =>
  events.send(new PutEventsCommand({ Entries }));

async function attach(events: EventBridgeClient, target: Partial<Target>, pattern?: object) {
  const EventPattern = JSON.stringify(pattern ?? { source: ["ackwire"] });
  const Rule = { Name: "mine", EventBusName: "pipeline" };
  const { RuleArn } = await events.send(new PutRuleCommand({ ...Rule, EventPattern }));
  const Targets = [{ Id: "t", Arn: queueArn("Other"), ...target }];
  await events.send(new PutTargetsCommand({ Rule: "mine", EventBusName: "pipeline", Targets }));
  return RuleArn;
}

test("A matching event is sent to the queue of the template's rule in AWS's envelope", async () => {
  const { aws } = await running(template);
  const { events } = clientsOf(aws.url);
  const Time = new Date("2026-11-21T04:26:01.500Z");
  const sent = await put(events, entry({ Time, Resources: ["arn:x"] }), entry({ Source: "no" }));
  expect(sent.FailedEntryCount).toBe(0);
  const [message, ...others] = await bodies(aws, "Seen");
  expect(others).toEqual([]);
  expect(JSON.parse(message ?? "")).toEqual({
    version: "0",
    id: sent.Entries?.[0]?.EventId,
    "detail-type": "workflow.completed",
    source: "ackwire",
    account: "000000000000",
    time: "2026-11-21T04:26:01Z",
    region: "us-east-1",
    resources: ["arn:x"],
    detail: {},
  });
});

test("The detail of an event arrives byte for byte", async () => {
  const { aws } = await running(template);
  const Detail = `{ "id":9007199254740993, "f":1.10, "e":1E400, "s":"\\u00e9/\\/ 😀","a":1,"a":2 }`;
  await put(clientsOf(aws.url).events, entry({ Detail }));
  const [message] = await bodies(aws, "Seen");
  expect(message).toContain(`"detail":${Detail}}`);
});

test.for<[Partial<PutEventsRequestEntry>, string]>([
  [{ Detail: "[]" }, "MalformedDetail"],
  [{ Detail: "{" }, "MalformedDetail"],
  [{ Detail: undefined }, "InvalidArgument"],
  [{ Source: undefined }, "InvalidArgument"],
  [{ DetailType: "" }, "InvalidArgument"],
  [{ Source: "aws.s3" }, "NotAuthorizedForSourceException"],
  [{ EventBusName: "nowhere" }, "InvalidArgument"],
])("An invalid entry fails without affecting the others: %j", async ([more, ErrorCode]) => {
  const { aws } = await running(template);
  const sent = await put(clientsOf(aws.url).events, entry(more), entry());
  expect(sent.FailedEntryCount).toBe(1);
  expect(sent.Entries).toMatchObject([{ ErrorCode }, { EventId: expect.any(String) }]);
  expect(await bodies(aws, "Seen")).toHaveLength(1);
});

test("PutEvents rejects a request with eleven entries or with more than 1 MiB", async () => {
  const { aws } = await running(template);
  const { events } = clientsOf(aws.url);
  const name = "ValidationException";
  const eleven = Array.from({ length: 11 }, () => entry());
  await expect(put(events, ...eleven)).rejects.toMatchObject({ name });
  await expect(put(events)).rejects.toMatchObject({ name });
  const overhead = "ackwire".length + "workflow.completed".length;
  const detail = (bytes: number) => `{"x":"${"é".repeat((bytes - 8 - overhead) / 2)}"}`;
  const limit = 1_048_576 + 1; // The overhead is odd; é has two bytes.
  await expect(put(events, entry({ Detail: detail(limit) }))).rejects.toMatchObject({ name });
});

test("A rule created at run time is listed, delivers events, and stops when it is deleted", async () => {
  const { aws } = await running(template);
  const { events } = clientsOf(aws.url);
  const EventBusName = "pipeline";
  const RuleArn = await attach(events, {});
  expect(RuleArn).toBe("arn:aws:events:us-east-1:000000000000:rule/pipeline/mine");
  const { Rules } = await events.send(new ListRulesCommand({ EventBusName }));
  expect(Rules?.map((rule) => rule.Name)).toEqual(["FanOut", "mine"]);
  await put(events, entry());
  expect(await bodies(aws, "Other")).toHaveLength(1);
  const list = new ListTargetsByRuleCommand({ Rule: "mine", EventBusName });
  expect((await events.send(list)).Targets).toEqual([{ Id: "t", Arn: queueArn("Other") }]);
  const remove = new DeleteRuleCommand({ Name: "mine", EventBusName });
  await expect(events.send(remove)).rejects.toMatchObject({ name: "ValidationException" });
  const targets = new RemoveTargetsCommand({ Rule: "mine", EventBusName, Ids: ["t"] });
  expect((await events.send(targets)).FailedEntryCount).toBe(0);
  await events.send(remove);
  await expect(events.send(list)).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});

test("PutRule rejects an invalid pattern and a missing bus", async () => {
  const { aws } = await running(template);
  const { events } = clientsOf(aws.url);
  const invalid = new PutRuleCommand({ Name: "x", EventPattern: '{"source":"x"}' });
  await expect(events.send(invalid)).rejects.toMatchObject({
    name: "InvalidEventPatternException",
  });
  const describe = (Name: string) => events.send(new DescribeEventBusCommand({ Name }));
  await expect(describe("none")).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  expect((await describe("pipeline")).Arn).toBe(
    "arn:aws:events:us-east-1:000000000000:event-bus/pipeline",
  );
});

const exact = `{"id":9007199254740993,"name":"Ada","n":7,"list":[1.10,{"big":1E400}]}`;
const rule = { name: "mine", arn: "arn:aws:events:us-east-1:000000000000:rule/pipeline/mine" };
test.for<[Partial<Target>, string]>([
  [{ Input: '{"constant":1}' }, '{"constant":1}'],
  [{ InputPath: "$.detail" }, exact],
  [{ InputPath: "$.detail.name" }, '"Ada"'],
  [{ InputPath: "$.detail.id" }, "9007199254740993"],
  [{ InputPath: "$.detail.list" }, '[1.10,{"big":1E400}]'],
  [{ InputPath: "$.detail.list[0]" }, "1.10"],
  [{ InputPath: "$.detail.id.rawJSON" }, "null"],
  [{ Input: '"text"' }, '"text"'],
  [
    {
      InputTransformer: {
        InputPathsMap: { id: "$.detail.id", none: "$.detail.none" },
        InputTemplate:
          '{"text":"<aws.events.rule-name>: <id>","rule":<aws.events.rule-arn>,"id":<id>,"none":<none>,"other":"<other>"}',
      },
    },
    `{"text":"mine: 9007199254740993","rule":"${rule.arn}","id":9007199254740993,"none":"","other":"<other>"}`,
  ],
  [
    {
      InputTransformer: {
        InputPathsMap: { name: "$.detail.name", n: "$.detail.n", all: "$.detail" },
        InputTemplate: '{"text":"Hello <name>, <n>","name":<name>,"n":<n>,"all":<all>}',
      },
    },
    `{"text":"Hello Ada, 7","name":"Ada","n":7,"all":${exact}}`,
  ],
])("A target transforms its input with %j", async ([target, expected]) => {
  const { aws } = await running(template);
  const { events } = clientsOf(aws.url);
  await attach(events, target);
  await put(events, entry({ Detail: exact }));
  expect(await bodies(aws, "Other")).toEqual([expected]);
});

test("A transformer has the whole event, the event without its detail, and the time of its arrival", async () => {
  const { aws } = await running(template, { leapMs: -86_400_000 });
  const { events } = clientsOf(aws.url);
  const InputTemplate =
    '{"all":<aws.events.event.json>,"envelope":<aws.events.event>,"at":<aws.events.event.ingestion-time>,"text":"at <aws.events.event.ingestion-time>"}';
  await attach(events, { InputTransformer: { InputTemplate } });
  const Time = new Date("2026-11-21T04:26:01Z");
  await put(events, entry({ Detail: exact, Time }));
  const [body = ""] = await bodies(aws, "Other");
  expect(body).toContain(`"detail":${exact}}`);
  const { all, envelope, at, text } = JSON.parse(body);
  const { detail, ...rest } = all;
  expect(envelope).toEqual(rest);
  expect(detail).toMatchObject({ name: "Ada" });
  // Business time, which is not the time that the sender gave.
  expect(Math.abs(Date.parse(at) - (Date.now() - 86_400_000))).toBeLessThan(3_600_000);
  expect(text).toBe(`at ${at}`);
});

test.each<[Partial<Target>, RegExp]>([
  [{ Input: "not json" }, /JSON syntax error in input for target t/],
  [{ Arn: queueArn("Other.fifo") }, /MessageGroupId must be specified for target: t/],
  [
    { InputTransformer: { InputPathsMap: { "aws.events.rule-name": "$" }, InputTemplate: "1" } },
    /InputPathsMap/,
  ],
  [{ Input: "1", InputPath: "$" }, /Only one of Input/],
  [{ InputPath: "detail" }, /Invalid path detail/],
])("PutTargets rejects the target %j", async (target, message) => {
  const { aws } = await running(template);
  const { events } = clientsOf(aws.url);
  const error = { name: "ValidationException", message: expect.stringMatching(message) };
  await expect(attach(events, target)).rejects.toMatchObject(error);
});

test("A delivery to a missing target goes to the dead-letter queue and is logged", async () => {
  const { aws, logged } = await running(template);
  const { events } = clientsOf(aws.url);
  await attach(events, {
    Arn: queueArn("Gone"),
    DeadLetterConfig: { Arn: queueArn("Lost") },
  });
  await put(events, entry());
  expect(await bodies(aws, "Lost")).toHaveLength(1);
  expect(logged.join()).toContain(queueArn("Gone"));
});

test("A Lambda target is invoked, also when the invoker is set after the event", async () => {
  const { aws } = await running(template);
  const { events } = clientsOf(aws.url);
  const Arn = "arn:aws:lambda:us-east-1:000000000000:function:Fn";
  await attach(events, { Arn });
  await put(events, entry({ Detail: '{"n":1}' }));
  const invoked = vi.fn(async (_arn: string, _payload: unknown) => {});
  aws.onInvoke(invoked);
  await vi.waitFor(() => expect(invoked).toHaveBeenCalledOnce(), waitOptions);
  expect(invoked.mock.calls[0]).toMatchObject([Arn, { source: "ackwire", detail: { n: 1 } }]);
});
