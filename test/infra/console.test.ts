import { readFileSync } from "node:fs";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, test } from "vitest";
import { all, find, makeApp, synth } from "./synth.ts";

const { resources, outputs } = synth({ stage: "prod", console: "on" });

/** The parts of the distribution that the tests look at. */
interface DistributionConfig {
  DefaultRootObject: string;
  DefaultCacheBehavior: Record<string, unknown>;
  CacheBehaviors: Record<string, unknown>[];
  Origins: Record<string, unknown>[];
}

const distribution = find(resources, "AWS::CloudFront::Distribution").Properties
  .DistributionConfig as DistributionConfig;

const headersOf = (template: typeof resources) =>
  JSON.stringify(find(template, "AWS::CloudFront::ResponseHeadersPolicy").Properties);

describe("A stack with the console", () => {
  test("has no unacknowledged finding of cdk-nag", () => {
    const { stack } = makeApp({ stage: "prod", console: "on" });
    const { violations } = new AwsSolutionsChecks().validateScope(stack);
    expect(violations.map(({ ruleName }) => ruleName)).toEqual([]);
  });

  test("keeps its files in a bucket that only this distribution may read", () => {
    const [id, bucket] = all(resources, "AWS::S3::Bucket").find(([name]) =>
      name.startsWith("AckwireConsole"),
    ) ?? ["", undefined];
    expect(bucket?.Properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    const policy = find(resources, "AWS::S3::BucketPolicy", "AckwireConsole");
    expect(policy.Properties.Bucket).toEqual({ Ref: id });
    expect(policy.Properties.PolicyDocument).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({ Effect: "Deny", Action: "s3:*" }),
        expect.objectContaining({
          Effect: "Allow",
          Action: "s3:GetObject",
          Principal: { Service: "cloudfront.amazonaws.com" },
          Condition: { StringEquals: { "AWS:SourceArn": expect.anything() } },
        }),
      ]),
    });
    expect(all(resources, "AWS::CloudFront::OriginAccessControl")).toHaveLength(1);
  });

  test("passes the operator API on, uncached and with the key", () => {
    expect(distribution.CacheBehaviors).toEqual([
      expect.objectContaining({
        PathPattern: "/v1/operator/*",
        ViewerProtocolPolicy: "https-only",
        // CachingDisabled and AllViewerExceptHostHeader, policies of AWS.
        CachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        OriginRequestPolicyId: "b689b0a8-53d0-40ab-baf2-68738e2966ac",
      }),
    ]);
    const api = find(resources, "AWS::ApiGatewayV2::Api");
    expect(api.Properties.CorsConfiguration).toBeUndefined();
  });

  test("allows scripts of its own origin only, and no page to embed it", () => {
    expect(headersOf(resources)).toContain("script-src 'self';");
    expect(headersOf(resources)).toContain("frame-ancestors 'none'");
    expect(headersOf(resources)).toContain('"FrameOption":"DENY"');
    expect(headersOf(resources)).toContain("StrictTransportSecurity");
  });

  test("may be embedded by the pages of a setting", () => {
    const consoleFrameAncestors = "https://app.example.com https://other.example.com";
    const embedded = synth({ stage: "prod", console: "on", consoleFrameAncestors }).resources;
    expect(headersOf(embedded)).toContain(`frame-ancestors ${consoleFrameAncestors}`);
    expect(headersOf(embedded)).not.toContain("FrameOption");
  });

  test("shows a page for every path but those of files, also with a dot in an id", () => {
    const { FunctionCode } = find(resources, "AWS::CloudFront::Function").Properties;
    const shown = (uri: string) =>
      (
        new Function("event", `${FunctionCode}; return handler(event);`)({ request: { uri } }) as {
          uri: string;
        }
      ).uri;
    expect(shown("/")).toBe("/index.html");
    expect(shown("/requests/rq_1")).toBe("/index.html");
    expect(shown("/events/workflow.completed:cn_1:req-1")).toBe("/index.html");
    expect(shown("/assets/index-1.js")).toBe("/assets/index-1.js");
    expect(shown("/icon.svg")).toBe("/icon.svg");
  });

  test("has the console's address among its outputs", () => {
    expect(outputs.ConsoleUrl?.Value).toBeDefined();
    // Portal links lead there.
    const { Environment } = find(resources, "AWS::Lambda::Function", "AckwireOperatorFunction")
      .Properties as { Environment: { Variables: Record<string, unknown> } };
    expect(Environment.Variables.CONSOLE_URL).toEqual(outputs.ConsoleUrl?.Value);
  });
});

test("A stack has no console unless a setting says so", () => {
  const without = synth({ stage: "prod" });
  expect(all(without.resources, "AWS::CloudFront::Distribution")).toEqual([]);
  expect(without.outputs.ConsoleUrl).toBeUndefined();
});

test.each([
  [{ console: "yes" }, 'console: got "yes"; must be on or off'],
  [{ console: "on", consoleFrameAncestors: "*" }, 'consoleFrameAncestors: got "*"; must match'],
  [{ consoleFrameAncestors: "https://a.example" }, "is given, but console is not on"],
])("The configuration %j is refused", (context, problem) => {
  expect(() => synth({ stage: "prod", ...context })).toThrow(problem);
});

/** The actions that create what only a stack with the console has. */
const creation: Record<string, string> = {
  "AWS::CloudFront::Distribution": "cloudfront:CreateDistribution",
  "AWS::CloudFront::Function": "cloudfront:CreateFunction",
  "AWS::CloudFront::OriginAccessControl": "cloudfront:CreateOriginAccessControl",
  "AWS::CloudFront::ResponseHeadersPolicy": "cloudfront:CreateResponseHeadersPolicy",
  "AWS::Lambda::LayerVersion": "lambda:PublishLayerVersion",
  // Invokes a function of the stack, which copies the files.
  "Custom::CDKBucketDeployment": "lambda:InvokeFunction",
};

interface Policy {
  Statement: { Sid: string; Action: string[]; Resource: string; Condition?: object }[];
}

function policyOf(file: string): Policy {
  const url = new URL(`../../docs/deployment/${file}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as Policy;
}

const consolePolicy = policyOf("cloudformation-console.json").Statement;

test("The policy of CloudFormation's role for the console has an action for each type that it adds", () => {
  const actions = consolePolicy.flatMap(({ Action }) => Action);
  const typesOf = (template: typeof resources) =>
    new Set(Object.values(template).map(({ Type }) => Type));
  const without = typesOf(synth({ stage: "prod" }).resources);
  const added = [...typesOf(resources)].filter((type) => !without.has(type));
  expect(added.sort()).toEqual(Object.keys(creation).sort());
  for (const type of added) expect(actions).toContain(creation[type]);
});

test("The policy for the console covers the role and the log group of the CDK's function that copies the files", () => {
  const without = synth({ stage: "prod" }).resources;
  const added = (type: string) =>
    all(resources, type)
      .filter(([id]) => !(id in without))
      .map(([, { Properties }]) => Properties);
  const policy = "policy/service-role/AWSLambdaBasicExecutionRole";
  const attached = added("AWS::IAM::Role").map(({ ManagedPolicyArns }) => ManagedPolicyArns);
  expect(JSON.stringify(attached)).toContain(`:iam::aws:${policy}"`);
  expect(consolePolicy).toContainEqual({
    Sid: "RoleThatCopiesFiles",
    Effect: "Allow",
    Action: ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
    Resource: "arn:aws:iam::*:role/ackwire-*",
    Condition: { ArnEquals: { "iam:PolicyARN": `arn:aws:iam::aws:${policy}` } },
  });
  // The name of the function begins with the stack's.
  const names = added("AWS::Logs::LogGroup").map(({ LogGroupName }) => LogGroupName);
  expect(JSON.stringify(names)).toContain('"/aws/lambda/",{"Ref":"CustomCDKBucketDeployment');
  const { Statement } = policyOf("cloudformation-policy.json");
  const ofLogGroups = Statement.find(({ Sid }) => Sid === "LogGroups");
  expect(consolePolicy).toContainEqual({
    Sid: "LogGroupOfCopies",
    Effect: "Allow",
    Action: ofLogGroups?.Action,
    Resource: "arn:aws:logs:*:*:log-group:/aws/lambda/ackwire-*",
  });
});
