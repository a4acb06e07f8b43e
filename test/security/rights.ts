import { AwsSolutionsChecks } from "cdk-nag";
import type { Right } from "../../local/aws/iam/role-check.ts";
import { makeApp } from "../infra/make-app.ts";
import { recordedRights } from "../support/recorded-rights.ts";
import { atLeast, none, type Proof } from "./proof.ts";

/** Rights that the functions' code does not use, because AWS does. */
const usedByAws: readonly { action: RegExp; role: RegExp; because: string }[] = [
  {
    action: /^logs:(CreateLogStream|PutLogEvents)$/,
    role: /^Ackwire\w+Role/,
    because: "Lambda writes the function's log with the function's role",
  },
  {
    action: /^sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes)$/,
    role: /^Ackwire(Consume|Submit|Deliver)Role/,
    because: "Lambda reads the function's queues with the function's role",
  },
  {
    action: /^sqs:SendMessage$/,
    role: /^Ackwire(Sweep|Schedules)Role/,
    because: "Scheduler stores a firing whose target fails in a dead-letter queue",
  },
];

const nameOf = ({ roleId, action, resource }: Right) =>
  `${roleId.replace(/^Ackwire|Role[0-9A-F]{8}$/g, "")} ${action} ${resource.replace(/^arn:aws:\w+:[^:]*:\d*:/, "")}`;

/**
 * S4: compares what the roles allow with what the local runs of the tests have used, and looks at
 * the template that is deployed.
 *
 * @param directory of the rights that the tests have recorded (`recorded-rights.ts`)
 */
export function proveRights(directory: string): Proof {
  const { runs, rights } = recordedRights(directory);
  const byAws = (right: Right) =>
    usedByAws.find(({ action, role }) => action.test(right.action) && role.test(right.roleId));
  const unused = rights.filter((right) => !right.isUsed && byAws(right) === undefined);
  const template = proveTemplate();
  return {
    id: "S4",
    title: "Least privilege: what the functions may do, and what they do in the tests",
    figures: [
      atLeast("local runs of the tests", runs, 1),
      atLeast("rights of one action on one resource", rights.length, 1),
      atLeast("rights that were used", rights.filter(({ isUsed }) => isUsed).length, 1),
      atLeast(
        "rights that AWS uses in the function's place",
        rights.filter((right) => !right.isUsed && byAws(right) !== undefined).length,
        1,
      ),
      none("rights that nothing uses", unused.map(nameOf)),
      ...template,
    ],
  };
}

/** The figures of the deployed template alone. */
export function proveTemplate(): Proof["figures"] {
  const { stack } = makeApp({ stage: "prod", rollout: "Canary10Percent5Minutes" });
  const findings = new AwsSolutionsChecks().validateScope(stack).violations;
  const acknowledged = stack.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === "aws:cdk:acknowledged-rules")
    .flatMap(({ data }) => acknowledgedRules(data));
  const policies = stack.node.findAll().flatMap((construct) => statementsOf(construct));
  return [
    none(
      "actions with a wildcard",
      policies
        .filter(({ Effect }) => Effect === "Allow")
        .flatMap(({ Action }) => [Action].flat().filter((action) => action.includes("*"))),
    ),
    none(
      "findings of cdk-nag that are not acknowledged",
      findings.map(({ ruleName }) => ruleName),
    ),
    atLeast("findings of cdk-nag that are acknowledged", acknowledged.length, 1),
    none(
      "acknowledged findings without a reason",
      acknowledged.filter(({ reason }) => reason.trim().length < 20).map(({ id }) => id),
    ),
  ];
}

interface Statement {
  Effect: string;
  Action: string | string[];
}

/** The statements of a construct that is a policy. */
function statementsOf(construct: unknown): Statement[] {
  const { document } = construct as { document?: { toJSON?(): unknown } };
  const policy = document?.toJSON?.() as { Statement?: Statement[] } | undefined;
  return policy?.Statement ?? [];
}

/** The rules of one acknowledgement, whose form is that of the CDK's metadata. */
function acknowledgedRules(data: unknown): { id: string; reason: string }[] {
  return Object.entries(data as Record<string, unknown>).map(([id, reason]) => ({
    id,
    reason: typeof reason === "string" ? reason : JSON.stringify(reason),
  }));
}
