import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";

interface TemplateDocument {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}

/**
 * A copy of the synthesised stack with one thing changed, as a mistake in `infra/` would.
 *
 * @param directory where the copy is made; by default a temporary directory
 */
export function editedAssembly(
  edit: (template: TemplateDocument) => void,
  directory = mkdtempSync(join(tmpdir(), "ackwire-assembly-")),
): string {
  mkdirSync(directory, { recursive: true });
  const assemblyDir = inject("assemblyDir");
  for (const entry of readdirSync(assemblyDir, { withFileTypes: true })) {
    const [original, copy] = [join(assemblyDir, entry.name), join(directory, entry.name)];
    // The code stays the same, and what Node has compiled of it.
    if (entry.isDirectory()) symlinkSync(original, copy);
    else copyFileSync(original, copy);
  }
  const file = join(directory, "ackwire-local.template.json");
  const template = JSON.parse(readFileSync(file, "utf8")) as TemplateDocument;
  const before = JSON.stringify(template);
  edit(template);
  if (JSON.stringify(template) === before) throw new Error("The edit changed nothing");
  writeFileSync(file, JSON.stringify(template));
  return directory;
}

/** Deletes every resource of a type whose logical id begins with this text. */
export function withoutResources(type: string, idPrefix = "") {
  return ({ Resources }: TemplateDocument) => {
    for (const [id, resource] of Object.entries(Resources)) {
      if (resource.Type === type && id.startsWith(idPrefix)) delete Resources[id];
    }
  };
}

/** Takes one action out of every policy whose logical id begins with this text. */
export function withoutGrant(idPrefix: string, action: string) {
  return ({ Resources }: TemplateDocument) => {
    for (const [id, { Type, Properties }] of Object.entries(Resources)) {
      if (Type !== "AWS::IAM::Policy" || !id.startsWith(idPrefix)) continue;
      const document = Properties.PolicyDocument as { Statement: { Action: string | string[] }[] };
      for (const statement of document.Statement) {
        statement.Action = [statement.Action].flat().filter((one) => one !== action);
      }
      document.Statement = document.Statement.filter(({ Action }) => Action.length > 0);
    }
  };
}

/** Takes one variable from a function. */
export function withoutVariable(idPrefix: string, name: string) {
  return ({ Resources }: TemplateDocument) => {
    for (const [id, { Type, Properties }] of Object.entries(Resources)) {
      if (Type !== "AWS::Lambda::Function" || !id.startsWith(idPrefix)) continue;
      delete (Properties.Environment as { Variables: Record<string, unknown> }).Variables[name];
    }
  };
}
