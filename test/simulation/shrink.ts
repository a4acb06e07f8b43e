import type { Violation } from "./checks/checks.ts";
import { type RunResult, simulate } from "./simulate.ts";

/** Most runs that the search for a shorter list makes. */
const MAX_RUNS = 300;

/**
 * Drops faults from a failing run, in halves and then one by one, until each that is left is
 * needed to break the same guarantee. Whether an operation has a fault does not depend on the
 * others, so that the rest of the run stays as it is as far as it can.
 */
export async function shrink(failed: RunResult): Promise<RunResult> {
  const { seed, violations } = failed;
  const guarantees = new Set(violations.map(({ guarantee }) => guarantee));
  let best = failed;
  let runs = 0;
  const faultsOf = ({ history }: RunResult) => history.struck.map(({ id }) => id);

  /** Runs with fewer faults, and keeps them if they break the same. What no longer happens is no part of the list. */
  async function keeps(fewer: readonly string[]): Promise<boolean> {
    runs++;
    const result = await simulate({ seed, only: new Set(fewer) });
    const isKept = isSame(result.violations, guarantees);
    if (isKept) best = result;
    return isKept;
  }

  /** Tries to drop each part of this size. @returns whether one was dropped */
  async function dropParts(size: number): Promise<boolean> {
    const before = faultsOf(best).length;
    for (let at = 0; at < faultsOf(best).length && runs < MAX_RUNS; ) {
      if (!(await keeps(faultsOf(best).toSpliced(at, size)))) at += size;
    }
    return faultsOf(best).length < before;
  }

  // Most faults have nothing to do with it: those of a function or a queue are dropped at once.
  const placeOf = (fault: string) => fault.split(".")[0];
  for (const place of new Set(faultsOf(failed).map(placeOf))) {
    await keeps(faultsOf(best).filter((fault) => placeOf(fault) !== place));
  }
  for (let size = Math.ceil(faultsOf(best).length / 2); size > 1; size = Math.floor(size / 2)) {
    await dropParts(size);
  }
  // A fault may be needed only as long as another one is there.
  while (await dropParts(1)) if (runs >= MAX_RUNS) break;
  return best;
}

const isSame = (violations: readonly Violation[], guarantees: ReadonlySet<string>) =>
  violations.some(({ guarantee }) => guarantees.has(guarantee));
