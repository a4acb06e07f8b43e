import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** Starts `local/main.js` in a copy that also has these files, on a Node that loads no TypeScript. */
function startOnOldNode(files: string[]): { status: number | null; stderr: string } {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-old-node-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, "local"));
  for (const file of ["package.json", "local/main.js", "local/require-node.js"]) {
    copyFileSync(join(root, file), join(directory, file));
  }
  for (const file of files) {
    mkdirSync(dirname(join(directory, file)), { recursive: true });
    writeFileSync(join(directory, file), "");
  }
  return spawnSync(
    process.execPath,
    ["--no-experimental-strip-types", join(directory, "local/main.js")],
    { encoding: "utf8" },
  );
}

test.each([
  [
    "to use an npm script when all dependencies are installed",
    ["node_modules/node/bin/node"],
    "npm start",
  ],
  [
    "to rebuild the dependencies when their install scripts did not run",
    ["node_modules/node/package.json"],
    "npm rebuild --ignore-scripts=false",
  ],
  ["to install the dependencies when there are none", [], "Run `npm ci` first"],
])("A start on a Node that is too old fails and advises %s", (_, files, advice) => {
  const { status, stderr } = startOnOldNode(files);
  expect(status).toBe(1);
  expect(stderr).toContain("Ackwire needs Node 24 or newer; this is v");
  expect(stderr).toContain(advice);
  expect(stderr).not.toContain("ERR_");
});
