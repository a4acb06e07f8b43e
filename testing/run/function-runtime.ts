import { AsyncLocalStorage } from "node:async_hooks";
import { Console } from "node:console";
import * as crypto from "node:crypto";
import { createRequire } from "node:module";
import { Writable } from "node:stream";
import { type CompiledModule, loadCompiled } from "./compiled-module.ts";
import type { FunctionRuntime, Handler, World } from "./function-world.ts";
import { makeSeededRandom } from "./seeded-random.ts";
import type { startTestRun } from "./test-run.ts";

/** What `run.cjs` exports once it is evaluated. */
interface RunModule {
  startTestRun: typeof startTestRun;
  functions: Record<string, () => { handler: Handler }>;
}

/**
 * The module with the run and all functions. It is a function of what Node gives to a module, so
 * that it can be evaluated again, and each function has variables and an output of its own.
 */
type MakeRunModule = (
  process: NodeJS.Process,
  console: Console,
  require: NodeJS.Require,
  module: { exports: object },
) => RunModule;

const world = new AsyncLocalStorage<World>();

/** The process as a function on Lambda sees it: its own variables, and its output as log lines. */
const functionProcess: NodeJS.Process = Object.create(process, {
  env: { get: () => world.getStore()?.variables ?? {} },
  stdout: { value: lines() },
  stderr: { value: lines() },
});

const functionConsole = new Console(functionProcess.stdout, functionProcess.stderr);

let seed = 0;
const sources = new Map<string, () => number>();

/**
 * Makes what a run draws repeatable: gaps and delays, and ids, from which gaps are derived too. Keys
 * and secrets are repeatable too, and are valid in this run only.
 */
export function seedRandom(by: number): void {
  seed = by;
  Math.random = () => draw("number");
}

/**
 * Each function has a source of its own for each kind, so that what one draws does not depend on how
 * many another one has drawn: some draws depend on real time, such as those of retried writes.
 */
function draw(kind: string): number {
  const name = `${seed} ${world.getStore()?.name} ${kind}`;
  const source = sources.get(name) ?? makeSeededRandom(name);
  sources.set(name, source);
  return source();
}

const seededBytes = (kind: string, length: number) =>
  Buffer.from(Array.from({ length }, () => draw(kind) * 256));

/** `node:crypto` whose random bytes and UUIDs are those of the seed. Ports are not drawn by them. */
const seededCrypto = {
  ...crypto,
  randomBytes: (length: number) => seededBytes(`${length} bytes`, length),
  randomUUID() {
    const hex = seededBytes("uuid", 16).toString("hex");
    const variant = "89ab"[Number.parseInt(hex.charAt(16), 16) % 4];
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  },
};

function lines(): Writable {
  return new Writable({
    decodeStrings: false,
    write(text, _encoding, done) {
      const { log } = world.getStore() ?? {};
      for (const line of String(text).split("\n")) if (line !== "") log?.(line);
      done();
    },
  });
}

let loaded: CompiledModule | undefined;

/** @param file path of the module with the run and all functions, the same each time */
export function evaluate(
  file: string,
): RunModule & { runtime: FunctionRuntime; keepCompiled(): void } {
  const require = createRequire(file);
  loaded ??= loadCompiled(file);
  const { exports, keep } = loaded;
  const make = exports as MakeRunModule;
  const names: Readonly<Record<string, unknown>> = {
    process: functionProcess,
    "node:process": functionProcess,
    crypto: seededCrypto,
    "node:crypto": seededCrypto,
  };
  const requireFor = Object.assign((name: string) => names[name] ?? require(name), require);
  const evaluated = make(functionProcess, functionConsole, requireFor, { exports: {} });
  return {
    ...evaluated,
    keepCompiled: keep,
    runtime: {
      load(of) {
        const load = evaluated.functions[of.name];
        if (load === undefined) throw new Error(`there is no function ${of.name}`);
        return world.run(of, load).handler;
      },
      run: (of, run) => world.run(of, run),
    },
  };
}
