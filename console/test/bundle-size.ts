import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Compressed bytes that the first page may take, scripts and styles together. */
export const MAX_FIRST_PAGE_BYTES = 250_000;

const packed = (file: string): number => gzipSync(readFileSync(file), { level: 9 }).length;

/**
 * The compressed size of what the overview loads before it shows its numbers: the files that the
 * page names, and the chunk of the overview with what it imports. The chart comes later.
 */
export function bundleSizes(directory: string): { firstPage: number; chart: number; all: number } {
  const assets = join(directory, "assets");
  const files = readdirSync(assets);
  const named = [
    ...readFileSync(join(directory, "index.html"), "utf8").matchAll(/assets\/([\w.-]+)/g),
  ];
  const first = new Set(named.map(([, name = ""]) => name));
  const overview = files.find((name) => /^overview-.*\.js$/.test(name));
  if (overview === undefined) throw new Error("the build has no chunk of the overview");
  addImports(assets, overview, first);
  const sum = (of: Iterable<string>) =>
    [...of].reduce((bytes, name) => bytes + packed(join(assets, name)), 0);
  return {
    firstPage: sum(first),
    chart: sum(files.filter((name) => name.startsWith("traffic-chart-"))),
    all: sum(files),
  };
}

/** Adds a chunk and what it imports before it runs; `import(…)` is loaded later. */
function addImports(assets: string, chunk: string, into: Set<string>): void {
  if (into.has(chunk) && chunk.startsWith("overview-")) return;
  into.add(chunk);
  const text = readFileSync(join(assets, chunk), "utf8");
  for (const [, name = ""] of text.matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)) {
    if (!into.has(name)) addImports(assets, name, into);
  }
}
