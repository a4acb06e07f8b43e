/**
 * Builds the console, unless this very one is built already, and prints the directory of its files.
 *
 *     npm run build:console
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { build } from "vite";

const root = resolve(import.meta.dirname, "..");
const cache = join(root, "node_modules/.cache/ackwire-console");

/** Names the content of everything that a build reads: the console's files and its packages. */
function digestOfSources(): string {
  const digest = createHash("sha256");
  const files = globSync("console/{build.ts,index.html,vite.config.ts,public/**,src/**}", {
    cwd: root,
  });
  for (const file of [...files, "package-lock.json"].sort()) {
    const path = join(root, file);
    if (/\.\w+$/.test(file)) digest.update(`${file}\0`).update(readFileSync(path)).update("\0");
  }
  return digest.digest("hex").slice(0, 16);
}

/** Two processes may build at the same time: each has a directory of its own until it is complete. */
async function buildInto(directory: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const own = mkdtempSync(join(cache, "building-"));
  try {
    await build({
      root: import.meta.dirname,
      configFile: join(import.meta.dirname, "vite.config.ts"),
      logLevel: "error",
      build: { outDir: own, emptyOutDir: true },
    });
    if (!existsSync(directory)) renameSync(own, directory);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Removes what earlier sources made. A server that runs has read its files already. */
function removeOthers(kept: string): void {
  for (const name of readdirSync(cache)) {
    if (name !== kept && !name.startsWith("building-")) {
      rmSync(join(cache, name), { recursive: true, force: true });
    }
  }
}

// Of a process that tests, this one inherits another value, with which React would be its slow build.
process.env.NODE_ENV = "production";

const name = digestOfSources();
const directory = join(cache, name);
if (!existsSync(directory)) {
  await buildInto(directory);
  removeOthers(name);
}
console.log(directory);
