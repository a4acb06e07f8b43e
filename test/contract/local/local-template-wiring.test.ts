import { describe, expect, it } from "vitest";
import { checkWiring } from "../../../local/template/wiring.ts";
import {
  functionWithRole,
  httpApi,
  loadAssembly,
  route,
  type TestResource,
} from "../../support/runs/cloud-assembly.ts";

const arn = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });

/** A queue policy as the CDK writes it: a denial without TLS, and a permission for one rule. */
function queuePolicy(queueId: string, allow: Record<string, unknown> = {}): TestResource {
  return {
    Type: "AWS::SQS::QueuePolicy",
    Properties: {
      Queues: [{ Ref: queueId }],
      PolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Deny",
            Principal: { AWS: "*" },
            Action: "sqs:*",
            Resource: arn(queueId),
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
          {
            Effect: "Allow",
            Principal: { Service: "events.amazonaws.com" },
            Action: "sqs:SendMessage",
            Resource: arn(queueId),
            Condition: { ArnEquals: { "aws:SourceArn": arn("Rule") } },
            ...allow,
          },
        ],
      },
    },
  };
}

/** A stack without wiring mistakes. */
function wired(): Record<string, TestResource> {
  return {
    ...httpApi,
    ...functionWithRole("Ingest"),
    ...route("Inbound", { key: "POST /v1/in/{provider}/{token}", functionId: "Ingest" }),
    Dlq: { Type: "AWS::SQS::Queue" },
    Work: {
      Type: "AWS::SQS::Queue",
      Properties: { RedrivePolicy: { deadLetterTargetArn: arn("Dlq"), maxReceiveCount: 5 } },
    },
    ...functionWithRole("Consume"),
    Mapping: {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: { EventSourceArn: arn("Work"), FunctionName: { Ref: "Consume" } },
    },
    ...functionWithRole("Reconcile"),
    Schedule: {
      Type: "AWS::Scheduler::Schedule",
      Properties: { ScheduleExpression: "rate(1 minute)", Target: { Arn: arn("Reconcile") } },
    },
    ...functionWithRole("OnEvent"),
    Rule: {
      Type: "AWS::Events::Rule",
      Properties: {
        Targets: [
          { Id: "0", Arn: arn("OnEvent") },
          { Id: "1", Arn: arn("Work"), DeadLetterConfig: { Arn: arn("Dlq") } },
        ],
      },
    },
    WorkPolicy: queuePolicy("Work"),
    DlqPolicy: queuePolicy("Dlq"),
    RulePermission: {
      Type: "AWS::Lambda::Permission",
      Properties: {
        Action: "lambda:InvokeFunction",
        FunctionName: arn("OnEvent"),
        Principal: "events.amazonaws.com",
        SourceArn: arn("Rule"),
      },
    },
  };
}

function faultsWithout(...logicalIds: string[]): string[] {
  const resources = wired();
  for (const logicalId of logicalIds) delete resources[logicalId];
  return faultsOf(resources);
}

function faultsOf(resources: Record<string, TestResource>): string[] {
  try {
    checkWiring(loadAssembly({ Resources: resources }));
    return [];
  } catch (error) {
    return error instanceof Error ? error.message.split("\n- ").slice(1) : [];
  }
}

describe("checkWiring", () => {
  it("A stack without wiring mistakes passes", () => {
    expect(faultsWithout()).toEqual([]);
  });

  it.each<[removed: string, faults: string[]]>([
    [
      "Mapping",
      [
        "queue Work: no function receives its messages; add an AWS::Lambda::EventSourceMapping for it",
        "function Consume: nothing invokes it; add a route, an event source mapping, a schedule or a rule target",
      ],
    ],
    [
      "InboundPermission",
      [
        "route Inbound (POST /v1/in/{provider}/{token}): API Gateway is not allowed to invoke function Ingest; add an AWS::Lambda::Permission for apigateway.amazonaws.com on it",
      ],
    ],
    [
      "Inbound",
      [
        "function Ingest: nothing invokes it; add a route, an event source mapping, a schedule or a rule target",
      ],
    ],
    [
      "ApiStage",
      [
        "route Inbound (POST /v1/in/{provider}/{token}): its API has no stage; add an AWS::ApiGatewayV2::Stage",
      ],
    ],
    [
      "Schedule",
      [
        "function Reconcile: nothing invokes it; add a route, an event source mapping, a schedule or a rule target",
      ],
    ],
    [
      "RulePermission",
      [
        "rule Rule: EventBridge is not allowed to invoke function OnEvent; add an AWS::Lambda::Permission for events.amazonaws.com on it",
      ],
    ],
    [
      "WorkPolicy",
      [
        "rule Rule: EventBridge is not allowed to send to queue Work; add an AWS::SQS::QueuePolicy that allows sqs:SendMessage",
      ],
    ],
    [
      "DlqPolicy",
      [
        "rule Rule: EventBridge is not allowed to send to queue Dlq; add an AWS::SQS::QueuePolicy that allows sqs:SendMessage",
      ],
    ],
  ])("The error names what is missing when %s is removed", (removed, faults) => {
    expect(faultsWithout(removed)).toEqual(faults);
  });

  it("One error lists every mistake", () => {
    const faults = faultsWithout("Mapping", "Schedule", "InboundPermission");
    expect(faults.map((fault) => fault.split(/[ :]/)[1])).toEqual([
      "Inbound",
      "Work",
      "Consume",
      "Reconcile",
    ]);
  });

  const changed = (resource: TestResource | undefined, properties: object): TestResource => ({
    Type: "",
    ...resource,
    Properties: { ...resource?.Properties, ...properties },
  });

  /** The mapping, the schedule and the rule invoke functions by aliases. */
  function withAliases(): Record<string, TestResource> {
    const resources = wired();
    const aliases = Object.fromEntries(
      ["Consume", "Reconcile", "OnEvent"].flatMap((id) => [
        [
          `${id}Version`,
          { Type: "AWS::Lambda::Version", Properties: { FunctionName: { Ref: id } } },
        ],
        [
          `${id}Live`,
          {
            Type: "AWS::Lambda::Alias",
            Properties: {
              FunctionName: { Ref: id },
              FunctionVersion: { "Fn::GetAtt": [`${id}Version`, "Version"] },
              Name: "live",
            },
          },
        ],
      ]),
    );
    const { Mapping, Schedule, Rule, RulePermission } = resources;
    const live = (id: string) => ({ Ref: `${id}Live` });
    return {
      ...resources,
      ...aliases,
      Mapping: changed(Mapping, { FunctionName: live("Consume") }),
      Schedule: changed(Schedule, { Target: { Arn: live("Reconcile") } }),
      Rule: changed(Rule, { Targets: [{ Id: "0", Arn: live("OnEvent") }] }),
      RulePermission: changed(RulePermission, { FunctionName: live("OnEvent") }),
    };
  }

  it("Functions may be invoked by aliases", () => {
    expect(faultsOf(withAliases())).toEqual([]);
  });

  it("A permission for the function does not extend to its alias", () => {
    const resources = { ...withAliases(), RulePermission: wired().RulePermission as TestResource };
    expect(faultsOf(resources)).toEqual([
      "rule Rule: EventBridge is not allowed to invoke alias OnEventLive; add an AWS::Lambda::Permission for events.amazonaws.com on it",
    ]);
  });

  it("A permission for another route is rejected", () => {
    const resources = wired();
    const other = route("Other", { key: "GET /health", functionId: "Ingest" });
    resources.InboundPermission = other.OtherPermission as TestResource;
    expect(faultsOf(resources)).toEqual([
      expect.stringContaining("is not allowed to invoke function Ingest"),
    ]);
  });

  it.each([
    ["denies", { Effect: "Deny" }],
    ["is for another service", { Principal: { Service: "sns.amazonaws.com" } }],
    ["is for another action", { Action: ["sqs:ReceiveMessage"] }],
    ["is for another queue", { Resource: arn("Dlq") }],
    [
      "is for another rule",
      { Condition: { ArnLike: { "aws:SourceArn": `arn:aws:events:*:rule/x` } } },
    ],
  ])("A queue policy for a rule is rejected when it %s", (_, allow) => {
    const faults = faultsOf({ ...wired(), WorkPolicy: queuePolicy("Work", allow) });
    expect(faults).toEqual([expect.stringContaining("is not allowed to send to queue Work")]);
  });

  it("A queue policy for all rules of EventBridge is accepted", () => {
    const everyRule = { Action: ["sqs:SendMessage"], Condition: {} };
    expect(faultsOf({ ...wired(), WorkPolicy: queuePolicy("Work", everyRule) })).toEqual([]);
  });

  it("A rule whose queue does not exist is rejected", () => {
    const resources = wired();
    const elsewhere = "arn:aws:sqs:us-east-1:000000000000:Elsewhere";
    resources.Rule = {
      Type: "AWS::Events::Rule",
      Properties: {
        Targets: [
          { Id: "0", Arn: arn("OnEvent") },
          { Id: "1", Arn: elsewhere },
        ],
      },
    };
    expect(faultsOf(resources)).toEqual([
      `rule Rule: its queue ${elsewhere} does not exist; add it`,
    ]);
  });

  it("An integration without a function is rejected", () => {
    const resources = wired();
    const properties = resources.InboundIntegration?.Properties ?? {};
    properties.IntegrationUri = "arn:aws:lambda:us-east-1:000000000000:function:Elsewhere";
    expect(faultsOf(resources)).toContainEqual(
      expect.stringContaining("integration InboundIntegration does not refer to a function"),
    );
    const target = resources.Inbound?.Properties ?? {};
    target.Target = "integrations/Absent";
    expect(faultsOf(resources)).toContainEqual(
      expect.stringContaining("route Inbound (POST /v1/in/{provider}/{token}): its integration"),
    );
  });

  it("A mapping whose queue or function does not exist is rejected", () => {
    const resources = wired();
    resources.Mapping = {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: {
        EventSourceArn: "arn:aws:sqs:us-east-1:000000000000:Elsewhere",
        FunctionName: "Nobody",
      },
    };
    const faults = faultsOf(resources);
    expect(faults).toContainEqual(
      "event source mapping Mapping: its queue arn:aws:sqs:us-east-1:000000000000:Elsewhere does not exist; add it, or correct EventSourceArn",
    );
    expect(faults).toContainEqual(
      "event source mapping Mapping: its function Nobody does not exist; add it, or correct FunctionName",
    );
  });
});
