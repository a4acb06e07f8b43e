import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseJsonOrUndefined } from "../shared/contracts/json-text.ts";
import { ConfigurationError } from "./configuration-error.ts";

/** The folder of the stage files: `stages/prod.json` is the configuration of the stage `prod`. */
export const stagesDirectory = resolve(import.meta.dirname, "../stages");

/** Stages that need no file, because a deployment with the defaults loses nothing of value. */
const stagesWithoutFile = ["dev", "local"];

/**
 * Reads the configuration of a stage: a JSON object with the names of the CDK context. The key
 * `$schema` is ignored.
 *
 * @param directory the folder of the stage files
 * @throws ConfigurationError when the file is missing, except for `dev` and `local`, or is no JSON
 *   object, or names a stage
 */
export function readStageFile(
  stage: string,
  directory: string = stagesDirectory,
): Record<string, unknown> {
  const name = `stages/${stage}.json`;
  const text = readTextIfExists(join(directory, `${stage}.json`));
  if (text === undefined) {
    if (stagesWithoutFile.includes(stage)) return {};
    throw new ConfigurationError([
      `stage: there is no ${name}; create it with the settings of this stage ({} has every default) and commit it, so that no later deployment forgets them`,
    ]);
  }
  const value = parseJsonOrUndefined(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ConfigurationError([`${name}: must be a JSON object`]);
  }
  const { $schema, ...configuration } = value as Record<string, unknown>;
  if ("stage" in configuration) {
    throw new ConfigurationError([`${name}: stage: the name of the file is the stage; remove it`]);
  }
  return configuration;
}

function readTextIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
