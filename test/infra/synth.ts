import { Template } from "aws-cdk-lib/assertions";
import { expect } from "vitest";
import { makeApp } from "./make-app.ts";

export { cdkContext, makeApp } from "./make-app.ts";

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
