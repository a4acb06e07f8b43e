import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { App } from "aws-cdk-lib";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { AckwireStack } from "../infra/ackwire-stack.ts";
import { readConfig } from "../infra/config.ts";
import { localContext } from "../local/run/synthesise.ts";
import { readAssembly } from "../local/template/assembly.ts";
import { functionEnv } from "../shared/contracts/env.ts";
import { functionNameOf, PROVIDER_PLACEHOLDER } from "./run/built-stack.ts";

const root = resolve(import.meta.dirname, "..");

/** The oldest Node that the package declares. */
const TARGET = "node22";

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: TARGET,
  format: "cjs",
  // The ES modules of the SDK, which can be tree-shaken.
  mainFields: ["module", "main"],
  alias: { "@aws-sdk/credential-provider-node": "./shared/adapters/environment-credentials.ts" },
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
} satisfies BuildOptions;

/**
 * Builds a run that needs nothing of this repository: the thread's program, the run with the
 * functions as one module, and the stack.
 *
 * @returns what is in the bundles, with paths relative to the repository
 */
export async function buildRun(directory: string): Promise<Metafile[]> {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "stack.json"), JSON.stringify(builtStack()));
  return Promise.all([buildThread(directory), buildRunModule(directory)]);
}

async function buildThread(directory: string): Promise<Metafile> {
  const { metafile } = await build({
    ...common,
    entryPoints: ["testing/run/thread.ts"],
    outfile: join(directory, "thread.cjs"),
  });
  return metafile;
}

/**
 * The run and all functions as one module, so that they share what they have in common. The module
 * is a function of what Node gives to a module; the parentheses tell V8 to compile it at once.
 */
async function buildRunModule(directory: string): Promise<Metafile> {
  const names = Object.keys(functionEnv);
  const functions = names.map((name) => `${name}: () => require("./functions/${name}/handler.ts")`);
  const contents = `export { startTestRun } from "./testing/run/test-run.ts";
export const functions = { ${functions.join(", ")} };`;
  const { metafile } = await build({
    ...common,
    stdin: { contents, resolveDir: root },
    outfile: join(directory, "run.cjs"),
    plugins: [bundledEmulators, directCalls],
    define: { "import.meta.url": "moduleUrl", "import.meta.dirname": "__dirname" },
    banner: {
      js: `const moduleUrl = require("node:url").pathToFileURL(__filename).href;
module.exports = (function (process, console, require, module) {`,
    },
    footer: { js: "return module.exports; });" },
  });
  return metafile;
}

/** Types of resources that a run of tests needs. */
const neededTypes =
  /^AWS::(DynamoDB::Table|SQS::Queue|SQS::QueuePolicy|S3::Bucket|S3::BucketPolicy|SecretsManager::Secret|Events::\w+|Scheduler::\w+|Lambda::\w+|IAM::\w+|ApiGatewayV2::\w+|Logs::LogGroup|KMS::\w+|SNS::\w+)$/;

/** Returns the stack of the stage `local`, without what only a deployment needs. */
function builtStack(): object {
  const outdir = mkdtempSync(join(tmpdir(), "ackwire-testing-stack-"));
  try {
    const context = localContext({
      outputDir: outdir,
      settings: {},
      clock: { realMs: 0, businessMs: 0, speed: 1 },
      providerUrl: PROVIDER_PLACEHOLDER,
      webhookTargets: { ports: [443, 8_443], allowsLocal: true, refusedPorts: [] },
    });
    const app = new App({
      outdir,
      // Without the code of the functions, which is built apart.
      context: { ...context, alarms: "off", "aws:cdk:bundling-stacks": [] },
      analyticsReporting: false,
    });
    new AckwireStack(app, readConfig(app.node));
    app.synth();
    const { stackName, document } = readAssembly(outdir);
    const resources = Object.entries(document.Resources)
      .filter(([, { Type }]) => neededTypes.test(Type))
      .map(([id, { Type, Condition, Properties }]) => {
        return [
          id,
          {
            Type,
            ...(Condition ? { Condition } : {}),
            Properties: { ...Properties, ...replacedProperties(id)[Type] },
          },
        ];
      });
    return { stackName, document: { ...document, Resources: Object.fromEntries(resources) } };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Returns what a resource has instead, by its type. */
function replacedProperties(logicalId: string): Readonly<Record<string, object>> {
  return {
    "AWS::Lambda::Function": { Code: { S3Key: functionNameOf(logicalId) } },
    // Real time, which a batch of one message would wait for nothing.
    "AWS::Lambda::EventSourceMapping": { MaximumBatchingWindowInSeconds: 0 },
  };
}

/**
 * Puts the emulators' modules into the bundle that they load by name, and leaves out what only a
 * run with a data directory needs.
 */
const bundledEmulators: Plugin = {
  name: "bundled-emulators",
  setup({ onResolve, onLoad }) {
    onLoad({ filter: /[\\/]dynalite-modules\.ts$/ }, () => {
      const modules = globSync("{actions,db,validations}/*.js", {
        cwd: join(root, "node_modules/dynalite"),
      }).filter((path) => !path.endsWith("Parser.js"));
      return lookup("dynaliteModule", modules, {
        nameOf: (path) => path.replace(/\.js$/, ""),
        specifierOf: (path) => `dynalite/${path}`,
      });
    });
    onLoad({ filter: /[\\/]fauxqs-modules\.ts$/ }, () => {
      const cwd = join(root, "node_modules/fauxqs/dist");
      const modules = [
        "app.js",
        "sqs/actions/*.js",
        "sqs/*.js",
        "sns/snsStore.js",
        "s3/s3Store.js",
      ].flatMap((pattern) => globSync(pattern, { cwd }));
      return lookup("fauxqsModule", modules, {
        nameOf: (path) => `./${path}`,
        specifierOf: (path) => join(cwd, path),
      });
    });
    // Stores on disk.
    onResolve({ filter: /^(level|node:sqlite)$/ }, ({ path }) => ({ path, namespace: "left-out" }));
    onLoad({ filter: /.*/, namespace: "left-out" }, () => ({
      contents: "module.exports = { Level: class {}, DatabaseSync: class {} };",
    }));
  },
};

/** Replaces what makes a call of the SDK expensive: the connection and the signature. */
const directCalls: Plugin = {
  name: "direct-calls",
  setup({ onResolve }) {
    const handler = join(root, "testing/run/direct-http-handler.ts");
    onResolve({ filter: /^@smithy\/node-http-handler$/ }, ({ importer }) =>
      importer === handler ? undefined : { path: handler },
    );
    const signature = join(root, "testing/run/unverified-signature.ts");
    onResolve({ filter: /^@smithy\/signature-v4$/ }, ({ importer }) =>
      importer.endsWith("resolveAwsSdkSigV4Config.js") ? { path: signature } : undefined,
    );
  },
};

function lookup(
  name: string,
  paths: readonly string[],
  of: { nameOf(path: string): string; specifierOf(path: string): string },
) {
  const cases = paths.map((path) => {
    const normal = path.replaceAll("\\", "/");
    const specifier = JSON.stringify(of.specifierOf(normal));
    return `${JSON.stringify(of.nameOf(normal))}: () => require(${specifier})`;
  });
  return {
    contents: `const modules = { ${cases.join(",\n")} };
export const ${name} = (path) => modules[path]();`,
    resolveDir: root,
    loader: "js" as const,
  };
}
