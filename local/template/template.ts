import { assertKnownTypes } from "../aws/known-types.ts";
import { readAssembly } from "./assembly.ts";
import { makeResolver } from "./intrinsics.ts";

export { checkWiring } from "./wiring.ts";

/** One resource of the synthesised template, its properties with every intrinsic function resolved. */
export interface Resource {
  logicalId: string;
  type: string;
  properties: Record<string, unknown>;
}

export interface Template {
  /** Every resource of one CloudFormation type, in the template's order. */
  resources(type: string): Resource[];
  /** @throws when there is none; the message names the logical id */
  resource(logicalId: string): Resource;
  /** The stack's outputs, resolved, by their key. */
  outputs: Record<string, string>;
  /** Absolute path of the directory that holds an asset of the template (`S3Key` of its code). */
  assetDirectory(s3Key: string): string;
}

/**
 * Reads the one stack of a cloud assembly (`cdk.out`) as it would be deployed
 * here: queues have URLs below `awsUrl`, the HTTP API's endpoint is `apiUrl`.
 *
 * @throws when a reference cannot be resolved (the message names the logical id
 *   and the path of the property), or when the assembly has not exactly one stack
 */
export function loadTemplate(options: {
  assemblyDir: string;
  awsUrl: string;
  apiUrl: string;
}): Template {
  const { stackName, document, assets } = readAssembly(options.assemblyDir);
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
