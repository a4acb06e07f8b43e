import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";

/** Matches the directory of the innermost package that a path is in. */
const packageDirectory = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

/**
 * Returns the licences of all packages whose code is in these bundles.
 *
 * @param root the directory that the bundles' paths are relative to
 */
export function noticesOf(root: string, bundles: readonly Metafile[]): string {
  const paths = bundles.flatMap(({ inputs }) => Object.keys(inputs));
  const directories = new Set(paths.flatMap((path) => packageDirectory.exec(path)?.[0] ?? []));
  const notices = new Map([...directories].map((directory) => noticeOf(join(root, directory))));
  const sorted = [...notices].sort(([a], [b]) => (a < b ? -1 : 1));
  const texts = sorted.map(([title, text]) => `${title}\n\n${text}`);
  return ["This package contains code of:", ...texts].join("\n\n---\n\n");
}

function noticeOf(directory: string): [title: string, text: string] {
  const { name, version, license } = JSON.parse(
    readFileSync(join(directory, "package.json"), "utf8"),
  ) as { name: string; version: string; license?: string };
  const files = existsSync(directory) ? readdirSync(directory).sort() : [];
  const texts = files
    .filter((file) => /^(licen[cs]e|notice|copying)(\.(md|txt))?$/i.test(file))
    .map((file) => readFileSync(join(directory, file), "utf8").trim());
  return [`${name} ${version} (${license ?? "see its licence"})`, texts.join("\n\n")];
}
