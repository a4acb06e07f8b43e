import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { expect } from "vitest";
import { AckwireStack } from "../../infra/ackwire-stack.ts";
import { readConfig } from "../../infra/config.ts";

const cdkJson = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8"));

/** One directory for each process: test files in one process share it. */
const directory = mkdtempSync(join(tmpdir(), "ackwire-infra-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));

/** Returns the context that `cdk` passes to the app, feature flags included, with the test's values. */
export function cdkContext(context: Record<string, unknown>): Record<string, unknown> {
  return { ...cdkJson.context, ...context };
}

/** Creates the app as `infra/app.ts` does, with functions that have no code. */
export function makeApp(context: Record<string, unknown> = {}) {
  const unbundled = { "aws:cdk:bundling-stacks": [] };
  const app = new App({
    context: cdkContext({ ...unbundled, ...context }),
    outdir: mkdtempSync(join(directory, "app-")),
  });
  // A test names every value itself: the files of the stages are the users'.
  return {
    app,
    stack: new AckwireStack(
      app,
      readConfig(app.node, () => ({})),
    ),
  };
}

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DeletionPolicy?: string;
  UpdateReplacePolicy?: string;
}

interface SynthesisedTemplate {
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Value: unknown }>;
}

/** Returns the resources and outputs of the synthesised template. */
export function synth(context: Record<string, unknown> = {}) {
  const template = Template.fromStack(makeApp(context).stack);
  const { Resources: resources, Outputs: outputs }: SynthesisedTemplate =
    template.toJSON() as SynthesisedTemplate;
  return { resources, outputs };
}

/** Returns every resource of a type, as `[logical id, resource]`. */
export function all(resources: Record<string, Resource>, type: string): [string, Resource][] {
  return Object.entries(resources).filter(([, { Type }]) => Type === type);
}

/** Matches the name of the alias of the function `Ackwire<Id>`, as an event source mapping has it. */
export function liveAliasOf(id: string): unknown {
  return {
    "Fn::Join": [
      "",
      [
        {
          "Fn::Select": [
            6,
            { "Fn::Split": [":", { Ref: expect.stringMatching(`^Ackwire${id}Live`) }] },
          ],
        },
        ":live",
      ],
    ],
  };
}

/** Returns the only resource of a type whose logical id begins with `idStart`; throws unless there is exactly one. */
export function find(resources: Record<string, Resource>, type: string, idStart = ""): Resource {
  const found = all(resources, type).filter(([id]) => id.startsWith(idStart));
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`${found.length} resources ${type} begin with "${idStart}", not 1`);
  }
  return only[1];
}
