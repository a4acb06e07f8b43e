/**
 * Runs the acceptance suite against a local run whose functions run under AWS's own runtime client,
 * `aws-lambda-ric`, in place of ours: the bundles as they are deployed, and our Runtime API. Says
 * why it is skipped where the client cannot be compiled.
 *
 *     npm run test:lambda-ric -- [options of acceptance/run.ts]
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { runCommand } from "../support/processes.ts";

const root = resolve(import.meta.dirname, "../..");
/** Ignored by Git, and kept between runs. */
const directory = join(root, "node_modules/.cache/ackwire-lambda-ric");
const manifest = JSON.stringify({
  private: true,
  dependencies: { "aws-lambda-ric": "4.0.2" },
  // npm asks for this before it runs the script that compiles.
  allowScripts: { "aws-lambda-ric": true },
});
const client = join(directory, "node_modules/aws-lambda-ric/index.mjs");
const installedManifest = join(directory, "package.json");
const compiled = join(directory, "node_modules/aws-lambda-ric/rapid-client.node");

/** @returns why the client cannot be had here; undefined where it can */
async function install(): Promise<string | undefined> {
  const isInstalled = existsSync(compiled) && readFileSync(installedManifest, "utf8") === manifest;
  if (isInstalled) return undefined;
  for (const program of ["cmake", "make", "g++", "python3"]) {
    const { exitCode } = await runCommand(program, ["--version"]);
    if (exitCode !== 0) return `there is no ${program} on this machine, which compiles it`;
  }
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(installedManifest, manifest);
  const { platform, arch } = process;
  const headers = join(root, `node_modules/node/node_modules/node-${platform}-${arch}`);
  console.log("aws-lambda-ric is compiled, which takes minutes");
  const { exitCode, output } = await runCommand("npm", ["install", "--no-audit", "--no-fund"], {
    cwd: directory,
    // The headers of the Node that the scripts run on; they would be downloaded.
    env: { ...process.env, npm_config_nodedir: headers },
  });
  if (exitCode === 0 && existsSync(compiled)) return undefined;
  rmSync(directory, { recursive: true, force: true });
  return `aws-lambda-ric cannot be installed:\n${output.trim().split("\n").slice(-10).join("\n")}`;
}

const missing = await install();
if (missing === undefined) {
  const { exitCode } = await runCommand(
    process.execPath,
    ["acceptance/run.ts", ...process.argv.slice(2)],
    { cwd: root, env: { ...process.env, ACKWIRE_RUNTIME_CLIENT: client }, isShown: true },
  );
  process.exitCode = exitCode;
} else {
  console.log(`lambda-ric: skipped, because ${missing}`);
}
