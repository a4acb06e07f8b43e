import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildSync } from "esbuild";
import { build } from "../../infra/constructs/bundle.ts";
import { assembleInto, functionNamed } from "../run/assembly.ts";
import { percentile, type Report } from "../run/report.ts";
import type { StubAws } from "./stub-aws.ts";

/** A handler whose CPU time is measured, in a process of its own. */
export interface Side {
  name: string;
  child: ChildProcess;
  /** Of one unit, for each round. */
  microseconds: number[];
  /** AWS calls of one unit. */
  calls: number;
}

/** @param file with the handler */
async function openSide(
  name: string,
  file: string,
  { aws, environment }: { aws: StubAws; environment: Readonly<Record<string, string>> },
): Promise<Side> {
  const child = fork(
    fileURLToPath(new URL("./worker.ts", import.meta.url)),
    [pathToFileURL(file).href],
    {
      // The logs are written, as on Lambda, and not read.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: {
        ...{ AWS_REGION: "us-east-1", AWS_ENDPOINT_URL: aws.url },
        ...{ AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x", AWS_SESSION_TOKEN: "x" },
        ...environment,
      },
    },
  );
  // A handler that fails ends its process, and with it the measurement.
  child.once("exit", (code) => code && process.exit(1));
  await once(child, "message");
  return { name, child, microseconds: [], calls: 0 };
}

/** Bundles a handler like those of the stack. @returns its file */
function bundledLikeOurs(entry: string, directory: string): string {
  return write(build(entry), directory);
}

/** Bundles a handler as is usual: minified, with the SDK's default credential chain. @returns its file */
function usuallyBundled(entry: string, directory: string): string {
  return write(usualFiles(entry), directory);
}

export function usualFiles(entry: string): ReadonlyMap<string, string> {
  const { outputFiles } = buildSync({
    entryPoints: [entry],
    ...{ bundle: true, minify: true, write: false },
    ...{ platform: "node", target: "node24", format: "esm", mainFields: ["module", "main"] },
    // Some packages are CommonJS and require Node's modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return new Map([["handler.js", outputFiles[0]?.text ?? ""]]);
}

function write(files: ReadonlyMap<string, string>, directory: string): string {
  mkdirSync(directory, { recursive: true });
  for (const [file, text] of files) writeFileSync(join(directory, file), text);
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  return join(directory, "handler.js");
}

/** Measures all sides in alternation, after a warm-up, and ends them. */
async function alternate(
  sides: readonly Side[],
  of: {
    aws: StubAws;
    event: object;
    rounds: number;
    /** Invocations of a round. */
    invocations: number;
    /** Webhooks or events of one invocation. */
    unitsPerInvocation: number;
  },
): Promise<void> {
  const { aws, event, rounds, invocations, unitsPerInvocation } = of;
  async function run({ child }: Side, count: number): Promise<number> {
    child.send({ event, count });
    const [ms] = (await once(child, "message")) as [number];
    return (1_000 * ms) / (count * unitsPerInvocation);
  }
  try {
    for (const side of sides) {
      await run(side, 2 * invocations);
      aws.takeCalls();
      await run(side, 10);
      const calls = Object.values(aws.takeCalls()).reduce((sum, count) => sum + count, 0);
      side.calls = calls / (10 * unitsPerInvocation);
    }
    for (let round = 0; round < rounds; round++) {
      // Who is first in one round is last in the next.
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        side.microseconds.push(await run(side, invocations));
      }
    }
  } finally {
    for (const { child } of sides) child.kill();
    aws.close();
  }
}

export const medianOf = ({ microseconds }: Side): number => percentile(microseconds, 0.5);

/** The median of the ratios of each round, in which both were measured one after the other. */
function ratioOf(side: Side, reference: Side): number {
  const ratios = side.microseconds.map(
    (of, round) => of / (reference.microseconds[round] ?? Number.NaN),
  );
  return percentile(ratios, 0.5);
}

function reportSides(report: Report, sides: readonly Side[]): void {
  const [floor] = sides;
  for (const side of sides) {
    const [least, most] = [Math.min(...side.microseconds), Math.max(...side.microseconds)];
    const range = `${least.toFixed(0)} to ${most.toFixed(0)}`;
    const ratio = floor ? `; ${ratioOf(side, floor).toFixed(2)} x ${floor.name}` : "";
    report.figure(
      side.name,
      `${medianOf(side).toFixed(0)} µs (${range})${ratio}; ${side.calls.toFixed(2)} AWS calls`,
    );
  }
}

const samplesOf = (sides: readonly Side[]) =>
  Object.fromEntries(sides.map(({ name, microseconds }) => [`${name}, µs`, microseconds]));

/**
 * Measures a function of the stack beside the handlers `bare` and `common` of its bench, and prints
 * a figure of each.
 *
 * @param of.directory of the bundles and of the stack's assembly
 * @param of.before another commit's assembly, whose function is measured too
 * @returns the function's CPU time of that of `bare` and of `common`, and the samples of all
 */
export async function measureBesideOthers(
  report: Report,
  of: {
    functionName: "ingest" | "consume";
    directory: string;
    before: string | undefined;
    environment: Readonly<Record<string, string>>;
  } & Parameters<typeof alternate>[1],
): Promise<{ ofBare: number; ofCommon: number; samples: Record<string, number[]> }> {
  const { functionName, directory, aws } = of;
  const open = (name: string, file: string, own = {}) =>
    openSide(name, file, { aws, environment: { ...own, ...of.environment } });
  const openFunction = (name: string, from: string) => {
    const { asset, environment } = functionNamed(from, functionName);
    return open(name, join(asset, "index.js"), environment);
  };
  const folder = `bench/${functionName}`;
  const assembly = join(directory, "assembly");
  await assembleInto(assembly);
  const bare = await open(
    "bare",
    bundledLikeOurs(`${folder}/bare-handler.ts`, join(directory, "bare")),
  );
  const common = await open(
    "common",
    usuallyBundled(`${folder}/common-handler.ts`, join(directory, "common")),
  );
  const ours = await openFunction("ours", assembly);
  const before =
    of.before === undefined ? [] : [await openFunction("ours, before", resolve(of.before))];
  const sides = [bare, common, ours, ...before];
  await alternate(sides, of);
  reportSides(report, sides);
  return {
    ofBare: ratioOf(ours, bare),
    ofCommon: ratioOf(ours, common),
    samples: samplesOf(sides),
  };
}
