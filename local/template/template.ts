import { assertKnownTypes } from "../aws/known-types.ts";
import { type Assembly, readAssembly } from "./assembly.ts";
import { makeResolver } from "./intrinsics.ts";
import type { Template } from "./resource.ts";

/**
 * Loads the one stack of a cloud assembly (`cdk.out`) with the addresses of the
 * local run: queue URLs begin with `awsUrl`, the endpoint of the HTTP API is
 * `apiUrl`.
 *
 * @throws Error when a reference cannot be resolved (the message names the
 *   logical id and the path of the property), or when the assembly does not have
 *   exactly one stack
 */
export function loadTemplate(options: {
  assemblyDir: string;
  awsUrl: string;
  apiUrl: string;
}): Template {
  return templateOf(readAssembly(options.assemblyDir), options);
}

/**
 * Resolves the references of an assembly that has been read.
 *
 * @throws Error when a reference cannot be resolved
 */
export function templateOf(
  { stackName, document, assets }: Assembly,
  options: { awsUrl: string; apiUrl: string },
): Template {
  const resolver = makeResolver({
    document,
    stackName,
    awsUrl: options.awsUrl,
    apiUrl: options.apiUrl,
  });
  assertKnownTypes(resolver.resources());
  const byId = new Map(resolver.resources().map((resource) => [resource.logicalId, resource]));
  return {
    resources: (type) => [...byId.values()].filter((resource) => resource.type === type),
    resource: (logicalId) => {
      const found = byId.get(logicalId);
      if (!found) throw new Error(`the template of ${stackName} has no resource "${logicalId}"`);
      return found;
    },
    outputs: resolver.outputs(),
    assetDirectory: (s3Key) => {
      const directory = assets.get(s3Key);
      if (!directory) throw new Error(`the assembly has no asset "${s3Key}"`);
      return directory;
    },
  };
}
