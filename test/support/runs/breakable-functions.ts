import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FunctionName } from "../../../shared/contracts/env.ts";

/** What a function that is broken fails with. */
export const BROKEN = "broken on purpose";

/**
 * Lets a test break one function of a run at a time: each invocation of it then fails.
 *
 * @param file where the name of the broken function is kept
 */
export function makeBreakable(file: string) {
  const entryPoint = `
import { readFileSync } from "node:fs";
const { handler: works } = await import("./handler.js");
const readBroken = () => {
  try {
    return readFileSync(${JSON.stringify(file)}, "utf8");
  } catch {
    return undefined;
  }
};
export const handler = async (event, context) => {
  if (process.env.AWS_LAMBDA_FUNCTION_NAME.startsWith(readBroken())) {
    throw new Error(process.env.AWS_LAMBDA_FUNCTION_NAME + " is ${BROKEN}");
  }
  return works(event, context);
};
`;
  return {
    /** Changes the entry point of every function of a synthesised stack. */
    edit(assemblyDir: string): void {
      const entryPoints = globSync(join(assemblyDir, "asset.*/index.js"));
      for (const path of entryPoints) {
        if (!readFileSync(path, "utf8").includes('import("./handler.js")')) {
          throw new Error(`${path} does not load the handler`);
        }
        writeFileSync(path, entryPoint);
      }
      if (entryPoints.length === 0) throw new Error(`${assemblyDir} has no functions`);
    },
    break(name: FunctionName): void {
      writeFileSync(file, idStartOf(name));
    },
    mend(): void {
      rmSync(file, { force: true });
    },
  };
}

/** With what the id and name of a function begins in the local run. */
export function idStartOf(name: FunctionName): string {
  return `Ackwire${name.charAt(0).toUpperCase()}${name.slice(1)}Function`;
}
