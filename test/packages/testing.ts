import assert from "node:assert/strict";
import { cpSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { root, textOf } from "../support/tree.ts";
import { install, installNode, type Packed, run, write } from "./projects.ts";

/** What is in the tarball of the testing package. */
const testingFiles = [
  "LICENSE",
  "README.md",
  "dist/NOTICES.txt",
  "dist/index.cjs",
  "dist/index.d.cts",
  "dist/index.js",
  "dist/run/package.json",
  "dist/run/run.cjs",
  "dist/run/stack.json",
  "dist/run/thread.cjs",
  "dist/types/infra/ackwire-settings.d.ts",
  "dist/types/testing/index.d.ts",
  "dist/types/testing/script.d.ts",
  "dist/types/testing/test-ackwire.d.ts",
  "package.json",
];

/** The version of Jest with which the package is tried. */
const JEST = "jest@30.5.2";

export function checkTestingTarball({ files }: Packed): void {
  assert.deepEqual(files, testingFiles);
}

/**
 * A project with the suites of the examples, each under its test runner: with the Node of this
 * repository, and with the oldest one that the package declares.
 */
export async function tryTesting(
  project: string,
  {
    client,
    testing,
    pinned,
  }: { client: Packed; testing: Packed; pinned: (name: string) => string },
): Promise<void> {
  await mkdir(project);
  await write(project, { "package.json": '{"private":true}', "strict.cts": commonJsTypes });
  const runners = [pinned("vitest"), pinned("@types/node"), JEST];
  await install(project, client.tarball, testing.tarball, ...runners);
  const scopes = readdirSync(join(project, "node_modules/@ackwire")).sort();
  assert.deepEqual(scopes, ["client", "testing"]);
  for (const name of ["testing-vitest", "testing-node", "testing-jest"]) {
    cpSync(join(root, "examples", name), join(project, name), { recursive: true });
  }
  await run(project, "tsc", "--noEmit", "-p", "testing-vitest");
  const module = ["--module", "nodenext", "--target", "es2022", "--types", "node"];
  await run(project, "tsc", "--ignoreConfig", "--noEmit", "--strict", ...module, "strict.cts");

  await write(project, { "readme.mjs": readmeCode() });
  assert.match(await run(project, "node", "readme.mjs"), /2027-01-11T09:00:00.000Z.*completed/s);

  const { engines } = JSON.parse(textOf("testing/package.json")) as { engines: { node: string } };
  const oldest = `${engines.node.replace(">=", "")}.0`;
  const nodes = { "24": "node", [oldest]: await installNode(project, oldest) };
  for (const [version, node] of Object.entries(nodes)) {
    const vitest = join(project, "node_modules/vitest/vitest.mjs");
    await run(join(project, "testing-vitest"), node, vitest, "run");
    await run(join(project, "testing-node"), node, "--test");
    const jest = join(project, "node_modules/jest/bin/jest.js");
    await run(join(project, "testing-jest"), node, jest, "--rootDir", ".");
    console.log(
      `@ackwire/testing: the examples pass in vitest, node:test and jest, Node ${version}`,
    );
  }
}

/** The code at the beginning of the package's README. */
function readmeCode(): string {
  const [, code = ""] = /```ts\n(.*?)```/s.exec(textOf("testing/README.md")) ?? [];
  return code;
}

/** What the declarations must accept in a CommonJS module, and must not. */
const commonJsTypes = `
import { start, type Received, type TestAckwire } from "@ackwire/testing";

export async function use(): Promise<readonly Received[]> {
  await using ackwire: TestAckwire = await start({ at: new Date(), settings: { paceMinSeconds: 0 } });
  await ackwire.provider.will({ on: "submission", times: 1, status: 400, body: {} });
  // @ts-expect-error there is no such call
  await ackwire.provider.will({ on: "never" });
  // @ts-expect-error a setting is a number
  await start({ settings: { paceMinSeconds: "soon" } });
  return ackwire.received();
}
`;
