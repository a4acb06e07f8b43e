import { expect, test } from "vitest";
import { all, find, synth } from "./synth.ts";

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

const { resources } = synth({ stage: "prod" });
const policies = all(resources, "AWS::IAM::Policy").map(([id, { Properties }]) => ({
  id,
  roles: (Properties.Roles as { Ref: string }[]).map(({ Ref }) => Ref),
  statements: (Properties.PolicyDocument as { Statement: Statement[] }).Statement,
}));

const actionsOf = ({ Action }: Statement) => (Array.isArray(Action) ? Action : [Action]);

/** `action resource` of every permission of a role; a resource is its logical id and what follows. */
function permissions(roleIdStart: string): string[] {
  return policies
    .filter(({ roles }) => roles.some((role) => role.startsWith(roleIdStart)))
    .flatMap(({ statements }) => statements)
    .flatMap((statement) =>
      [statement.Resource]
        .flat()
        .flatMap((resource) =>
          actionsOf(statement).map((action) => `${action} ${resourceName(resource)}`),
        ),
    )
    .sort();
}

function resourceName(resource: unknown): string {
  const text = JSON.stringify(resource);
  const id = /"(?:Ref|Fn::GetAtt)":\[?"Ackwire([A-Za-z]+?)[0-9A-F]{8}"/.exec(text)?.[1];
  const suffix = /(\/(?:index\/\w+|\w+\/\*))"/.exec(text)?.[1] ?? "";
  return `${id}${suffix}`;
}

test.each([
  [
    "Ingest",
    [
      "dynamodb:GetItem ConfigTable",
      "logs:CreateLogStream IngestLogs",
      "logs:PutLogEvents IngestLogs",
      "s3:PutObject BodiesBucket/inbound/*",
      "s3:PutObject BodiesBucket/quarantine/*",
      "secretsmanager:GetSecretValue MasterSecret",
      "sqs:SendMessage InboundQueue",
    ],
  ],
  [
    "Consume",
    [
      "dynamodb:GetItem ConfigTable",
      "dynamodb:PutItem EventsTable",
      "dynamodb:UpdateItem EventsTable",
      "events:PutEvents EventBus",
      "logs:CreateLogStream ConsumeLogs",
      "logs:PutLogEvents ConsumeLogs",
      "s3:GetObject BodiesBucket/events/*",
      "s3:GetObject BodiesBucket/inbound/*",
      "s3:PutObject BodiesBucket/events/*",
      "secretsmanager:GetSecretValue MasterSecret",
      "sqs:ChangeMessageVisibility InboundQueue",
      "sqs:DeleteMessage InboundQueue",
      "sqs:GetQueueAttributes InboundQueue",
      "sqs:ReceiveMessage InboundQueue",
    ],
  ],
  [
    "Reconcile",
    [
      "dynamodb:Query EventsTable/index/outbox",
      "dynamodb:UpdateItem EventsTable",
      "events:PutEvents EventBus",
      "logs:CreateLogStream ReconcileLogs",
      "logs:PutLogEvents ReconcileLogs",
      "s3:GetObject BodiesBucket/events/*",
    ],
  ],
  [
    "Api",
    [
      "dynamodb:BatchGetItem EventsTable",
      "dynamodb:DeleteItem ConfigTable",
      "dynamodb:GetItem ConfigTable",
      "dynamodb:GetItem EventsTable",
      "dynamodb:PutItem ConfigTable",
      "dynamodb:Query ConfigTable/index/byClient",
      "dynamodb:Query EventsTable/index/byClient",
      "dynamodb:UpdateItem ConfigTable",
      "logs:CreateLogStream ApiLogs",
      "logs:PutLogEvents ApiLogs",
      "s3:GetObject BodiesBucket/events/*",
      "secretsmanager:GetSecretValue MasterSecret",
    ],
  ],
  ["Sweep", ["lambda:InvokeFunction ReconcileFunction", "sqs:SendMessage SweepDeadLetters"]],
])("%s may do exactly this", (owner, expected) => {
  expect(permissions(`Ackwire${owner}Role`)).toEqual(expected);
});

test("no role has a managed policy, an action with a wildcard, or a resource with one but for objects of the bucket", () => {
  expect(policies).toHaveLength(5);
  for (const [id, { Properties }] of all(resources, "AWS::IAM::Role")) {
    expect(Properties.ManagedPolicyArns, id).toBeUndefined();
    expect(Properties.Policies, id).toBeUndefined();
  }
  for (const { id, statements } of policies) {
    for (const statement of statements) {
      expect(statement.Effect, id).toBe("Allow");
      expect(actionsOf(statement).join(), id).not.toContain("*");
      const isOfObjects = actionsOf(statement).every((action) => action.startsWith("s3:"));
      const resources = JSON.stringify(statement.Resource);
      expect(isOfObjects ? resources.replaceAll(/\/\w+\/\*"/g, "") : resources, id).not.toContain(
        "*",
      );
    }
  }
});

test("every function has a role of its own", () => {
  const roles = all(resources, "AWS::Lambda::Function").map(([, { Properties }]) =>
    JSON.stringify(Properties.Role),
  );
  expect(new Set(roles).size).toBe(roles.length);
});

test("nothing may pass a role on", () => {
  expect(JSON.stringify(policies)).not.toContain("iam:PassRole");
});

test("only schedules of our own group in our own account may take the scheduler's role", () => {
  const trust = find(resources, "AWS::IAM::Role", "AckwireSweep").Properties;
  expect(trust.AssumeRolePolicyDocument).toMatchObject({
    Statement: [
      {
        Principal: { Service: "scheduler.amazonaws.com" },
        Condition: {
          StringEquals: {
            "aws:SourceAccount": { Ref: "AWS::AccountId" },
            "aws:SourceArn": {
              "Fn::GetAtt": [expect.stringMatching(/^AckwireSweepGroup/), "Arn"],
            },
          },
        },
      },
    ],
  });
});
