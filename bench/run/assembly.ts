import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { synthesise } from "../../local/run/synthesise.ts";

/** A function of a synthesised stack. */
export interface AssembledFunction {
  name: string;
  /** The directory of its code. */
  asset: string;
  /** Its variables; what only CloudFormation knows, such as a table's name, is `unknown`. */
  environment: Record<string, string>;
}

interface LambdaResource {
  Type: string;
  Properties: {
    Code: { S3Key: string };
    Environment: { Variables: Record<string, unknown> };
  };
}

/** Synthesises the stack as the local run does, into a directory. */
export async function assembleInto(outputDir: string): Promise<void> {
  await synthesise({
    outputDir,
    settings: {},
    clock: { realMs: 0, businessMs: 0, speed: 1 },
    providerUrl: "http://127.0.0.1:1",
    webhookTargets: { ports: [443], allowsLocal: false, refusedPorts: [] },
  });
}

export function functionsOf(assembly: string): AssembledFunction[] {
  const template = readdirSync(assembly).find((file) => file.endsWith(".template.json")) ?? "";
  const { Resources } = JSON.parse(readFileSync(join(assembly, template), "utf8")) as {
    Resources: Record<string, LambdaResource>;
  };
  return Object.entries(Resources)
    .filter(([, { Type }]) => Type === "AWS::Lambda::Function")
    .map(([id, { Properties }]) => ({
      name: id.replace(/^Ackwire|Function\w*$/g, "").toLowerCase(),
      asset: join(assembly, `asset.${Properties.Code.S3Key.replace(".zip", "")}`),
      environment: Object.fromEntries(
        Object.entries(Properties.Environment.Variables).map(([variable, value]) => [
          variable,
          typeof value === "string" ? value : "unknown",
        ]),
      ),
    }));
}

/** @throws Error if the stack has no function of this name */
export function functionNamed(assembly: string, name: string): AssembledFunction {
  const found = functionsOf(assembly).find((one) => one.name === name);
  if (!found) throw new Error(`the stack has no function ${name}`);
  return found;
}
