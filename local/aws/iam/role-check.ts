import { arnOf, physicalName } from "../../physical-name.ts";
import type { Resource, Template } from "../../template/resource.ts";
import { AwsError } from "../protocol.ts";

/** The caller that an access key identifies. */
export interface Caller {
  /** Logical id of the function. */
  name: string;
  /** Logical id of its role. */
  roleId: string;
}

/** A permission that a call requires. */
export interface Need {
  action: string;
  resource: string;
}

/** One action on one resource that a role allows, as its statement has them. */
export interface Right {
  /** Logical id of the role. */
  roleId: string;
  action: string;
  resource: string;
  /** Whether a call needed it since the policies were loaded. */
  isUsed: boolean;
}

interface Statement {
  effect: string;
  actions: string[];
  resources: string[];
}

type Verdict = "allowed" | "denied" | "unmatched";

export interface RoleCheck {
  load(template: Template): void;
  /** Returns the logical id of a role of the template by its ARN. */
  roleIdOf(arn: string): string | undefined;
  /** Returns AWS's message for a denied call, or undefined when the role allows it. */
  refusal(principal: string, roleId: string, need: Need): string | undefined;
  /** @throws AccessDeniedException, which is also logged */
  require(caller: Caller, needs: Need[]): void;
  /** Everything that the roles allow. */
  rights(): Right[];
}

/**
 * Checks calls against the identity policies of the template's roles: actions and
 * resources match exactly or by a trailing `*`. Conditions are ignored, so a
 * statement whose condition is false on AWS applies here.
 */
export function makeRoleCheck(log: (line: string) => void): RoleCheck {
  const statementsOf = new Map<string, Statement[]>();
  const idByArn = new Map<string, string>();
  const used = new Set<string>();

  function verdict(roleId: string, need: Need): Verdict {
    const action = need.action.toLowerCase();
    const matching = (statementsOf.get(roleId) ?? []).flatMap(({ effect, actions, resources }) => {
      const taken = actions.filter((one) => matches(one.toLowerCase(), action));
      if (taken.length === 0) return [];
      const of = resources.filter((one) => matches(one, need.resource));
      return rightsIn({ actions: taken, resources: of }).map((right) => ({ ...right, effect }));
    });
    if (matching.some(({ effect }) => effect === "Deny")) return "denied";
    for (const right of matching) used.add(keyOf(roleId, right));
    return matching.length > 0 ? "allowed" : "unmatched";
  }

  function refusal(principal: string, roleId: string, need: Need): string | undefined {
    const found = verdict(roleId, need);
    if (found === "allowed") return undefined;
    const reason =
      found === "denied"
        ? "with an explicit deny in an identity-based policy"
        : `because no identity-based policy allows the ${need.action} action`;
    return `User: arn:aws:sts::000000000000:assumed-role/${roleId}/${principal} is not authorized to perform: ${need.action} on resource: ${need.resource} ${reason}`;
  }

  return {
    load(template) {
      const roles = template.resources("AWS::IAM::Role");
      const idByName = new Map(roles.map((role) => [nameOf(role), role.logicalId]));
      for (const role of roles) {
        idByArn.set(arnOf(role.type, nameOf(role)), role.logicalId);
        const inline = asArray(role.properties.Policies) as { PolicyDocument: unknown }[];
        statementsOf.set(
          role.logicalId,
          inline.flatMap((policy) => statements(role.logicalId, policy.PolicyDocument)),
        );
      }
      const attached = ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"];
      for (const policy of attached.flatMap((type) => template.resources(type))) {
        const found = statements(policy.logicalId, policy.properties.PolicyDocument);
        for (const name of asArray(policy.properties.Roles)) {
          statementsOf.get(idByName.get(String(name)) ?? "")?.push(...found);
        }
      }
    },
    roleIdOf: (arn) => idByArn.get(arn),
    refusal,
    rights: () =>
      [...statementsOf].flatMap(([roleId, statements]) =>
        statements
          .filter(({ effect }) => effect === "Allow")
          .flatMap(rightsIn)
          .map(({ action, resource }) => ({
            roleId,
            action,
            resource,
            isUsed: used.has(keyOf(roleId, { action, resource })),
          })),
      ),
    require(caller, needs) {
      for (const need of needs) {
        const message = refusal(caller.name, caller.roleId, need);
        if (message === undefined) continue;
        log(message);
        throw new AwsError("AccessDeniedException", message);
      }
    },
  };
}

const rightsIn = ({ actions, resources }: Pick<Statement, "actions" | "resources">) =>
  actions.flatMap((action) => resources.map((resource) => ({ action, resource })));

const keyOf = (roleId: string, { action, resource }: Pick<Right, "action" | "resource">) =>
  `${roleId} ${action} ${resource}`;

function nameOf(resource: Resource): string {
  return physicalName(resource.type, resource.logicalId, resource.properties);
}

function statements(logicalId: string, document: unknown): Statement[] {
  const found = asArray((document as { Statement?: unknown } | undefined)?.Statement);
  return (found as Record<string, unknown>[]).map((statement) => {
    if ("NotAction" in statement || "NotResource" in statement) {
      throw new Error(`${logicalId}: the role check knows neither NotAction nor NotResource`);
    }
    return {
      effect: String(statement.Effect),
      actions: asArray(statement.Action).map(String),
      resources: asArray(statement.Resource).map(String),
    };
  });
}

function matches(pattern: string, value: string): boolean {
  return pattern.endsWith("*") ? value.startsWith(pattern.slice(0, -1)) : pattern === value;
}

function asArray(value: unknown): unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
