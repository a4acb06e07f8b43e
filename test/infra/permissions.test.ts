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

/** Returns every permission of a role as `action resource`, the resource by its logical id and path. */
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
  const group = /:schedule\/([\w-]+)\/\*"/.exec(text)?.[1];
  if (group !== undefined) return `schedules of ${group.replace(/-[0-9A-F]{8}$/, "")}`;
  const id = /"(?:Ref|Fn::GetAtt)":\[?"Ackwire([A-Za-z]+?)[0-9A-F]{8}"/.exec(text)?.[1];
  const suffix = /(\/(?:index\/\w+|\w+\/\*))"/.exec(text)?.[1] ?? "";
  return `${id}${suffix}`;
}

test.each([
  [
    "Ingest",
    [
      "dynamodb:BatchWriteItem RequestsTable",
      "dynamodb:GetItem ConfigTable",
      "dynamodb:UpdateItem ConfigTable",
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
      "dynamodb:BatchGetItem RequestsTable",
      "dynamodb:BatchWriteItem EventsTable",
      "dynamodb:BatchWriteItem RequestsTable",
      "dynamodb:GetItem ConfigTable",
      "dynamodb:GetItem RequestsTable",
      "dynamodb:PutItem EventsTable",
      "dynamodb:PutItem RequestsTable",
      "dynamodb:Query RequestsTable",
      "dynamodb:UpdateItem EventsTable",
      "dynamodb:UpdateItem RequestsTable",
      "events:PutEvents EventBus",
      "logs:CreateLogStream ConsumeLogs",
      "logs:PutLogEvents ConsumeLogs",
      "s3:GetObject BodiesBucket/events/*",
      "s3:GetObject BodiesBucket/inbound/*",
      "s3:GetObject BodiesBucket/requests/*",
      "s3:ListBucket BodiesBucket",
      "s3:PutObject BodiesBucket/events/*",
      "s3:PutObject BodiesBucket/requests/*",
      "secretsmanager:GetSecretValue MasterSecret",
      "sqs:ChangeMessageVisibility InboundQueue",
      "sqs:DeleteMessage InboundQueue",
      "sqs:GetQueueAttributes InboundQueue",
      "sqs:ReceiveMessage InboundQueue",
      "sqs:SendMessage InboundQueue",
      "sqs:SendMessage SubmissionsQueue",
    ],
  ],
  [
    "Submit",
    [
      "dynamodb:BatchGetItem RequestsTable",
      "dynamodb:BatchWriteItem EventsTable",
      "dynamodb:BatchWriteItem RequestsTable",
      "dynamodb:GetItem ConfigTable",
      "dynamodb:GetItem RequestsTable",
      "dynamodb:PutItem RequestsTable",
      "dynamodb:Query RequestsTable",
      "dynamodb:Query RequestsTable/index/queue",
      "dynamodb:UpdateItem ConfigTable",
      "dynamodb:UpdateItem RequestsTable",
      "events:PutEvents EventBus",
      "logs:CreateLogStream SubmitLogs",
      "logs:PutLogEvents SubmitLogs",
      "s3:GetObject BodiesBucket/requests/*",
      "s3:ListBucket BodiesBucket",
      "s3:PutObject BodiesBucket/events/*",
      "s3:PutObject BodiesBucket/requests/*",
      "secretsmanager:GetSecretValue MasterSecret",
      "sqs:DeleteMessage SubmissionsQueue",
      "sqs:GetQueueAttributes SubmissionsQueue",
      "sqs:ReceiveMessage SubmissionsQueue",
      "sqs:SendMessage SubmissionsQueue",
    ],
  ],
  [
    "Deliver",
    [
      "dynamodb:BatchGetItem ConfigTable",
      "dynamodb:BatchGetItem DeliveriesTable",
      "dynamodb:BatchGetItem RequestsTable",
      "dynamodb:BatchWriteItem EventsTable",
      "dynamodb:GetItem ConfigTable",
      "dynamodb:GetItem DeliveriesTable",
      "dynamodb:GetItem EventsTable",
      "dynamodb:PutItem ConfigTable",
      "dynamodb:PutItem DeliveriesTable",
      "dynamodb:PutItem EventsTable",
      "dynamodb:Query DeliveriesTable/index/byClient",
      "dynamodb:UpdateItem DeliveriesTable",
      "dynamodb:UpdateItem EventsTable",
      "events:PutEvents EventBus",
      "logs:CreateLogStream DeliverLogs",
      "logs:PutLogEvents DeliverLogs",
      "s3:GetObject BodiesBucket/deliveries/*",
      "s3:GetObject BodiesBucket/events/*",
      "s3:ListBucket BodiesBucket",
      "s3:PutObject BodiesBucket/deliveries/*",
      "secretsmanager:GetSecretValue MasterSecret",
      "sqs:ChangeMessageVisibility FanoutQueue",
      "sqs:DeleteMessage AttemptsQueue",
      "sqs:DeleteMessage FanoutQueue",
      "sqs:DeleteMessage RetriesQueue",
      "sqs:GetQueueAttributes AttemptsQueue",
      "sqs:GetQueueAttributes FanoutQueue",
      "sqs:GetQueueAttributes RetriesQueue",
      "sqs:ReceiveMessage AttemptsQueue",
      "sqs:ReceiveMessage FanoutQueue",
      "sqs:ReceiveMessage RetriesQueue",
      "sqs:SendMessage AttemptsQueue",
      "sqs:SendMessage RetriesQueue",
    ],
  ],
  [
    "Reconcile",
    [
      "dynamodb:BatchWriteItem EventsTable",
      "dynamodb:BatchWriteItem RequestsTable",
      "dynamodb:DeleteItem AuditTable",
      "dynamodb:GetItem ConfigTable",
      "dynamodb:GetItem DeliveriesTable",
      "dynamodb:GetItem RequestsTable",
      "dynamodb:PutItem AuditTable",
      "dynamodb:PutItem DeliveriesTable",
      "dynamodb:PutItem RequestsTable",
      "dynamodb:Query AuditTable",
      "dynamodb:Query DeliveriesTable/index/due",
      "dynamodb:Query DeliveriesTable/index/sweep",
      "dynamodb:Query EventsTable/index/outbox",
      "dynamodb:Query RequestsTable",
      "dynamodb:Query RequestsTable/index/due",
      "dynamodb:Query RequestsTable/index/queue",
      "dynamodb:Query RequestsTable/index/sweep",
      "dynamodb:UpdateItem ConfigTable",
      "dynamodb:UpdateItem DeliveriesTable",
      "dynamodb:UpdateItem EventsTable",
      "dynamodb:UpdateItem RequestsTable",
      "events:PutEvents EventBus",
      "logs:CreateLogStream ReconcileLogs",
      "logs:PutLogEvents ReconcileLogs",
      "s3:GetObject BodiesBucket/events/*",
      "s3:GetObject BodiesBucket/requests/*",
      "s3:ListBucket BodiesBucket",
      "s3:PutObject BodiesBucket/events/*",
      "s3:PutObject BodiesBucket/requests/*",
      "secretsmanager:GetSecretValue MasterSecret",
      "sqs:SendMessage RetriesQueue",
      "sqs:SendMessage SubmissionsQueue",
    ],
  ],
  [
    "Api",
    [
      "dynamodb:BatchGetItem DeliveriesTable",
      "dynamodb:BatchGetItem EventsTable",
      "dynamodb:BatchGetItem RequestsTable",
      "dynamodb:BatchWriteItem RequestsTable",
      "dynamodb:DeleteItem ConfigTable",
      "dynamodb:GetItem ConfigTable",
      "dynamodb:GetItem DeliveriesTable",
      "dynamodb:GetItem EventsTable",
      "dynamodb:GetItem RequestsTable",
      "dynamodb:PutItem ConfigTable",
      "dynamodb:PutItem DeliveriesTable",
      "dynamodb:PutItem RequestsTable",
      "dynamodb:Query ConfigTable/index/byClient",
      "dynamodb:Query DeliveriesTable/index/byClient",
      "dynamodb:Query EventsTable/index/byClient",
      "dynamodb:Query RequestsTable",
      "dynamodb:Query RequestsTable/index/byClient",
      "dynamodb:Query RequestsTable/index/byGroup",
      "dynamodb:Query RequestsTable/index/queue",
      "dynamodb:UpdateItem ConfigTable",
      "dynamodb:UpdateItem RequestsTable",
      "iam:PassRole SchedulesRole",
      "logs:CreateLogStream ApiLogs",
      "logs:PutLogEvents ApiLogs",
      "s3:GetObject BodiesBucket/events/*",
      "s3:GetObject BodiesBucket/requests/*",
      "s3:ListBucket BodiesBucket",
      "s3:PutObject BodiesBucket/requests/*",
      "scheduler:CreateSchedule schedules of ackwireprod-Ackwire-Schedules-Group",
      "scheduler:DeleteSchedule schedules of ackwireprod-Ackwire-Schedules-Group",
      "scheduler:UpdateSchedule schedules of ackwireprod-Ackwire-Schedules-Group",
      "secretsmanager:GetSecretValue MasterSecret",
      "sqs:SendMessage RetriesQueue",
      "sqs:SendMessage SubmissionsQueue",
    ],
  ],
  ["Sweep", ["lambda:InvokeFunction ReconcileLive", "sqs:SendMessage SweepDeadLetters"]],
  ["Schedules", ["sqs:SendMessage SchedulesDeadLetters", "sqs:SendMessage SubmissionsQueue"]],
])("The role of %s has exactly the listed permissions", (owner, expected) => {
  expect(permissions(`Ackwire${owner}Role`)).toEqual(expected);
});

test("No role has a managed policy or an action with a wildcard", () => {
  expect(policies).toHaveLength(9);
  for (const [id, { Properties }] of all(resources, "AWS::IAM::Role")) {
    expect(Properties.ManagedPolicyArns, id).toBeUndefined();
    expect(Properties.Policies, id).toBeUndefined();
  }
  for (const { id, statements } of policies) {
    for (const statement of statements) {
      expect(statement.Effect, id).toBe("Allow");
      expect(actionsOf(statement).join(), id).not.toContain("*");
    }
  }
});

test("Only objects of one area, schedules of Ackwire's group and the list of alarms are granted by a wildcard", () => {
  const group = find(resources, "AWS::Scheduler::ScheduleGroup", "AckwireSchedules").Properties
    .Name;
  for (const { id, statements } of policies) {
    for (const statement of statements) {
      const named = JSON.stringify(statement.Resource);
      const [service] = actionsOf(statement)[0]?.split(":") ?? [];
      const open: Record<string, RegExp | string> = {
        s3: /\/\w+\/\*"/g,
        scheduler: `:schedule/${group}/*"`,
        // CloudWatch lists composite alarms only with a permission on every resource.
        cloudwatch: '"*"',
      };
      const allowed = open[service ?? ""] ?? "";
      expect(named.replaceAll(allowed, ""), id).not.toContain("*");
    }
  }
});

test("The bucket may be listed only below the areas that the function reads", () => {
  const listing = policies.flatMap(({ statements }) =>
    statements.filter((statement) => actionsOf(statement).includes("s3:ListBucket")),
  );
  expect(listing.map(({ Condition }) => Condition)).toEqual(
    expect.arrayContaining([
      { StringLike: { "s3:prefix": ["inbound/*", "events/*", "requests/*"] } },
      { StringLike: { "s3:prefix": ["deliveries/*", "events/*"] } },
    ]),
  );
  for (const { Condition } of listing) {
    expect(Condition).toEqual({ StringLike: { "s3:prefix": expect.any(Array) } });
  }
});

test("The function ingest stores items only in partitions of events that may stop a request, and sets only the form of a connection", () => {
  const writing = policies
    .filter(({ roles }) => roles.some((role) => role.startsWith("AckwireIngestRole")))
    .flatMap(({ statements }) => statements)
    .filter((statement) => actionsOf(statement).some((action) => /Write|Put|Update/.test(action)))
    .filter((statement) => actionsOf(statement).join().startsWith("dynamodb:"));
  expect(writing.map(({ Condition }) => Condition)).toEqual([
    {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["connection#*"] },
      "ForAllValues:StringEquals": { "dynamodb:Attributes": ["pk", "settledForm", "refused"] },
      StringEqualsIfExists: { "dynamodb:ReturnValues": ["NONE"] },
    },
    { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["correlation#*"] } },
  ]);
});

test("Every function has its own role", () => {
  const roles = all(resources, "AWS::Lambda::Function").map(([, { Properties }]) =>
    JSON.stringify(Properties.Role),
  );
  expect(new Set(roles).size).toBe(roles.length);
});

test("Only api and operator may pass a role: the schedule role, and only to Scheduler", () => {
  const passing = policies.flatMap(({ roles, statements }) =>
    statements
      .filter((statement) => actionsOf(statement).includes("iam:PassRole"))
      .map((statement) => ({ roles, ...statement })),
  );
  expect(passing).toEqual(
    ["Api", "Operator"].map((owner) => ({
      roles: [expect.stringMatching(new RegExp(`^Ackwire${owner}Role`))],
      Effect: "Allow",
      Action: "iam:PassRole",
      Resource: { "Fn::GetAtt": [expect.stringMatching(/^AckwireSchedulesRole/), "Arn"] },
      Condition: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
    })),
  );
});

test.each(["Sweep", "Schedules"])(
  "Only schedules of its group in this account may assume the role of %s",
  (owner) => {
    const trust = find(resources, "AWS::IAM::Role", `Ackwire${owner}`).Properties;
    expect(trust.AssumeRolePolicyDocument).toMatchObject({
      Statement: [
        {
          Principal: { Service: "scheduler.amazonaws.com" },
          Condition: {
            StringEquals: {
              "aws:SourceAccount": { Ref: "AWS::AccountId" },
              "aws:SourceArn": {
                "Fn::GetAtt": [expect.stringMatching(new RegExp(`^Ackwire${owner}Group`)), "Arn"],
              },
            },
          },
        },
      ],
    });
  },
);

test("The HTTP API has one permission for each function it invokes, whatever the number of routes, and one for its default route", () => {
  const invoked = all(resources, "AWS::Lambda::Permission").map(([, { Properties }]) =>
    resourceName(Properties.FunctionName),
  );
  expect(invoked.sort()).toEqual(["ApiLive", "ApiLive", "IngestLive", "OperatorLive"]);
});

test("Only operator and reconcile have access to audit records, and only reconcile deletes: what it has published", () => {
  const onAudit = policies.flatMap(({ roles, statements }) =>
    statements
      .filter(({ Resource }) => JSON.stringify(Resource).includes("AckwireAuditTable"))
      .map((statement) => ({
        role: /^Ackwire([A-Z][a-z]+)Role/.exec(roles[0] ?? "")?.[1],
        actions: actionsOf(statement),
        condition: statement.Condition,
      })),
  );
  const condition = { "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["pending"] } };
  expect(onAudit).toEqual([
    { role: "Operator", actions: ["dynamodb:PutItem", "dynamodb:Query"], condition: undefined },
    { role: "Reconcile", actions: ["dynamodb:PutItem", "dynamodb:Query"], condition: undefined },
    { role: "Reconcile", actions: ["dynamodb:DeleteItem"], condition },
  ]);
});
