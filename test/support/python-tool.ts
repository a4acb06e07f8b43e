import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { runCommand } from "./processes.ts";

/** The directory of the programs of a tool that `installPythonTool` has installed. */
export const programsOf = (tool: string): string => join(venvOf(tool), "bin");

/** Ignored by Git, and kept between runs. */
const venvOf = (tool: string): string =>
  resolve(import.meta.dirname, `../../node_modules/.cache/ackwire-${tool}`);

/**
 * Installs a tool of PyPI into a virtual environment, unless it is there already.
 *
 * @param requirements the file with its pinned version
 * @param venv the virtual environment; by default one of the tool that is kept between runs
 * @returns why it cannot be installed here; undefined where it is
 */
export async function installPythonTool(
  tool: string,
  requirements: string,
  venv: string = venvOf(tool),
): Promise<string | undefined> {
  const installed = join(venv, "installed.txt");
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(installed) && readFileSync(installed, "utf8") === wanted) return undefined;
  rmSync(venv, { recursive: true, force: true });
  const isNew = "import sys; assert sys.version_info >= (3, 10)";
  const steps: [reason: string, command: string, args: string[]][] = [
    ["there is no Python 3.10 or newer", "python3", ["-c", isNew]],
    ["Python cannot make a virtual environment", "python3", ["-m", "venv", venv]],
    [
      `${tool} cannot be installed from PyPI`,
      join(venv, "bin/python"),
      ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements],
    ],
  ];
  for (const [reason, command, args] of steps) {
    const { exitCode, output } = await runCommand(command, args);
    if (exitCode !== 0) return `${reason}: ${output.trim().split("\n").at(-1) ?? ""}`;
  }
  writeFileSync(installed, wanted);
  return undefined;
}
