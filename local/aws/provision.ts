import { arnOf, physicalName, REGION } from "../physical-name.ts";
import type { Resource, Template } from "../template/resource.ts";
import type { DynamoDb } from "./dynamodb/dynamodb.ts";
import type { EventBridge } from "./eventbridge/eventbridge.ts";
import type { BusPolicies } from "./iam/bus-policy.ts";
import type { RoleCheck } from "./iam/role-check.ts";
import type { Scheduler } from "./scheduler/scheduler.ts";
import type { SecretsManager } from "./secrets-manager.ts";
import type { Sqs } from "./sqs/sqs.ts";

export interface Services {
  dynamodb: DynamoDb;
  sqs: Sqs;
  events: EventBridge;
  scheduler: Scheduler;
  secrets: SecretsManager;
  roles: RoleCheck;
  busPolicies: BusPolicies;
}

/**
 * Creates the resources of the template; those of the last run are kept.
 * Schedules are created last, because missed occurrences fire at once and need
 * their targets.
 *
 * @throws Error that names the resource that could not be created
 */
export async function provisionAll(services: Services, template: Template): Promise<void> {
  const { dynamodb, sqs, events, scheduler, secrets, roles } = services;
  const { sns, s3 } = sqs.fauxqs;
  const topicArn = (resource: Resource) => arnOf(resource.type, nameOf(resource));
  const makers: [type: string, make: (resource: Resource) => void | Promise<void>][] = [
    ["AWS::DynamoDB::Table", (resource) => dynamodb.createTable(resource)],
    ["AWS::SQS::Queue", (resource) => sqs.createQueue(resource)],
    ["AWS::S3::Bucket", (resource) => s3.createBucket(nameOf(resource))],
    ["AWS::SecretsManager::Secret", (resource) => secrets.addSecret(resource)],
    [
      "AWS::SNS::Topic",
      (resource) => {
        sns.createTopic(nameOf(resource), undefined, undefined, REGION);
        const subscriptions = (resource.properties.Subscription ?? []) as Subscription[];
        for (const each of subscriptions) subscribe(topicArn(resource), each);
      },
    ],
    [
      "AWS::SNS::Subscription",
      ({ properties }) => subscribe(String(properties.TopicArn), properties),
    ],
    ["AWS::Events::EventBus", (resource) => events.addBus(resource)],
    ["AWS::Scheduler::ScheduleGroup", (resource) => scheduler.addGroup(resource)],
    ["AWS::Events::Rule", (resource) => events.addRule(resource)],
    ["AWS::Scheduler::Schedule", (resource) => scheduler.addSchedule(resource)],
  ];

  function subscribe(arn: string, { Protocol, Endpoint }: Subscription): void {
    // Only queue subscriptions are created: the local run sends no email.
    if (Protocol === "sqs") sns.subscribe(arn, Protocol, String(Endpoint), undefined);
  }

  roles.load(template);
  services.busPolicies.load(template);
  for (const [type, make] of makers) {
    for (const resource of template.resources(type)) {
      try {
        await make(resource);
      } catch (error) {
        const { message } = error as Error;
        throw new Error(`${resource.logicalId} (${type}): ${message}`, { cause: error });
      }
    }
  }
  scheduler.restore();
}

interface Subscription {
  Protocol?: unknown;
  Endpoint?: unknown;
}

function nameOf({ type, logicalId, properties }: Resource): string {
  return physicalName(type, logicalId, properties);
}
