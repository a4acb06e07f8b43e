/**
 * Builds the package `@ackwire/cdk` in `cdk/dist`: the construct as one CommonJS module, its type
 * declarations, the functions as they are deployed, and the console.
 *
 *     npm pack --workspace cdk
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { type BuildOptions, build, buildSync, type Metafile, type Plugin } from "esbuild";
import { buildOptions, entryFiles, textsOf } from "../infra/constructs/bundle.ts";
import { builtConsole } from "../infra/constructs/console-files.ts";
import { functionEnv } from "../shared/contracts/env.ts";
import { copyDeclarations } from "./declarations.ts";
import { noticesOf } from "./notices.ts";

const root = resolve(import.meta.dirname, "..");
const dist = join(import.meta.dirname, "dist");

/** The modules that build code and console at synthesis, and those that take their places. */
const packaged: Record<string, string> = {
  "infra/constructs/bundle.ts": "cdk/packaged-functions.ts",
  "infra/constructs/console-files.ts": "cdk/packaged-console.ts",
};

const takesPackaged: Plugin = {
  name: "packaged",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
      const replacement = packaged[relative(root, resolve(resolveDir, path))];
      return replacement === undefined ? undefined : { path: join(root, replacement) };
    }),
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const built = [await buildConstruct(), ...Object.keys(functionEnv).map(buildFunction)];
writeFileSync(join(dist, "NOTICES.txt"), noticesOf(root, built));
cpSync(builtConsole(), join(dist, "console"), { recursive: true });
// They know nothing of zod.
copyDeclarations({
  root,
  project: import.meta.dirname,
  entry: "cdk/index.d.ts",
  to: join(dist, "types"),
  allowed: /^(aws-cdk-lib|constructs)(\/|$)/,
});

/**
 * One module that `require` and `import` can load, as `aws-cdk-lib` itself is.
 */
async function buildConstruct(): Promise<Metafile> {
  const options = {
    absWorkingDir: root,
    entryPoints: ["cdk/index.ts"],
    outfile: join(dist, "index.js"),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    external: ["aws-cdk-lib", "constructs"],
    plugins: [takesPackaged],
    define: { "import.meta.dirname": "__dirname" },
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
  } satisfies BuildOptions;
  const { metafile } = await build(options);
  for (const replaced of Object.keys(packaged)) {
    if (replaced in metafile.inputs) throw new Error(`The package contains ${replaced}`);
  }
  // The package's own type is that of its sources, of which Node runs this file.
  writeFileSync(join(dist, "package.json"), '{"type":"commonjs"}\n');
  return metafile;
}

function buildFunction(name: string): Metafile {
  const directory = join(dist, "functions", name);
  mkdirSync(directory, { recursive: true });
  const result = buildSync({
    ...buildOptions(join("functions", name, "handler.ts")),
    metafile: true,
  });
  const { metafile, outputFiles } = result;
  for (const [file, text] of [...entryFiles, ...textsOf(outputFiles)]) {
    writeFileSync(join(directory, file), text);
  }
  return metafile;
}
