import { execFileSync } from "node:child_process";
import { resolve } from "node:path";

const buildScript = resolve(import.meta.dirname, "../../console/build.ts");

/** Builds the console, unless it is built already. @returns the directory of its files */
export function builtConsole(): string {
  const output = execFileSync(process.execPath, [buildScript], { encoding: "utf8" });
  return output.trim().split("\n").at(-1) ?? "";
}
