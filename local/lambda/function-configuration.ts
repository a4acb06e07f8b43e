import { realpathSync } from "node:fs";
import * as z from "zod/mini";
import { physicalName } from "../physical-name.ts";
import { readProperties } from "../template/read-properties.ts";
import { arnOfResource, findResource } from "../template/references.ts";
import type { Resource, Template } from "../template/resource.ts";

/** The configuration that the runner needs of an `AWS::Lambda::Function`. */
export interface FunctionConfiguration {
  logicalId: string;
  name: string;
  arn: string;
  /** Logical id of the execution role. */
  roleId: string;
  codeDirectory: string;
  handler: string;
  /** Lambda's identifier, such as `nodejs24.x`. */
  runtime: string;
  timeoutMs: number;
  memoryMiB: number;
  variables: Record<string, string>;
}

/** Tells whether Lambda lets a function invoke itself without end. */
export function allowsRecursion({ properties }: Resource): boolean {
  return properties.RecursiveLoop === "Allow";
}

// CloudFormation's defaults.
const propertiesSchema = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string(),
  MemorySize: z._default(z.coerce.number(), 128),
  Role: z.string(),
  Runtime: z.string().check(z.startsWith("nodejs")),
  Timeout: z._default(z.coerce.number(), 3),
  Environment: z._default(
    z.object({
      Variables: z._default(z.record(z.string(), z.coerce.string()), {}),
    }),
    { Variables: {} },
  ),
});

/**
 * @throws Error for a function that the local run cannot start; the message names
 *   it and the property
 */
export function readFunctions(template: Template): FunctionConfiguration[] {
  return template
    .resources("AWS::Lambda::Function")
    .map((resource) => readFunction(template, resource));
}

function readFunction(template: Template, resource: Resource): FunctionConfiguration {
  const { logicalId } = resource;
  const properties = readProperties(propertiesSchema, resource);
  const role = findResource(template, "AWS::IAM::Role", properties.Role);
  if (!role) throw new Error(`${logicalId} has a role that the template does not define`);
  return {
    logicalId,
    name: physicalName(resource.type, logicalId, resource.properties),
    arn: arnOfResource(resource),
    roleId: role.logicalId,
    codeDirectory: realpathSync(template.assetDirectory(properties.Code.S3Key)),
    handler: properties.Handler,
    runtime: properties.Runtime,
    timeoutMs: properties.Timeout * 1_000,
    memoryMiB: properties.MemorySize,
    variables: properties.Environment.Variables,
  };
}
