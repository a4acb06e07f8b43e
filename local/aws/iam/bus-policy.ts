import * as z from "zod/mini";
import { arnOf, busNameOf } from "../../physical-name.ts";
import type { Template } from "../../template/resource.ts";
import { AwsError } from "../protocol.ts";
import type { Caller, RoleCheck } from "./role-check.ts";

const oneOrMore = z.pipe(
  z.union([z.string(), z.array(z.string())]),
  z.transform((value) => [value].flat()),
);

/** The one kind of statement that is evaluated: a denial of `PutEvents`, except to some roles. */
const denial = z.strictObject({
  Sid: z.optional(z.string()),
  Effect: z.literal("Deny"),
  Principal: z.union([z.literal("*"), z.strictObject({ AWS: z.literal("*") })]),
  Action: z.literal("events:PutEvents"),
  Resource: z.string(),
  Condition: z.strictObject({
    "ForAnyValue:StringEquals": z.strictObject({ "events:source": oneOrMore }),
    ArnNotEquals: z.strictObject({ "aws:PrincipalArn": oneOrMore }),
    Null: z.strictObject({ "aws:PrincipalArn": z.literal("false") }),
  }),
});

interface Entry {
  EventBusName?: string;
  Source?: string;
}

export interface BusPolicies {
  /** @throws Error that names a policy with a statement that is not evaluated */
  load(template: Template): void;
  /**
   * Checks a `PutEvents` against the policies of its buses. A caller that is no function has no role.
   *
   * @throws AccessDeniedException, for the whole call
   */
  require(caller: Caller | undefined, input: { Entries?: readonly Entry[] }): void;
}

/** Evaluates the resource policies of event buses. */
export function makeBusPolicies(
  roles: Pick<RoleCheck, "roleIdOf">,
  log: (line: string) => void,
): BusPolicies {
  let denials: z.output<typeof denial>[] = [];

  function denies(one: (typeof denials)[number], caller: Caller | undefined, entry: Entry) {
    const { "ForAnyValue:StringEquals": sources, ArnNotEquals: others } = one.Condition;
    const isOfBus = one.Resource === arnOf("AWS::Events::EventBus", busNameOf(entry.EventBusName));
    const isSource = sources["events:source"].includes(entry.Source ?? "");
    const isExcepted = others["aws:PrincipalArn"].some(
      (arn) => caller !== undefined && roles.roleIdOf(arn) === caller.roleId,
    );
    return isOfBus && isSource && !isExcepted;
  }

  return {
    load(template) {
      denials = template.resources("AWS::Events::EventBusPolicy").map((resource) => {
        const { data, error } = denial.safeParse(resource.properties.Statement);
        if (data) return data;
        throw new Error(`${resource.logicalId}: the local run does not evaluate this statement`, {
          cause: error,
        });
      });
    },
    require(caller, { Entries = [] }) {
      const denied = Entries.find((entry) => denials.some((one) => denies(one, caller, entry)));
      if (!denied) return;
      const who = caller ? `assumed-role/${caller.roleId}/${caller.name}` : "user/local";
      const bus = arnOf("AWS::Events::EventBus", busNameOf(denied.EventBusName));
      const message = `User: arn:aws:sts::000000000000:${who} is not authorized to perform: events:PutEvents on resource: ${bus} with an explicit deny in a resource-based policy`;
      log(message);
      throw new AwsError("AccessDeniedException", message);
    },
  };
}
