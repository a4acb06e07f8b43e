import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { inject } from "vitest";
import { AckwireStack } from "../../../infra/ackwire-stack.ts";
import { readConfig } from "../../../infra/config.ts";
import { localContext, type SynthesisOptions } from "../../../local/run/synthesise.ts";
import { relaxTimeouts } from "./relax-timeouts.ts";

const template = "ackwire-local.template.json";
const assets = "ackwire-local.assets.json";

interface Resources {
  Resources: Record<string, { Type: string; Properties: { Code?: unknown } }>;
}

/**
 * Synthesises the stack in this process, with relaxed timeouts and the functions' code of
 * the tests' common assembly. `npm start` synthesises in a process of its own, which loads
 * the CDK and bundles the functions each time.
 */
export async function synthesiseHere(
  options: SynthesisOptions,
  edit?: (assemblyDir: string) => void,
): Promise<void> {
  const { outputDir } = options;
  const unbundled = { "aws:cdk:bundling-stacks": [] };
  const app = new App({
    outdir: outputDir,
    context: { ...localContext(options), ...unbundled },
    analyticsReporting: false,
  });
  new AckwireStack(app, readConfig(app.node));
  app.synth();
  takeCode(outputDir, inject("assemblyDir"));
  relaxTimeouts(outputDir);
  edit?.(outputDir);
}

/** Replaces the code of every function with that of another assembly of the same stack. */
function takeCode(assemblyDir: string, from: string): void {
  const read = (directory: string) =>
    JSON.parse(readFileSync(join(directory, template), "utf8")) as Resources;
  const [own, bundled] = [read(assemblyDir), read(from)];
  for (const [id, { Type, Properties }] of Object.entries(own.Resources)) {
    if (Type === "AWS::Lambda::Function") Properties.Code = bundled.Resources[id]?.Properties.Code;
  }
  writeFileSync(join(assemblyDir, template), JSON.stringify(own));
  copyFileSync(join(from, assets), join(assemblyDir, assets));
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    cpSync(join(from, entry.name), join(assemblyDir, entry.name), { recursive: true });
  }
}
