import { arnOf, physicalName } from "../physical-name.ts";
import type { Resource, Template } from "./resource.ts";

/** A resource's ARN. @throws for a type that has none here */
export function arnOfResource({ type, logicalId, properties }: Resource): string {
  return arnOf(type, physicalName(type, logicalId, properties));
}

/** The resource of this type that a resolved property means: by ARN, by name or by logical id. */
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

/** Whether an ARN fits a pattern in which `*` stands for any text. */
export function arnMatches(pattern: string, arn: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(arn);
}
