export const REGION = "us-east-1";
export const ACCOUNT_ID = "000000000000";

const nameProperty: Record<string, string> = {
  "AWS::CloudWatch::Alarm": "AlarmName",
  "AWS::CloudWatch::CompositeAlarm": "AlarmName",
  "AWS::CloudWatch::Dashboard": "DashboardName",
  "AWS::DynamoDB::Table": "TableName",
  "AWS::Events::Archive": "ArchiveName",
  "AWS::Events::EventBus": "Name",
  "AWS::IAM::Role": "RoleName",
  "AWS::Lambda::Function": "FunctionName",
  "AWS::Logs::LogGroup": "LogGroupName",
  "AWS::S3::Bucket": "BucketName",
  "AWS::SNS::Topic": "TopicName",
  "AWS::SQS::Queue": "QueueName",
  "AWS::Scheduler::ScheduleGroup": "Name",
  "AWS::SecretsManager::Secret": "Name",
};

/**
 * Returns the name of a resource, for the template loader and for the local AWS
 * endpoint alike: its explicit name, else its logical id (in lower case for a
 * bucket).
 *
 * Some names are compound, because their ARN needs both parts: a rule on a bus
 * other than the default is `bus|rule` (CloudFormation's own physical id), a
 * schedule is `group/name`, an alias or a version of a function `function:name`.
 */
export function physicalName(
  type: string,
  logicalId: string,
  properties: Record<string, unknown>,
): string {
  if (type === "AWS::Events::Rule") {
    const name = text(properties.Name) ?? logicalId;
    const bus = busNameOf(text(properties.EventBusName));
    return bus === "default" ? name : `${bus}|${name}`;
  }
  if (type === "AWS::Scheduler::Schedule") {
    return `${text(properties.GroupName) ?? "default"}/${text(properties.Name) ?? logicalId}`;
  }
  if (type === "AWS::Lambda::Alias") return `${properties.FunctionName}:${properties.Name}`;
  // There is one version, because the local run replaces a function's code as a whole.
  if (type === "AWS::Lambda::Version") return `${properties.FunctionName}:1`;
  const property = nameProperty[type];
  const explicit = property === undefined ? undefined : text(properties[property]);
  return explicit ?? (type === "AWS::S3::Bucket" ? logicalId.toLowerCase() : logicalId);
}

/** Returns a bus's name, given its name, its ARN or nothing (the default bus). */
export function busNameOf(nameOrArn: string | undefined): string {
  return nameOrArn?.replace(/^arn:aws:events:[^:]*:[^:]*:event-bus\//, "") ?? "default";
}

const regional = (service: string, rest: string) =>
  `arn:aws:${service}:${REGION}:${ACCOUNT_ID}:${rest}`;

const arnByType: Record<string, (name: string) => string> = {
  "AWS::ApiGatewayV2::Api": (name) => `arn:aws:apigateway:${REGION}::/apis/${name}`,
  "AWS::CloudWatch::Alarm": (name) => regional("cloudwatch", `alarm:${name}`),
  "AWS::CloudWatch::CompositeAlarm": (name) => regional("cloudwatch", `alarm:${name}`),
  "AWS::DynamoDB::Table": (name) => regional("dynamodb", `table/${name}`),
  "AWS::Events::Archive": (name) => regional("events", `archive/${name}`),
  "AWS::Events::EventBus": (name) => regional("events", `event-bus/${name}`),
  "AWS::Events::Rule": (name) => regional("events", `rule/${name.replace("|", "/")}`),
  "AWS::IAM::Role": (name) => `arn:aws:iam::${ACCOUNT_ID}:role/${name}`,
  "AWS::Lambda::Alias": (name) => regional("lambda", `function:${name}`),
  "AWS::Lambda::Function": (name) => regional("lambda", `function:${name}`),
  "AWS::Lambda::Version": (name) => regional("lambda", `function:${name}`),
  "AWS::Logs::LogGroup": (name) => regional("logs", `log-group:${name}:*`),
  "AWS::S3::Bucket": (name) => `arn:aws:s3:::${name}`,
  "AWS::SNS::Topic": (name) => regional("sns", name),
  "AWS::SQS::Queue": (name) => regional("sqs", name),
  "AWS::Scheduler::Schedule": (name) => regional("scheduler", `schedule/${name}`),
  "AWS::Scheduler::ScheduleGroup": (name) => regional("scheduler", `schedule-group/${name}`),
  // AWS appends six random characters; the local run does not, so ARNs are stable.
  "AWS::SecretsManager::Secret": (name) => regional("secretsmanager", `secret:${name}`),
};

/** @throws Error for a type whose ARN format is not known here; the message names the type */
export function arnOf(type: string, name: string): string {
  const arn = arnByType[type];
  if (!arn) throw new Error(`no ARN is known for ${type} (${name})`);
  return arn(name);
}

/** Returns the value of `Ref` for a resource with this physical name. */
export function refOf(type: string, name: string, awsUrl: string): string {
  switch (type) {
    case "AWS::SQS::Queue":
      return `${awsUrl}/${ACCOUNT_ID}/${name}`;
    case "AWS::Lambda::Alias":
    case "AWS::Lambda::Version":
    case "AWS::SNS::Topic":
    case "AWS::SecretsManager::Secret":
      return arnOf(type, name);
    case "AWS::Scheduler::Schedule":
      return name.slice(name.indexOf("/") + 1);
    default:
      return name;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
