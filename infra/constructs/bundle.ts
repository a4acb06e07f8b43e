import { writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { type BuildOptions, buildSync, type OutputFile } from "esbuild";
import type { FunctionName } from "../../shared/contracts/env.ts";
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
const entryPoint = `import { setSourceMapsSupport } from "node:module";
setSourceMapsSupport(true);
export const { handler } = await import("./handler.js");
`;

/** The files of an asset beside those of `build`, by name. */
export const entryFiles: ReadonlyMap<string, string> = new Map([
  ["index.js", entryPoint],
  ["package.json", '{"type":"module"}\n'],
]);

/**
 * Returns one function's code as a Lambda asset: ES modules that contain everything, the AWS SDK
 * included, so that the same bytes run on Lambda and in the local run; their source maps; and an
 * entry point that enables source maps. What the source imports with `import()` is in modules of
 * its own, which are loaded when they are needed.
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
          for (const [file, text] of bundledFiles(name)) writeFileSync(join(directory, file), text);
          return true;
        },
      },
    },
  });
}

/** Several stacks of one process share the result. */
const bundled = new Map<FunctionName, ReadonlyMap<string, string>>();

/** Returns the texts of one function's asset by file name. */
function bundledFiles(name: FunctionName): ReadonlyMap<string, string> {
  const known = bundled.get(name);
  if (known) return known;
  const files = new Map([...entryFiles, ...build(join("functions", name, "handler.ts"))]);
  bundled.set(name, files);
  return files;
}

/**
 * Builds one entry point as `handler.js` and the modules that it loads later.
 *
 * @param entry relative to the repository
 * @returns texts by file name
 */
export function build(entry: string): ReadonlyMap<string, string> {
  return textsOf(buildSync(buildOptions(entry)).outputFiles);
}

const outdir = join(root, assetsDirectory, "asset");

/** Returns how esbuild builds an entry point, whose path is relative to the repository. */
export function buildOptions(entry: string) {
  return {
    absWorkingDir: root,
    entryPoints: [{ in: entry, out: "handler" }],
    outdir,
    write: false,
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node24",
    format: "esm",
    // The ES modules of the SDK, which can be tree-shaken.
    mainFields: ["module", "main"],
    alias: { "@aws-sdk/credential-provider-node": "./shared/adapters/environment-credentials.ts" },
    // Statements stay as written, for local variables in a debugger. The source maps have the names.
    minifyWhitespace: true,
    minifyIdentifiers: true,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    logLevel: "warning",
  } satisfies BuildOptions;
}

/** Returns the texts of what esbuild built with these options, by file name; maps are of our own files. */
export function textsOf(outputFiles: readonly OutputFile[]): ReadonlyMap<string, string> {
  const texts = new Map(outputFiles.map(({ path, text }) => [relative(outdir, path), text]));
  for (const [file, text] of texts) {
    if (!file.endsWith(".js")) continue;
    const map = withoutDependencies(texts.get(`${file}.map`) ?? "");
    if (map !== undefined) {
      texts.set(`${file}.map`, map);
    } else {
      texts.set(file, text.replace(/\/\/# sourceMappingURL=.*\n$/, ""));
      texts.delete(`${file}.map`);
    }
  }
  return texts;
}
