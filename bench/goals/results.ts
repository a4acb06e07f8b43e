import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Figure } from "./figure.ts";

/** The figures of one row, with the machine and the time of their measurement. */
export interface Result {
  id: string;
  /** Arguments of `node`. */
  command: string;
  measuredAt: string;
  machine: { cores: number; model: string; node: string };
  /** Processes that wanted a core in the last minute, those of the bench included. */
  loadAverage: number;
  figures: Figure[];
}

/** The results of the table in `docs/performance.md`. */
export const committedResults = fileURLToPath(new URL("../results/", import.meta.url));

/** The machine of a measurement, for its record. */
export function thisMachine(): Result["machine"] {
  const [core] = cpus();
  return { cores: cpus().length, model: core?.model ?? "", node: process.version };
}

/** Writes one file for each row, with its raw measurements. */
export function writeResults(directory: string, command: string, figures: readonly Figure[]): void {
  const machine = thisMachine();
  for (const [id, of] of Map.groupBy(figures, (figure) => figure.id)) {
    const result: Result = {
      id,
      command,
      measuredAt: new Date().toISOString(),
      machine,
      loadAverage: Number(loadavg()[0]?.toFixed(1)),
      figures: of.map(rounded),
    };
    mkdirSync(directory, { recursive: true });
    // The measurements of one sample stay on one line.
    const text = JSON.stringify(result, null, 2).replace(/\[[\d\s.,e+-]*\]/g, (numbers) =>
      numbers.replace(/\s+/g, " "),
    );
    writeFileSync(join(directory, `${id}.json`), `${text}\n`);
  }
}

/** Returns the results in a directory, in the order of their ids. */
export function readResults(directory: string): Result[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => /^P\d+\.json$/.test(file))
    .toSorted()
    .map((file) => JSON.parse(readFileSync(join(directory, file), "utf8")) as Result);
}

/** Six digits are more than any measurement has. */
function rounded(figure: Figure): Figure {
  const round = (value: number) => Number(value.toPrecision(6));
  const samples = Object.entries(figure.samples ?? {});
  return {
    ...figure,
    value: round(figure.value),
    ...(samples.length === 0
      ? {}
      : { samples: Object.fromEntries(samples.map(([name, of]) => [name, of.map(round)])) }),
  };
}
