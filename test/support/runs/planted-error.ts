import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FunctionName } from "../../../shared/contracts/env.ts";
import { lineOf, positionOfLine } from "./source-positions.ts";

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

/** Makes a function throw a TypeError before a statement of a TypeScript file, which is one whole line. */
export function plantTypeError(
  assemblyDir: string,
  {
    functionName,
    file,
    statement,
  }: { functionName: FunctionName; file: string; statement: string },
): void {
  const name = `${functionName.charAt(0).toUpperCase()}${functionName.slice(1)}`;
  const resources = Object.entries(readTemplate(assemblyDir).Resources);
  const [, resource] =
    resources.find(
      ([id, { Type }]) =>
        Type === "AWS::Lambda::Function" && id.startsWith(`Ackwire${name}Function`),
    ) ?? [];
  const { S3Key = "" } = (resource?.Properties.Code ?? {}) as { S3Key?: string };
  const asset = join(assemblyDir, `asset.${S3Key.replace(/\.zip$/, "")}`);
  const line = lineOf(file, statement);
  for (const map of globSync(join(asset, "*.js.map"))) {
    const position = positionOfLine(readFileSync(map, "utf8"), file, line);
    if (!position) continue;
    const script = map.slice(0, -".map".length);
    const lines = readFileSync(script, "utf8").split("\n");
    const text = lines[position.line] ?? "";
    const planted = 'if(true)throw new TypeError("planted",{cause:new RangeError("its cause")});';
    lines[position.line] = text.slice(0, position.column) + planted + text.slice(position.column);
    writeFileSync(script, lines.join("\n"));
    return;
  }
  throw new Error(`${functionName} has no position for ${file}:${line}`);
}
