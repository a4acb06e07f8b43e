import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FunctionName } from "../../../shared/contracts/env.ts";

interface TemplateResource {
  Type: string;
  Properties: Record<string, unknown>;
}

export interface LocalTemplate {
  Resources: Record<string, TemplateResource>;
}

const templateFile = (assemblyDir: string) => join(assemblyDir, "ackwire-local.template.json");

export function readTemplate(assemblyDir: string): LocalTemplate {
  return JSON.parse(readFileSync(templateFile(assemblyDir), "utf8")) as LocalTemplate;
}

export function writeTemplate(assemblyDir: string, template: LocalTemplate): void {
  writeFileSync(templateFile(assemblyDir), JSON.stringify(template));
}

/** Makes a function throw a TypeError where its bundle has `opening`, which must end a block's brace. */
export function plantTypeError(
  assemblyDir: string,
  { functionName, opening }: { functionName: FunctionName; opening: RegExp },
): void {
  const name = `${functionName.charAt(0).toUpperCase()}${functionName.slice(1)}`;
  const resources = Object.entries(readTemplate(assemblyDir).Resources);
  const [, resource] =
    resources.find(
      ([id, { Type }]) =>
        Type === "AWS::Lambda::Function" && id.startsWith(`Ackwire${name}Function`),
    ) ?? [];
  const { S3Key = "" } = (resource?.Properties.Code ?? {}) as { S3Key?: string };
  const file = join(assemblyDir, `asset.${S3Key.replace(/\.zip$/, "")}`, "handler.js");
  const code = readFileSync(file, "utf8");
  const count = [...code.matchAll(new RegExp(opening, "g"))].length;
  if (count !== 1) throw new Error(`${functionName} has ${count} places like ${opening}, not 1`);
  const planted = code.replace(
    opening,
    '$&if(true)throw new TypeError("planted",{cause:new RangeError("its cause")});',
  );
  writeFileSync(file, planted);
}
