/**
 * Builds the package `@ackwire/testing` in `testing/dist`: its entry point as an ES module and as a
 * CommonJS module, its type declarations, and the run that it starts.
 *
 *     npm pack --workspace testing
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { copyDeclarations } from "../cdk/declarations.ts";
import { noticesOf } from "../cdk/notices.ts";
import { buildRun } from "./build-run.ts";

const root = resolve(import.meta.dirname, "..");
const dist = join(import.meta.dirname, "dist");

const client = "@ackwire/client";

const entry = {
  absWorkingDir: root,
  entryPoints: ["testing/index.ts"],
  bundle: true,
  platform: "node",
  target: "node22",
  legalComments: "none",
  logLevel: "warning",
} satisfies BuildOptions;

/** The module that builds the run from the sources, and the one that takes its place. */
const packaged: Plugin = {
  name: "packaged",
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/run-files\.ts$/ }, () => ({
      path: join(root, "testing/packaged-run-files.ts"),
    })),
};

/** An ES module has the client of its user, so that both know the same classes. */
const clientOfUser: Plugin = {
  name: "client-of-user",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\./ }, ({ path, resolveDir }) =>
      relative(root, resolve(resolveDir, path)) === join("client", "index.ts")
        ? { path: client, external: true }
        : undefined,
    ),
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const bundles = await buildRun(join(dist, "run"));
await build({
  ...entry,
  format: "esm",
  outfile: join(dist, "index.js"),
  plugins: [packaged, clientOfUser],
});
// Test runners that load CommonJS cannot load the client, which is an ES module: this one has it.
await build({
  ...entry,
  format: "cjs",
  outfile: join(dist, "index.cjs"),
  plugins: [packaged],
  define: { "import.meta.dirname": "__dirname" },
});
// The package's own type is that of its sources, of which Node runs this file.
writeFileSync(join(dist, "run/package.json"), '{"type":"commonjs"}\n');
writeFileSync(join(dist, "NOTICES.txt"), noticesOf(root, bundles));
copyDeclarations({
  root,
  project: import.meta.dirname,
  entry: "testing/index.d.ts",
  to: join(dist, "types"),
  replaced: { "client/index.ts": client },
  allowed: /^@ackwire\/client$/,
});
const types = ["Received", "Script", "ScriptBody", "ScriptMatch"];
types.push("StartOptions", "Submission", "TestAckwire");
writeFileSync(
  join(dist, "index.d.cts"),
  `import type * as esm from "./types/testing/index.js" with { "resolution-mode": "import" };

export declare const start: typeof esm.start;
${types.map((name) => `export type ${name} = esm.${name};`).join("\n")}
`,
);
