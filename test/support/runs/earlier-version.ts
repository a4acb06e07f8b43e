import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { SynthesisOptions } from "../../../local/run/synthesise.ts";
import { runCommand } from "../processes.ts";
import { root } from "../tree.ts";
import { relaxTimeouts } from "./relax-timeouts.ts";

/** The forms of messages and items that were recorded last. */
const LAST_RECORDING = "test/support/forms/recorded/3.json";

function git(...args: string[]): string {
  const stdio = ["ignore", "pipe", "ignore"] as const;
  return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: [...stdio] }).trim();
}

/**
 * Returns the last commit of the code that wrote other forms of messages and items than today's;
 * `undefined` where the history of the repository is not there.
 */
export function earlierCommit(): string | undefined {
  try {
    const added = git("log", "--diff-filter=A", "--format=%H", "--", LAST_RECORDING);
    return git("rev-parse", `${added}~1`);
  } catch {
    return undefined;
  }
}

/**
 * Synthesises the stack as an earlier commit has it, with functions that print a line when they
 * start. Functions that it does not have are today's.
 *
 * @param of.directory an empty one, for the code and the assembly
 * @returns the directory of the assembly
 */
export async function synthesiseEarlier(
  commit: string,
  of: { directory: string; startLine: string; options: SynthesisOptions },
): Promise<string> {
  const source = join(of.directory, "source");
  const outputDir = join(of.directory, "assembly");
  mkdirSync(source);
  const archive = join(of.directory, "source.tar");
  git("archive", "--output", archive, commit);
  execFileSync("tar", ["xf", archive, "-C", source]);
  symlinkSync(join(root, "node_modules"), join(source, "node_modules"));
  const script = `
    const { synthesise } = await import(${JSON.stringify(join(source, "local/run/synthesise.ts"))});
    await synthesise(${JSON.stringify({ ...of.options, outputDir })});
  `;
  const args = ["--input-type=module", "--eval", script];
  const { exitCode, output } = await runCommand(process.execPath, args, { cwd: source });
  if (exitCode !== 0) throw new Error(`${commit} cannot be synthesised: ${output}`);
  relaxTimeouts(outputDir);
  for (const entry of readdirSync(outputDir).filter((name) => name.startsWith("asset."))) {
    const line = `console.log(${JSON.stringify(of.startLine)});\n`;
    appendFileSync(join(outputDir, entry, "index.js"), line);
  }
  addMissingFunctions(outputDir, of.options.outputDir);
  return outputDir;
}

const templateFile = "ackwire-local.template.json";
const assetsFile = "ackwire-local.assets.json";

/** An update leaves no function out: what an assembly does not have is taken from another one. */
function addMissingFunctions(outputDir: string, from: string): void {
  const read = (directory: string, file: string) =>
    JSON.parse(readFileSync(join(directory, file), "utf8"));
  const [own, others] = [read(outputDir, templateFile), read(from, templateFile)];
  const resources = { ...others.Resources, ...own.Resources };
  writeFileSync(join(outputDir, templateFile), JSON.stringify({ ...own, Resources: resources }));
  const [assets, otherAssets] = [read(outputDir, assetsFile), read(from, assetsFile)];
  const files = { ...otherAssets.files, ...assets.files };
  writeFileSync(join(outputDir, assetsFile), JSON.stringify({ ...assets, files }));
  for (const entry of readdirSync(from).filter((name) => name.startsWith("asset."))) {
    cpSync(join(from, entry), join(outputDir, entry), { recursive: true, force: false });
  }
}
