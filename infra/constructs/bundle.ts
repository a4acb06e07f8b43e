import { writeFileSync } from "node:fs";
import { join, parse, resolve } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync } from "esbuild";
import { type FunctionName, functionEnv } from "../../shared/contracts/env.ts";

const root = resolve(import.meta.dirname, "../..");

/**
 * One function's code as a Lambda asset: one CommonJS file with everything in
 * it, the AWS SDK too, so that the same bytes run on Lambda and on a laptop.
 *
 * The asset's hash is the hash of these bytes. Paths inside are relative to the
 * repository and there are no source maps, so the hash is the same on every
 * machine and for every output directory.
 */
export function bundle(name: FunctionName): Code {
  return Code.fromAsset(join(root, "functions", name), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // The CDK requires an image for when the local bundler declines; ours never does.
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
  built ??= buildAll();
  writeFileSync(join(directory, "index.js"), built[name]);
  // The asset may lie below a package.json that says "module": the local run starts it there.
  writeFileSync(join(directory, "package.json"), '{"type":"commonjs"}\n');
}

let built: Record<FunctionName, Uint8Array> | undefined;

/** All functions are built together, the first time that one is asked for: what they share is parsed once. */
function buildAll(): Record<FunctionName, Uint8Array> {
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: Object.keys(functionEnv).map((name) => ({
      in: `functions/${name}/handler.ts`,
      out: name,
    })),
    outdir: ".",
    write: false,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    // The ES modules of the SDK, which can be tree-shaken.
    mainFields: ["module", "main"],
    minifySyntax: true,
    minifyWhitespace: true,
    // Stack traces keep their function names.
    minifyIdentifiers: false,
    legalComments: "none",
    logLevel: "warning",
  });
  const files = outputFiles.map(({ path, contents }) => [parse(path).name, contents]);
  return Object.fromEntries(files) as Record<FunctionName, Uint8Array>;
}
