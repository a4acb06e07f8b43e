import { writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync } from "esbuild";
import { type FunctionName, functionEnv } from "../../shared/contracts/env.ts";
import { withoutDependencies } from "./source-map.ts";

const root = resolve(import.meta.dirname, "../..");

/**
 * The directory that holds the assets of a local run. The source maps name the
 * sources relative to an asset in it, so that a debugger finds the files of the
 * repository. On Lambda the same paths give `/functions/consume/handler.ts`.
 */
const assetsDirectory = ".ackwire/assembly";

/**
 * Enables source maps before it loads the function: Node reads the map of a module
 * when it loads the module. The environment variable `NODE_OPTIONS` would do the
 * same, but is not part of the function's contract.
 */
const entryPoint = `require("node:module").setSourceMapsSupport(true);
module.exports = require("./handler.js");
`;

/**
 * Returns one function's code as a Lambda asset: one CommonJS file that contains
 * everything, the AWS SDK included, so that the same bytes run on Lambda and in
 * the local run; its source map; and an entry point that enables source maps.
 *
 * The asset's hash is the hash of these bytes. All paths in them are relative to
 * the repository, so the hash is the same on every machine and for every output
 * directory.
 */
export function bundle(name: FunctionName): Code {
  return Code.fromAsset(join(root, "functions", name), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // The CDK requires an image in case the local bundler declines; this one never does.
      image: DockerImage.fromRegistry("never-used"),
      local: {
        tryBundle: (directory) => {
          write(name, directory);
          return true;
        },
      },
    },
  });
}

function write(name: FunctionName, directory: string): void {
  const files = {
    "index.js": entryPoint,
    "handler.js": builtText(`${name}/handler.js`),
    "handler.js.map": withoutDependencies(builtText(`${name}/handler.js.map`)),
    // The local run starts the asset below a package.json that has the type "module".
    "package.json": '{"type":"commonjs"}\n',
  };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text);
}

let built: ReadonlyMap<string, string> | undefined;

function builtText(path: string): string {
  built ??= buildAll();
  const text = built.get(path);
  if (text === undefined) throw new Error(`esbuild has not written ${path}`);
  return text;
}

/**
 * Builds all functions at the first call, so that shared files are parsed once. Returns
 * texts by path.
 */
function buildAll(): ReadonlyMap<string, string> {
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: Object.keys(functionEnv).map((name) => ({
      in: `functions/${name}/handler.ts`,
      out: `${name}/handler`,
    })),
    outdir: assetsDirectory,
    write: false,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    // The ES modules of the SDK, which can be tree-shaken.
    mainFields: ["module", "main"],
    // Identifiers and statements stay as written, for stack traces and for local variables in
    // a debugger.
    minifyWhitespace: true,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    logLevel: "warning",
  });
  const outdir = join(root, assetsDirectory);
  return new Map(outputFiles.map(({ path, text }) => [relative(outdir, path), text]));
}
