// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of Fn::Sub
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Template } from "../../../local/template/resource.ts";
import { loadTemplate } from "../../../local/template/template.ts";

export interface TestResource {
  Type: string;
  Condition?: string;
  Properties?: Record<string, unknown>;
}

/** A CloudFormation template as far as a test cares. */
export interface TestTemplate {
  Resources: Record<string, TestResource>;
  [section: string]: unknown;
}

/** Writes a directory as `cdk synth` does, one code asset per function: its files by their name. */
export function writeAssembly(
  template: TestTemplate,
  code: Record<string, Record<string, string>> = {},
): string {
  const assemblyDir = mkdtempSync(join(tmpdir(), "assembly-"));
  const write = (file: string, content: unknown) =>
    writeFileSync(join(assemblyDir, file), JSON.stringify(content));
  const files: Record<string, unknown> = {};
  for (const [asset, sources] of Object.entries(code)) {
    mkdirSync(join(assemblyDir, `asset.${asset}`));
    for (const [name, source] of Object.entries(sources)) {
      writeFileSync(join(assemblyDir, `asset.${asset}`, name), source);
    }
    files[asset] = {
      source: { path: `asset.${asset}`, packaging: "zip" },
      destinations: { here: { bucketName: "assets", objectKey: `${asset}.zip` } },
    };
  }
  // As in a repository whose packages are ES modules: it must not change how bundles are loaded.
  write("package.json", { type: "module" });
  write("Stack.template.json", template);
  write("Stack.assets.json", { version: "1", files });
  write("manifest.json", {
    artifacts: {
      "Stack.assets": { type: "cdk:asset-manifest", properties: { file: "Stack.assets.json" } },
      Stack: {
        type: "aws:cloudformation:stack",
        properties: { templateFile: "Stack.template.json" },
      },
    },
  });
  return assemblyDir;
}

export function loadAssembly(
  template: TestTemplate,
  code: Record<string, Record<string, string>> = {},
  awsUrl = "http://127.0.0.1:4566",
): Template {
  const assemblyDir = writeAssembly(template, code);
  return loadTemplate({ assemblyDir, awsUrl, apiUrl: "http://127.0.0.1:8787" });
}

const roleArn = (roleId: string) => ({ "Fn::GetAtt": [roleId, "Arn"] });

/** A function whose code is the asset of the same name, and its role without any grant. */
export function functionWithRole(
  logicalId: string,
  properties: Record<string, unknown> = {},
): Record<string, TestResource> {
  return {
    [logicalId]: {
      Type: "AWS::Lambda::Function",
      Properties: {
        Code: { S3Bucket: "assets", S3Key: `${logicalId}.zip` },
        Handler: "index.handler",
        Role: roleArn(`${logicalId}Role`),
        Runtime: "nodejs24.x",
        ...properties,
      },
    },
    [`${logicalId}Role`]: { Type: "AWS::IAM::Role", Properties: {} },
  };
}

/** A route to a function, with all that it needs: integration and permission. */
export function route(
  logicalId: string,
  options: { key: string; functionId: string; timeoutMs?: number },
): Record<string, TestResource> {
  const functionArn = { "Fn::GetAtt": [options.functionId, "Arn"] };
  return {
    [logicalId]: {
      Type: "AWS::ApiGatewayV2::Route",
      Properties: {
        ApiId: { Ref: "Api" },
        RouteKey: options.key,
        Target: { "Fn::Join": ["", ["integrations/", { Ref: `${logicalId}Integration` }]] },
      },
    },
    [`${logicalId}Integration`]: {
      Type: "AWS::ApiGatewayV2::Integration",
      Properties: {
        ApiId: { Ref: "Api" },
        IntegrationType: "AWS_PROXY",
        IntegrationUri: functionArn,
        PayloadFormatVersion: "2.0",
        ...(options.timeoutMs && { TimeoutInMillis: options.timeoutMs }),
      },
    },
    [`${logicalId}Permission`]: {
      Type: "AWS::Lambda::Permission",
      Properties: {
        Action: "lambda:InvokeFunction",
        FunctionName: functionArn,
        Principal: "apigateway.amazonaws.com",
        SourceArn: {
          "Fn::Sub": [
            "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*${path}",
            { path: options.key.split(" ")[1] ?? "/$default" },
          ],
        },
      },
    },
  };
}

export const httpApi: Record<string, TestResource> = {
  Api: { Type: "AWS::ApiGatewayV2::Api", Properties: { Name: "api", ProtocolType: "HTTP" } },
  ApiStage: {
    Type: "AWS::ApiGatewayV2::Stage",
    Properties: { ApiId: { Ref: "Api" }, StageName: "$default", AutoDeploy: true },
  },
};
