import { join } from "node:path";
import { Code } from "aws-cdk-lib/aws-lambda";
import type { FunctionName } from "../shared/contracts/env.ts";

/**
 * Returns the code of a function as the package has it. In the package it takes the place of
 * `infra/constructs/bundle.ts`, which bundles the sources of the repository.
 */
export function bundle(name: FunctionName): Code {
  return Code.fromAsset(join(import.meta.dirname, "functions", name));
}
