import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";

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
  readonly resource: string;
}

export function grant(grantee: IGrantable, { permissions }: Binding): void {
  for (const { actions, resource } of permissions) {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: [...actions], resources: [resource] }),
    );
  }
}
