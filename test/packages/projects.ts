import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { closeServer, listen } from "../../local/loopback.ts";
import { root } from "../support/tree.ts";

const execute = promisify(execFile);
const tools = `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`;

/** Long enough for an installation on a busy machine. */
const TIMEOUT_MS = 1_800_000;

/**
 * Runs a program with the Node and the tools of this repository.
 *
 * @throws Error with all that it printed
 */
export async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  // The CDK reports nothing to AWS.
  const env = { ...process.env, PATH: tools, CDK_DISABLE_CLI_TELEMETRY: "true" };
  try {
    const options = { cwd, env, timeout: TIMEOUT_MS, maxBuffer: 64 * 1_048_576 };
    return (await execute(program, args, options)).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(" ")} in ${cwd}:\n${stdout}\n${stderr}`);
  }
}

export interface Packed {
  /** Path of the tarball. */
  tarball: string;
  /** The paths in it, in order. */
  files: readonly string[];
}

/** Packs a package of the workspace, which builds it first. */
export async function pack(workspace: string, to: string): Promise<Packed> {
  const directory = join(root, workspace);
  const printed = await run(directory, "npm", "pack", "--json", "--pack-destination", to);
  // What a build prints comes before.
  const [made] = JSON.parse(printed.slice(printed.indexOf("[\n"))) as [
    { filename: string; files: { path: string }[] },
  ];
  return { tarball: join(to, made.filename), files: made.files.map(({ path }) => path).sort() };
}

/**
 * Checks that npm would publish the tarball, against a registry on loopback that has no package.
 *
 * @returns what npm prints
 */
export async function publishDryRun({ tarball }: Packed): Promise<string> {
  const registry = createServer((_request, response) => response.writeHead(404).end("{}"));
  await listen(registry, 0);
  const { port } = registry.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/`;
  try {
    return await run(
      dirname(tarball),
      "npm",
      ...["publish", tarball, "--dry-run", "--json", "--registry", url],
    );
  } finally {
    await closeServer(registry);
  }
}

/** Writes files of a new project, by their path in it. */
export async function write(project: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(project, path)), { recursive: true });
    await writeFile(join(project, path), text);
  }
}

const quiet = ["--save-exact", "--prefer-offline", "--no-audit", "--no-fund"];

/** Installs packages of the registry and tarballs, from npm's cache where it has them. */
export async function install(project: string, ...packages: string[]): Promise<void> {
  await run(project, "npm", "install", "--ignore-scripts", ...quiet, ...packages);
}

/**
 * Installs a version of Node, whose package gets its binary by a script.
 *
 * @returns the path of the binary
 */
export async function installNode(project: string, version: string): Promise<string> {
  await run(project, "npm", "install", ...quiet, `node@${version}`);
  return join(project, "node_modules/node/bin/node");
}
