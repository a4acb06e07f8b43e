import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod/mini";

const manifestSchema = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      properties: z.optional(
        z.object({
          templateFile: z.optional(z.string()),
          stackName: z.optional(z.string()),
          file: z.optional(z.string()),
        }),
      ),
    }),
  ),
});

const assetsSchema = z.object({
  files: z._default(
    z.record(
      z.string(),
      z.object({
        source: z.object({ path: z.optional(z.string()) }),
        destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
      }),
    ),
    {},
  ),
});

const section = <T extends z.core.$ZodType>(value: T) =>
  z._default(z.record(z.string(), value), {});

const templateSchema = z.object({
  Resources: section(
    z.object({
      Type: z.string(),
      Condition: z.optional(z.string()),
      Properties: z._default(z.record(z.string(), z.unknown()), {}),
    }),
  ),
  Parameters: section(z.object({ Default: z.optional(z.unknown()) })),
  Conditions: section(z.unknown()),
  Mappings: section(z.unknown()),
  Outputs: section(z.object({ Value: z.unknown(), Condition: z.optional(z.string()) })),
});

/** A CloudFormation template as synthesised, with unresolved intrinsic functions. */
export type TemplateDocument = z.output<typeof templateSchema>;

export interface Assembly {
  stackName: string;
  document: TemplateDocument;
  /** Absolute path of each asset by its `S3Key`. */
  assets: Map<string, string>;
}

/** @throws Error when the directory is not a cloud assembly, or does not have exactly one stack */
export function readAssembly(assemblyDir: string): Assembly {
  const read = <T extends z.ZodMiniType>(file: string, schema: T): z.output<T> =>
    schema.parse(JSON.parse(readFileSync(join(assemblyDir, file), "utf8")));
  const artifacts = Object.entries(read("manifest.json", manifestSchema).artifacts);
  const stacks = artifacts.filter(([, artifact]) => artifact.type === "aws:cloudformation:stack");
  const [stack, ...others] = stacks;
  const templateFile = stack?.[1].properties?.templateFile;
  if (!stack || others.length > 0 || !templateFile) {
    const names = stacks.map(([id]) => id).join(", ") || "none";
    throw new Error(`${assemblyDir} must hold exactly one stack; it holds: ${names}`);
  }
  const assets = new Map<string, string>();
  for (const [, artifact] of artifacts) {
    if (artifact.type !== "cdk:asset-manifest" || !artifact.properties?.file) continue;
    for (const asset of Object.values(read(artifact.properties.file, assetsSchema).files)) {
      if (asset.source.path === undefined) continue;
      for (const { objectKey } of Object.values(asset.destinations)) {
        assets.set(objectKey, resolve(assemblyDir, asset.source.path));
      }
    }
  }
  return {
    stackName: stack[1].properties?.stackName ?? stack[0],
    document: read(templateFile, templateSchema),
    assets,
  };
}
