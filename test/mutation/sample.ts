import { makeRandom } from "../simulation/engine/random.ts";

/** A file of the product. */
export interface SourceFile {
  /** From the root of the repository. */
  file: string;
  lines: number;
}

/** Lines of a file, as Stryker writes them: `shared/core/clock.ts:1-40`. */
export type Block = string;

/** Lines of one block. */
const BLOCK_LINES = 50;

/** Draws blocks of lines, each with the same probability. */
export function sampleOf(files: readonly SourceFile[], seed: number, count: number): Block[] {
  const all = files.flatMap(({ file, lines }) =>
    Array.from({ length: Math.ceil(lines / BLOCK_LINES) }, (_, n) => {
      const first = n * BLOCK_LINES + 1;
      return `${file}:${first}-${Math.min(lines, first + BLOCK_LINES - 1)}`;
    }),
  );
  const random = makeRandom(seed, "mutation");
  for (let at = all.length - 1; at > 0; at--) {
    const other = random.int(0, at);
    [all[at], all[other]] = [all[other] ?? "", all[at] ?? ""];
  }
  return all.slice(0, count).sort();
}
