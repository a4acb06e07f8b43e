import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const buildScript = fileURLToPath(new URL("../../console/build.ts", import.meta.url));

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface ConsoleFile {
  bytes: Buffer;
  contentType: string;
  /** Its name changes with its content. */
  isImmutable: boolean;
}

/** A build takes some seconds; after this time it is considered hung. */
const BUILD_TIMEOUT_MS = 300_000;

/**
 * Builds the console, unless it is built already, and reads its files.
 *
 * @returns the files by their path, such as `/index.html`
 * @throws Error with the output of the build
 */
export async function buildConsole(): Promise<ReadonlyMap<string, ConsoleFile>> {
  const { stdout } = await promisify(execFile)(process.execPath, [buildScript], {
    timeout: BUILD_TIMEOUT_MS,
  });
  const directory = stdout.trim().split("\n").at(-1) ?? "";
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(directory.length));
  return new Map(
    names.map((path) => [
      path.replaceAll("\\", "/"),
      {
        bytes: readFileSync(join(directory, path)),
        contentType: contentTypes[extname(path)] ?? "application/octet-stream",
        isImmutable: path.startsWith("/assets/"),
      },
    ]),
  );
}
