import { arnOf, physicalName } from "../physical-name.ts";
import type { Resource, Template } from "./resource.ts";

/**
 * Returns the ARN of a resource.
 *
 * @throws Error for a type whose ARN format is not known here
 */
export function arnOfResource({ type, logicalId, properties }: Resource): string {
  return arnOf(type, physicalName(type, logicalId, properties));
}

/**
 * Returns the resource of this type to which a resolved property refers: by ARN,
 * by name or by logical id.
 */
export function findResource(
  template: Template,
  type: string,
  reference: unknown,
): Resource | undefined {
  return template
    .resources(type)
    .find((resource) =>
      [
        arnOfResource(resource),
        physicalName(type, resource.logicalId, resource.properties),
        resource.logicalId,
      ].includes(String(reference)),
    );
}

/** Returns whether an ARN matches a pattern in which `*` matches any text. */
export function arnMatches(pattern: string, arn: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(arn);
}
