import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * Compiles the declarations of a package, and copies those that its entry point refers to.
 *
 * @param options.project the directory of the package's `tsconfig.json`
 * @param options.entry relative to the repository, such as `cdk/index.d.ts`
 * @param options.replaced files that are another package, by their path in the repository
 * @param options.allowed the packages that the declarations may need
 * @throws Error when one of them needs another package
 */
export function copyDeclarations(options: {
  root: string;
  project: string;
  entry: string;
  to: string;
  replaced?: Readonly<Record<string, string>>;
  allowed: RegExp;
}): void {
  const emitted = mkdtempSync(join(tmpdir(), "ackwire-types-"));
  try {
    const tsc = join(options.root, "node_modules/.bin/tsc");
    execFileSync(tsc, ["-p", options.project, "--outDir", emitted], { stdio: "inherit" });
    for (const [file, text] of reachable(emitted, options)) {
      const target = join(options.to, file);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
}

const imported = /(\bfrom |\bimport\(|\bimport )"([^"]+)"/g;

/** Returns the texts of the declarations that the entry needs, by file name. */
function reachable(
  directory: string,
  { entry, replaced = {}, allowed }: Parameters<typeof copyDeclarations>[0],
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const files = new Set([entry]);
  for (const file of files) {
    const text = readFileSync(join(directory, file), "utf8");
    const resolved = text.replaceAll(imported, (_match, before: string, to: string) => {
      if (!to.startsWith(".")) {
        if (allowed.test(to)) return `${before}"${to}"`;
        throw new Error(`The declarations of ${file} need ${to}`);
      }
      const source = join(dirname(file), to).replace(/\.[jt]s$/, ".ts");
      const other = replaced[source];
      if (other !== undefined) return `${before}"${other}"`;
      files.add(source.replace(/\.ts$/, ".d.ts"));
      // The compiler rewrites the extensions in modules, and leaves those in declarations.
      return `${before}"${to.replace(/\.ts$/, ".js")}"`;
    });
    texts.set(file, resolved);
  }
  return texts;
}
