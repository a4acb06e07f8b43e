/**
 * Packs the packages, checks what is in the tarballs, installs them into new projects, and uses
 * them there as their users do.
 *
 *     npm run test:packages
 */
import assert from "node:assert/strict";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { functionEnv } from "../../shared/contracts/env.ts";
import { root, textOf } from "../support/tree.ts";
import { cdkApp, ownTypes, required } from "./programs.ts";
import { install, type Packed, pack, publishDryRun, run, write } from "./projects.ts";
import { checkTestingTarball, tryTesting } from "./testing.ts";

interface Manifest {
  version: string;
  dependencies?: Record<string, string>;
  devDependencies: Record<string, string>;
}

const manifest = JSON.parse(textOf("package.json")) as Manifest;
const functionNames = Object.keys(functionEnv);

/** The version of a package that this repository is tested with. */
const pinned = (name: string) => `${name}@${manifest.devDependencies[name]}`;

/** What is in the tarball of the CDK package, apart from names that contain a hash. */
const cdkFiles = [
  "LICENSE",
  "README.md",
  "dist/NOTICES.txt",
  "dist/index.js",
  "dist/package.json",
  "dist/types/cdk/index.d.ts",
  "dist/types/infra/ackwire-props.d.ts",
  "dist/types/infra/ackwire-settings.d.ts",
  "dist/types/infra/configuration-error.d.ts",
  "dist/types/infra/constructs/ackwire.d.ts",
  "package.json",
];

const hashed = [
  /^dist\/functions\/\w+\/[\w-]+-[A-Z0-9]{8}\.js(\.map)?$/,
  /^dist\/console\/assets\/[\w.-]+\.(js|css|svg|woff2)$/,
];

function checkTarballs(cdk: Packed, client: Packed): void {
  const named = functionNames.flatMap((name) =>
    ["handler.js", "handler.js.map", "index.js", "package.json"].map(
      (file) => `dist/functions/${name}/${file}`,
    ),
  );
  const others = cdk.files.filter((file) => !hashed.some((pattern) => pattern.test(file)));
  const pages = ["dist/console/icon.svg", "dist/console/index.html"];
  assert.deepEqual(others, [...cdkFiles, ...named, ...pages].sort());
  const modules = globSync("*.ts", { cwd: join(root, "client") });
  const compiled = modules.flatMap((file) => [
    `dist/${file.replace(/\.ts$/, ".d.ts")}`,
    `dist/${file.replace(/\.ts$/, ".js")}`,
  ]);
  assert.deepEqual(client.files, [...compiled, "LICENSE", "README.md", "package.json"].sort());
}

function checkManifests(): void {
  for (const name of ["client", "cdk", "testing"]) {
    const { version, dependencies = {} } = JSON.parse(textOf(`${name}/package.json`)) as Manifest;
    assert.equal(version, manifest.version, `The version of ${name}`);
    for (const [of, needed] of Object.entries(dependencies)) {
      assert.equal(needed, manifest.version, `The version of ${of} that ${name} needs`);
    }
    assert.equal(textOf(`${name}/LICENSE`), textOf("LICENSE"));
  }
}

interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, unknown>;
}

/** A synthesised app has both constructs, each function with its code, and no name twice. */
function checkAssembly(directory: string): void {
  const template = JSON.parse(readFileSync(join(directory, "Shop.template.json"), "utf8"));
  const { Resources, Outputs } = template as Template;
  const ofType = (type: string) => Object.values(Resources).filter(({ Type }) => Type === type);
  assert.equal(ofType("AWS::Lambda::Function").length, 2 * functionNames.length);
  assert.equal(globSync("asset.*/handler.js", { cwd: directory }).length, functionNames.length);
  const alarms = ofType("AWS::CloudWatch::Alarm").map(({ Properties }) => Properties.AlarmName);
  assert.ok(alarms.length > 30);
  assert.equal(new Set(alarms).size, alarms.length);
  assert.ok("OrdersApiUrl" in Outputs && "ReturnsApiUrl" in Outputs);
}

/** An app that `cdk init` generates, compiled under its own options and synthesised. */
async function tryGeneratedApp(project: string, { tarball }: Packed): Promise<void> {
  await mkdir(project);
  const init = ["init", "app", "--language", "typescript", "--generate-only", "--no-notices"];
  await run(project, "cdk", ...init);
  // Its own dependencies, without the test runner and the command, which synthesis does not need.
  await write(project, { "package.json": '{"private":true}' });
  const peers = ["aws-cdk-lib", "constructs"].map(pinned);
  await install(project, tarball, ...peers, pinned("@types/node"));
  assert.ok(!existsSync(join(project, "node_modules/esbuild")), "Nothing is bundled by the user");
  await write(project, {
    "bin/shop.ts": cdkApp,
    // Its tests are no part of the app.
    "tsconfig.app.json": '{"extends":"./tsconfig.json","include":["bin"]}',
  });
  const how = ["--noEmit", "false", "--rootDir", "bin", "--outDir", "out", "--types", "node"];
  await run(project, "tsc", "-p", "tsconfig.app.json", ...how);
  await synthesise(project, "out/shop.js");
  // `import` of an ES module, without a compiler.
  await write(project, { "shop.mjs": cdkApp });
  await synthesise(project, "shop.mjs");
  await write(project, { "required.cjs": required });
  assert.equal((await run(project, "node", "required.cjs")).trim(), "function");
  // What the declarations accept and refuse, under options that are stricter than those of the app.
  await write(project, { "types.ts": ownTypes });
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"];
  const module = ["--module", "nodenext", "--target", "es2022", "--types", "node"];
  const alone = ["--ignoreConfig", "--noEmit", "--skipLibCheck", "types.ts"];
  await run(project, "tsc", ...strict, ...module, ...alone);
}

async function synthesise(project: string, app: string): Promise<void> {
  const output = join(project, "cdk.out");
  rmSync(output, { recursive: true, force: true });
  await run(project, "node", app);
  checkAssembly(output);
}

const folder = mkdtempSync(join(tmpdir(), "ackwire-packages-"));
try {
  checkManifests();
  const cdk = await pack("cdk", folder);
  const client = await pack("client", folder);
  const testing = await pack("testing", folder);
  checkTarballs(cdk, client);
  checkTestingTarball(testing);
  for (const packed of [cdk, client, testing])
    assert.match(await publishDryRun(packed), /"@ackwire\//);
  console.log("The tarballs have the files that they should have, and can be published");
  await tryGeneratedApp(join(folder, "shop"), cdk);
  console.log("@ackwire/cdk: an app of cdk init compiles and synthesises two constructs");
  await tryTesting(join(folder, "testing"), { client, testing, pinned });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
