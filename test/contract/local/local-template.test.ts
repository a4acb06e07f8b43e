// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of Fn::Sub
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, it } from "vitest";
import { loadTemplate } from "../../../local/template/template.ts";
import { checkWiring } from "../../../local/template/wiring.ts";
import { loadAssembly, type TestTemplate } from "../../support/runs/cloud-assembly.ts";

/** Resolves one value as a property in a small stack. */
function resolve(value: unknown, more: Partial<TestTemplate> = {}): unknown {
  const template = loadAssembly({
    ...more,
    Resources: {
      Queue: { Type: "AWS::SQS::Queue" },
      Bus: { Type: "AWS::Events::EventBus", Properties: { Name: "events" } },
      Rule: {
        Type: "AWS::Events::Rule",
        Properties: { EventBusName: { Ref: "Bus" }, Targets: [{ Arn: { Ref: "Subject" } }] },
      },
      Table: { Type: "AWS::DynamoDB::Table", Properties: { TableName: "events-table" } },
      Topic: { Type: "AWS::SNS::Topic" },
      Api: { Type: "AWS::ApiGatewayV2::Api" },
      ...more.Resources,
      Subject: { Type: "AWS::CloudWatch::Subject", Properties: { value } },
    },
  });
  return template.resource("Subject").properties.value;
}

describe("loadTemplate", () => {
  it.each<[string, unknown, unknown]>([
    ["Ref of a queue is its URL", { Ref: "Queue" }, "http://127.0.0.1:4566/000000000000/Queue"],
    ["Ref of a named table is its name", { Ref: "Table" }, "events-table"],
    ["Ref of a topic is its ARN", { Ref: "Topic" }, "arn:aws:sns:us-east-1:000000000000:Topic"],
    ["Arn", { "Fn::GetAtt": ["Queue", "Arn"] }, "arn:aws:sqs:us-east-1:000000000000:Queue"],
    ["GetAtt as one text", { "Fn::GetAtt": "Queue.QueueName" }, "Queue"],
    ["a bus's Name", { "Fn::GetAtt": ["Bus", "Name"] }, "events"],
    [
      "the ARN of a rule, whose name needs its bus",
      { "Fn::GetAtt": ["Rule", "Arn"] },
      "arn:aws:events:us-east-1:000000000000:rule/events/Rule",
    ],
    ["ApiId", { "Fn::GetAtt": ["Api", "ApiId"] }, "Api"],
    ["ApiEndpoint", { "Fn::GetAtt": ["Api", "ApiEndpoint"] }, "http://127.0.0.1:8787"],
    [
      "the API's URL as CDK builds it",
      {
        "Fn::Join": [
          "",
          [
            "https://",
            { Ref: "Api" },
            ".execute-api.",
            { Ref: "AWS::Region" },
            ".",
            { Ref: "AWS::URLSuffix" },
            "/",
          ],
        ],
      },
      "http://127.0.0.1:8787/",
    ],
    [
      "pseudo parameters",
      ["AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::StackName"].map((Ref) => ({ Ref })),
      ["us-east-1", "000000000000", "aws", "Stack"],
    ],
    [
      "Sub with resources, attributes, own variables and literals",
      { "Fn::Sub": ["${Table} ${Queue.Arn} ${own} ${!kept}", { own: { Ref: "Bus" } }] },
      "events-table arn:aws:sqs:us-east-1:000000000000:Queue events ${kept}",
    ],
    ["Select of Split", { "Fn::Select": ["1", { "Fn::Split": [":", "a:b:c"] }] }, "b"],
    [
      "NoValue leaves a property and an item out",
      { a: { Ref: "AWS::NoValue" }, b: [1, { Ref: "AWS::NoValue" }, 2] },
      { b: [1, 2] },
    ],
    [
      "an object that only looks like a function",
      { Ref: "Queue", more: 1 },
      { Ref: "Queue", more: 1 },
    ],
  ])("The template loader resolves %s", (_, value, resolved) => {
    expect(resolve(value)).toEqual(resolved);
  });

  it("The template loader resolves parameters, mappings and conditions", () => {
    const sections = {
      Parameters: { Stage: { Type: "String", Default: "dev" } },
      Mappings: { Sizes: { dev: { count: 3 } } },
      Conditions: {
        IsDev: { "Fn::Equals": [{ Ref: "Stage" }, "dev"] },
        IsOther: { "Fn::Not": [{ Condition: "IsDev" }] },
        Both: { "Fn::And": [{ Condition: "IsDev" }, { Condition: "IsOther" }] },
        Either: { "Fn::Or": [{ Condition: "IsDev" }, { Condition: "IsOther" }] },
      },
    };
    const value = {
      stage: { Ref: "Stage" },
      size: { "Fn::FindInMap": ["Sizes", { Ref: "Stage" }, "count"] },
      chosen: ["IsDev", "IsOther", "Both", "Either"].map((name) => ({
        "Fn::If": [name, name, { Ref: "AWS::NoValue" }],
      })),
    };
    expect(resolve(value, sections)).toEqual({
      stage: "dev",
      size: 3,
      chosen: ["IsDev", "Either"],
    });
  });

  it("A resource whose condition is false is omitted, and references to it are rejected", () => {
    const sections = {
      Conditions: { Never: { "Fn::Equals": ["a", "b"] } },
      Resources: { Gone: { Type: "AWS::SQS::Queue", Condition: "Never" } },
    };
    expect(() => resolve({ Ref: "Gone" }, sections)).toThrow(
      'Subject.Properties.value refers to "Gone", whose condition Never is false',
    );
    const template = loadAssembly({ ...sections });
    expect(template.resources("AWS::SQS::Queue")).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    [
      "a missing resource",
      [{ Ref: "Absent" }],
      'Subject.Properties.value[0] refers to "Absent", which is not in the template',
    ],
    [
      "an unknown attribute",
      { deep: { "Fn::GetAtt": ["Queue", "Colour"] } },
      'Subject.Properties.value.deep refers to Queue.Colour: the local run does not support the attribute "Colour" of AWS::SQS::Queue',
    ],
    [
      "a resource in a Sub",
      { "Fn::Sub": "x${Absent}" },
      'Subject.Properties.value refers to "Absent", which is not in the template',
    ],
    [
      "another stack's export",
      { "Fn::ImportValue": "x" },
      "Subject.Properties.value uses Fn::ImportValue, which the local run does not support",
    ],
    [
      "a missing list item",
      { "Fn::Select": [2, ["a"]] },
      "Subject.Properties.value selects item 2 of 1",
    ],
  ])("The error names the property that refers to %s", (_, value, message) => {
    expect(() => resolve(value)).toThrow(message);
  });

  it("A parameter without a default is rejected by name", () => {
    expect(() => resolve({ Ref: "P" }, { Parameters: { P: { Type: "String" } } })).toThrow(
      'Subject.Properties.value refers to parameter "P", which has no default',
    );
  });

  it("A template has its outputs and the directories of its assets", () => {
    const code = { Code: { "index.js": "" } };
    const template = loadAssembly(
      {
        Resources: { Api: { Type: "AWS::ApiGatewayV2::Api" } },
        Outputs: { ApiUrl: { Value: { "Fn::GetAtt": ["Api", "ApiEndpoint"] } } },
      },
      code,
    );
    expect(template.outputs).toEqual({ ApiUrl: "http://127.0.0.1:8787" });
    expect(template.assetDirectory("Code.zip")).toMatch(/\/asset\.Code$/);
    expect(() => template.assetDirectory("Other.zip")).toThrow('no asset "Other.zip"');
    expect(() => template.resource("Absent")).toThrow('no resource "Absent"');
  });

  it("An assembly without exactly one stack is rejected", () => {
    const assemblyDir = mkdtempSync(join(tmpdir(), "ackwire-assembly-"));
    const stack = { type: "aws:cloudformation:stack", properties: { templateFile: "x.json" } };
    writeFileSync(
      join(assemblyDir, "manifest.json"),
      JSON.stringify({ artifacts: { A: stack, B: stack } }),
    );
    expect(() => loadTemplate({ assemblyDir, awsUrl: "http://x", apiUrl: "http://y" })).toThrow(
      "must hold exactly one stack; it holds: A, B",
    );
  });

  it("The stack of this repository loads and has no wiring mistakes", () => {
    const template = loadTemplate({
      assemblyDir: inject("assemblyDir"),
      awsUrl: "http://127.0.0.1:4566",
      apiUrl: "http://127.0.0.1:8787",
    });
    expect(template.resources("AWS::Lambda::Function").length).toBeGreaterThan(0);
    expect(() => checkWiring(template)).not.toThrow();
  });
});
