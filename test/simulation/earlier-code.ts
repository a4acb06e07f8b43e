import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../support/tree.ts";
import type { ColdStarts } from "./functions.ts";

const functionNames = ["api", "consume", "deliver", "ingest", "reconcile", "submit"];

/** Of the repository: Git ignores it, and its files find the dependencies of the repository. */
const FOLDER = "test-results/earlier-code";

/**
 * Writes the product's source as a commit has it, once. `hooks.ts` treats it like today's.
 *
 * @returns its directory
 */
export function extractEarlierCode(commit: string): string {
  const id = execFileSync("git", ["rev-parse", `${commit}^{commit}`], { cwd: root }).toString();
  // The name has a digest of this file, which writes a part of what is there.
  const digest = createHash("sha256")
    .update(readFileSync(import.meta.filename))
    .digest("hex");
  const directory = join(root, FOLDER, `${id.trim()}-${digest.slice(0, 8)}`);
  if (existsSync(directory)) return directory;
  const own = `${directory}-${process.pid}`;
  try {
    write(id.trim(), own);
    renameSync(own, directory);
  } catch (error) {
    // Another process has written it meanwhile.
    if (!existsSync(directory)) throw error;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
  return directory;
}

function write(commit: string, own: string): void {
  mkdirSync(own, { recursive: true });
  const archive = execFileSync("git", ["archive", commit, "shared", "functions"], {
    cwd: root,
    maxBuffer: 1024 ** 3,
  });
  execFileSync("tar", ["x", "-C", own], { input: archive });
  for (const name of functionNames) {
    const made = join(own, "functions", name, "make-handler.ts");
    if (existsSync(made)) continue;
    const handler = readFileSync(join(own, "functions", name, "handler.ts"), "utf8");
    writeFileSync(made, asFunction(handler));
  }
}

/** Makes a function of a module that reads its environment when it is loaded, so that it can be made often. */
function asFunction(handler: string): string {
  const parts = /^(.*?)^const env = readEnvironment\(.*?;\nconst telemetry = .*?;\n(.*)$/ms.exec(
    handler,
  );
  const [, imports, body] = parts ?? [];
  if (imports === undefined || body === undefined) throw new Error("cannot read handler.ts");
  const made = body.replace(/^export const handler = /m, "return ");
  return `${imports}export function makeHandler(env, telemetry) {\n${made}}\n`;
}

/** Loads the functions of another version of the code. Product modules must be simulated by now. */
export async function earlierColdStarts(directory: string): Promise<ColdStarts> {
  const made = functionNames.map(async (name) => {
    const url = pathToFileURL(join(directory, "functions", name, "make-handler.ts"));
    const { makeHandler } = await import(url.href);
    return [name, makeHandler];
  });
  return Object.fromEntries(await Promise.all(made));
}
