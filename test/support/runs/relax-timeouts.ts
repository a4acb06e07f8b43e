import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Real seconds. Each is shorter than the leases of the function's work. */
const timeouts = { Ingest: 30, Api: 30, Consume: 25 };

/** Real milliseconds: the longest that the function takes. */
const INGEST_DEADLINE_MS = 10_000;

/** Real milliseconds in which a collector must have taken spans. */
const EXPORT_TIMEOUT_MS = 10_000;

interface LambdaFunction {
  Type: string;
  Properties: { Timeout: number; Environment?: { Variables: Record<string, unknown> } };
}

/**
 * Makes the timeouts of a synthesised stack longer, so that a busy machine does
 * not reach them where nothing is wrong. Tests of the timeouts themselves set
 * their own; `test/infra` checks the deployed ones.
 */
export function relaxTimeouts(assemblyDir: string): void {
  const file = join(assemblyDir, "ackwire-local.template.json");
  const template = JSON.parse(readFileSync(file, "utf8")) as {
    Resources: Record<string, LambdaFunction>;
  };
  for (const [name, seconds] of Object.entries(timeouts)) {
    const [, found] =
      Object.entries(template.Resources).find(
        ([id, { Type }]) =>
          Type === "AWS::Lambda::Function" && id.startsWith(`Ackwire${name}Function`),
      ) ?? [];
    if (!found) throw new Error(`The stack has no function ${name}`);
    found.Properties.Timeout = seconds;
    const variables = found.Properties.Environment?.Variables ?? {};
    const settings = JSON.parse(String(variables.SETTINGS)) as object;
    variables.SETTINGS = JSON.stringify({ ...settings, inboundDeadlineMs: INGEST_DEADLINE_MS });
  }
  for (const { Type, Properties } of Object.values(template.Resources)) {
    if (Type !== "AWS::Lambda::Function" || !Properties.Environment) continue;
    const variables = Properties.Environment.Variables;
    // Earlier versions of the stack have none.
    if (variables.TRACING === undefined) continue;
    const tracing = JSON.parse(String(variables.TRACING)) as object;
    variables.TRACING = JSON.stringify({ ...tracing, timeoutMs: EXPORT_TIMEOUT_MS });
  }
  writeFileSync(file, JSON.stringify(template));
}
