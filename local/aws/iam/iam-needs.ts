import type { IncomingMessage } from "node:http";
import { arnOf, busNameOf } from "../../physical-name.ts";
import type { Need } from "./role-check.ts";

/** Returns the permissions that AWS requires for one call of a JSON service. */
type Needs = (operation: string, input: Record<string, unknown>) => Need[];

const queueArn = (url: unknown) => arnOf("AWS::SQS::Queue", String(url ?? "").replace(/^.*\//, ""));
const secretArn = (id: unknown) =>
  String(id).startsWith("arn:") ? String(id) : arnOf("AWS::SecretsManager::Secret", String(id));
const tableArn = (name: unknown) =>
  String(name).startsWith("arn:") ? String(name) : arnOf("AWS::DynamoDB::Table", String(name));
const busArn = (name: unknown) =>
  arnOf("AWS::Events::EventBus", busNameOf(typeof name === "string" ? name : undefined));

const sqs: Needs = (operation, input) => {
  const action = `sqs:${operation.replace(/Batch$/, "")}`;
  switch (operation) {
    case "ListQueues":
      return [{ action, resource: "*" }];
    case "StartMessageMoveTask":
    case "ListMessageMoveTasks":
      return [{ action, resource: String(input.SourceArn) }];
    default:
      return [{ action, resource: queueArn(input.QueueUrl ?? input.QueueName) }];
  }
};

const dynamodb: Needs = (operation, input) => {
  const action = `dynamodb:${operation}`;
  if (operation === "ListTables") return [{ action, resource: "*" }];
  if (typeof input.RequestItems === "object" && input.RequestItems !== null) {
    return Object.keys(input.RequestItems).map((name) => ({ action, resource: tableArn(name) }));
  }
  const table = tableArn(input.TableName ?? input.ResourceArn);
  return [{ action, resource: input.IndexName ? `${table}/index/${input.IndexName}` : table }];
};

const events: Needs = (operation, input) => {
  const action = `events:${operation}`;
  switch (operation) {
    case "PutEvents": {
      const entries = (input.Entries ?? []) as { EventBusName?: string }[];
      const buses = new Set(entries.map((entry) => busArn(entry.EventBusName)));
      return [...buses].map((resource) => ({ action, resource }));
    }
    case "DescribeEventBus":
      return [{ action, resource: busArn(input.Name) }];
    case "ListRules":
    case "ListEventBuses":
      return [{ action, resource: "*" }];
    default: {
      const bus = busNameOf(input.EventBusName as string | undefined);
      const rule = String(input.Name ?? input.Rule);
      const name = bus === "default" ? rule : `${bus}|${rule}`;
      return [{ action, resource: arnOf("AWS::Events::Rule", name) }];
    }
  }
};

const secretsmanager: Needs = (operation, input) => [
  {
    action: `secretsmanager:${operation}`,
    resource: operation === "ListSecrets" ? "*" : secretArn(input.SecretId ?? input.Name),
  },
];

const scheduler: Needs = (operation, input) => {
  const action = `scheduler:${operation}`;
  if (operation === "ListSchedules") return [{ action, resource: "*" }];
  const name = `${input.GroupName ?? "default"}/${input.Name}`;
  const needs = [{ action, resource: arnOf("AWS::Scheduler::Schedule", name) }];
  const roleArn = (input.Target as { RoleArn?: string } | undefined)?.RoleArn;
  if (operation === "CreateSchedule" && roleArn) {
    needs.push({ action: "iam:PassRole", resource: roleArn });
  }
  return needs;
};

export const iamNeeds = { sqs, dynamodb, events, secretsmanager, scheduler };

export function snsNeeds(form: URLSearchParams): Need[] {
  const action = form.get("Action") ?? "";
  // GetCallerIdentity requires no permission.
  if (action === "GetCallerIdentity") return [];
  return [{ action: `sns:${action}`, resource: form.get("TopicArn") ?? "*" }];
}

const bucketActions: Record<string, string> = {
  GET: "s3:ListBucket",
  HEAD: "s3:ListBucket",
  PUT: "s3:CreateBucket",
  DELETE: "s3:DeleteBucket",
};
const objectActions: Record<string, string> = {
  GET: "s3:GetObject",
  HEAD: "s3:GetObject",
  PUT: "s3:PutObject",
  POST: "s3:PutObject",
  DELETE: "s3:DeleteObject",
};

export function s3Needs(request: IncomingMessage): Need[] {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const [, bucket = "", ...key] = decodeURIComponent(url.pathname).split("/");
  const method = request.method ?? "GET";
  const object = `${arnOf("AWS::S3::Bucket", bucket)}/${key.join("/")}`;
  if (bucket === "") return [{ action: "s3:ListAllMyBuckets", resource: "*" }];
  if (method === "POST" && url.searchParams.has("delete")) {
    // DeleteObjects has its keys in the body; here it requires a grant on the whole bucket.
    return [{ action: "s3:DeleteObject", resource: `${arnOf("AWS::S3::Bucket", bucket)}/*` }];
  }
  if (key.join("") === "") {
    const action = bucketActions[method] ?? "s3:ListBucket";
    return [{ action, resource: arnOf("AWS::S3::Bucket", bucket) }];
  }
  if (method === "DELETE" && url.searchParams.has("uploadId")) {
    return [{ action: "s3:AbortMultipartUpload", resource: object }];
  }
  const needs = [{ action: objectActions[method] ?? "s3:GetObject", resource: object }];
  const source = request.headers["x-amz-copy-source"];
  if (typeof source === "string") {
    const from = decodeURIComponent(source).replace(/^\//, "");
    needs.push({ action: "s3:GetObject", resource: arnOf("AWS::S3::Bucket", from) });
  }
  return needs;
}

/**
 * Returns the permission without which S3 answers 403 instead of 404 for an object
 * that it does not have, or undefined for any other call:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html#API_GetObject_RequestSyntax
 */
export function s3Missing(
  request: IncomingMessage,
  buckets: ReadonlyMap<string, ReadonlyMap<string, unknown>>,
): Need | undefined {
  const { pathname } = new URL(request.url ?? "/", "http://127.0.0.1");
  const [, bucket = "", ...parts] = decodeURIComponent(pathname).split("/");
  const key = parts.join("/");
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (!isRead || key === "" || buckets.get(bucket)?.has(key) !== false) return undefined;
  return { action: "s3:ListBucket", resource: arnOf("AWS::S3::Bucket", bucket) };
}
