import { Validations } from "aws-cdk-lib";
import { PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";

/**
 * The value of one environment variable together with the permissions that a
 * function needs to use it. A function that gets the one always gets the other.
 */
export interface Binding {
  readonly value: string;
  readonly permissions: readonly Permission[];
}

export interface Permission {
  readonly actions: readonly string[];
  readonly resource: string | readonly string[];
  /** Under which the permission holds: operator, condition key, value. */
  readonly conditions?: Readonly<
    Record<string, Readonly<Record<string, string | readonly string[]>>>
  >;
  /** Findings of cdk-nag that it brings along, where its resources end in a wildcard. */
  readonly acknowledged?: readonly { id: string; reason: string }[];
}

export function grant(role: Role, { permissions }: Binding): void {
  for (const { actions, resource, conditions = {}, acknowledged = [] } of permissions) {
    role.addToPolicy(
      new PolicyStatement({ actions: [...actions], resources: [resource].flat(), conditions }),
    );
    Validations.of(role).acknowledge(...acknowledged);
  }
}
