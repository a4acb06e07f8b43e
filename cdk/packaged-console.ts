import { join } from "node:path";

/**
 * Returns the directory of the console's files in the package. In the package it takes the place of
 * `infra/constructs/console-files.ts`, which builds them.
 */
export function builtConsole(): string {
  return join(import.meta.dirname, "console");
}
