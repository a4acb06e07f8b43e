import type { Violation } from "./checks/checks.ts";
import { type RunResult, simulate } from "./simulate.ts";

/** Most runs that the search for a shorter list makes. */
const MAX_RUNS = 200;

/**
 * Drops faults from a failing run, in halves and then one by one, while it still breaks the same
 * guarantee. Whether an operation has a fault does not depend on the others, so that the rest of
 * the run stays as it is as far as it can.
 */
export async function shrink(failed: RunResult): Promise<RunResult> {
  const { seed, violations, history } = failed;
  const guarantees = new Set(violations.map(({ guarantee }) => guarantee));
  let best = failed;
  let faults = history.struck.map(({ id }) => id);
  let runs = 0;
  for (let size = Math.ceil(faults.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < faults.length && runs < MAX_RUNS; ) {
      const fewer = faults.toSpliced(at, size);
      runs++;
      const result = await simulate({ seed, only: new Set(fewer) });
      if (isSame(result.violations, guarantees)) {
        best = result;
        // What no longer happens is no part of the list.
        faults = result.history.struck.map(({ id }) => id);
      } else at += size;
    }
  }
  return best;
}

const isSame = (violations: readonly Violation[], guarantees: ReadonlySet<string>) =>
  violations.some(({ guarantee }) => guarantees.has(guarantee));
