import { cpus } from "node:os";
import { relative } from "node:path";
import { type Figure, goalText, keyOf, valueText, verdictOf } from "../goals/figure.ts";
import { writeResults } from "../goals/results.ts";

/**
 * Prints figures and checks; the exit code shows whether every check held and every goal is met
 * that has no entry in `bench/missed-goals.json`.
 */
export function makeReport(title: string) {
  let failures = 0;
  const figures: Figure[] = [];
  console.log(
    `${title}\n${cpus().length} cores, Node ${process.version}, ${new Date().toISOString()}\n`,
  );
  return {
    note: (line: string) => console.log(`  ${line}`),
    figure: (name: string, value: unknown) => console.log(`  ${name.padEnd(44)} ${value}`),
    /** Faults are shown up to five. */
    check(name: string, faults: readonly string[]): void {
      console.log(`  ${faults.length === 0 ? "ok  " : "FAIL"} ${name}`);
      for (const fault of faults.slice(0, 5)) console.log(`         ${fault}`);
      if (faults.length > 5) console.log(`         and ${faults.length - 5} more`);
      if (faults.length > 0) failures++;
    },
    /** A figure that has a goal. With the variable `BENCH_RESULTS`, `end` writes it there. */
    goal(figure: Figure): void {
      if (!Number.isFinite(figure.value)) throw new Error(`${keyOf(figure)} was not measured`);
      figures.push(figure);
      const verdict = verdictOf(figure);
      const word = { met: "ok  ", known: "miss", missed: "FAIL" }[verdict.kind];
      const reason = verdict.kind === "known" ? `; ${verdict.entry.reason}` : "";
      const goal = goalText(figure.goal, figure.unit);
      console.log(`  ${word} ${keyOf(figure)}: ${valueText(figure)} (${goal}${reason})`);
      if (verdict.kind === "missed") failures++;
    },
    /** Sets the exit code, after the last check. */
    end(): void {
      const { BENCH_RESULTS: directory } = process.env;
      const [, script = "", ...args] = process.argv;
      const command = ["node", relative("", script), ...args].join(" ");
      if (directory) writeResults(directory, command, figures);
      console.log(failures === 0 ? "\nEvery check held." : `\n${failures} checks failed.`);
      process.exitCode = failures === 0 ? 0 : 1;
    },
  };
}

export type Report = ReturnType<typeof makeReport>;

/** A line every few seconds, until it is stopped. */
export function everySeconds(seconds: number, print: () => void): () => void {
  const timer = setInterval(print, seconds * 1000);
  return () => clearInterval(timer);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** `min / median / max`, in seconds. */
export function spread(valuesMs: readonly number[]): string {
  const [min, median, max] = [0, 0.5, 1].map((share) => percentile(valuesMs, share) / 1000);
  return `${min?.toFixed(1)} / ${median?.toFixed(1)} / ${max?.toFixed(1)} s`;
}

export function count(values: Iterable<string>): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, times]) => `${value} ${times}`).join(", ") || "none";
}
