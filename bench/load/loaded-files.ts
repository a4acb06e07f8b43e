/**
 * Returns the files that Node reads when it loads `handler.js`: that file and what it imports
 * statically, directly or through others. What is imported with `import()` is loaded later.
 *
 * @param files texts by name, as `build` of `infra/constructs/bundle.ts` returns them
 */
export function loadedFiles(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const loaded = new Map<string, string>();
  const waiting = ["handler.js"];
  for (const name of waiting) {
    const text = files.get(name);
    if (text === undefined) throw new Error(`The bundle has no file ${name}`);
    loaded.set(name, text);
    // `import("./x.js")` has a parenthesis and does not match.
    const imports = [...text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g)];
    const names = imports.map(([, imported = ""]) => imported);
    waiting.push(...names.filter((imported) => !waiting.includes(imported)));
  }
  return loaded;
}

/** The bytes of the files that are loaded at a cold start. */
export function loadedBytes(files: ReadonlyMap<string, string>): number {
  const texts = [...loadedFiles(files).values()];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
