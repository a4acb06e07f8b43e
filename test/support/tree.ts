import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The repository's root. */
export const root = join(import.meta.dirname, "../..");

const notOurs = new Set(["node_modules", "cdk.out", "test-results", "coverage", "dist"]);

/** Files below a folder whose names end so, as paths from the root, in order. */
export function filesBelow(folder: string, ending: string, tree: string = root): string[] {
  return readdirSync(join(tree, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
      if (!entry.isDirectory()) return entry.name.endsWith(ending) ? [path] : [];
      const isHidden = entry.name.startsWith(".") && entry.name !== ".github";
      return isHidden || notOurs.has(entry.name) ? [] : filesBelow(path, ending, tree);
    })
    .sort();
}

/** A file's text, by its path from the root. */
export const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** Every document of the repository. */
export const documents = filesBelow(".", ".md");
