import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { constants, Script } from "node:vm";

/** A CommonJS module that is compiled once on this machine, and not once in each thread. */
export interface CompiledModule {
  exports: unknown;
  /** Stores what V8 has compiled so far, for the next thread. Does nothing when that is stored. */
  keep(): void;
}

/**
 * Loads a module with the code that an earlier thread has compiled, functions that were called
 * included: Node's own compile cache has only those that are compiled at once. The code is stored in
 * a folder of the system's temporary directory that belongs to this user alone; where there is none,
 * everything is compiled again.
 */
export function loadCompiled(filename: string): CompiledModule {
  const source = readFileSync(filename, "utf8");
  const stored = storedFile(source);
  const cachedData = stored === undefined ? undefined : readIfPresent(stored);
  const script = new Script(Module.wrap(source), {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const module = { exports: {} as unknown };
  const evaluate = script.runInThisContext() as (...of: unknown[]) => void;
  evaluate(module.exports, createRequire(filename), module, filename, dirname(filename));
  const isStored = cachedData !== undefined && script.cachedDataRejected !== true;
  return {
    exports: module.exports,
    keep() {
      if (stored === undefined || isStored) return;
      const partial = `${stored}.${process.pid}`;
      try {
        writeFileSync(partial, script.createCachedData(), { mode: 0o600 });
        renameSync(partial, stored);
      } catch {
        // A full disk, or one that is read-only: the next thread compiles again.
      }
    },
  };
}

/** @returns the file of what was compiled of this source; undefined where nothing can be stored */
function storedFile(source: string): string | undefined {
  const user = process.getuid?.();
  // Without users, the mode of a folder says nothing about who may write to it.
  if (user === undefined) return undefined;
  const folder = join(tmpdir(), `ackwire-testing-code-${user}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    if (uid !== user || (mode & 0o022) !== 0) return undefined;
  } catch {
    return undefined;
  }
  const hash = createHash("sha256").update(source).digest("hex").slice(0, 32);
  return join(folder, `${hash}-${process.version}-${process.arch}`);
}

function readIfPresent(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
