import { goalText, isMet, keyOf, type MissedGoal, missedGoals, valueText } from "./figure.ts";
import type { Result } from "./results.ts";

export const tableStart = "<!-- The table is written by `npm run bench -- --write`. -->";
export const tableEnd = "<!-- End of the table. -->";

/** Returns the table of all figures, and the reasons of the goals that are missed, as Markdown. */
export function goalTable(
  results: readonly Result[],
  entries: readonly MissedGoal[] = missedGoals,
): string {
  const rows = results.flatMap((result) =>
    result.figures.map((figure) =>
      [
        figure.id,
        figure.name,
        goalText(figure.goal, figure.unit),
        isMet(figure) ? valueText(figure) : `**${valueText(figure)}**`,
        `${result.measuredAt.slice(0, 10)}, ${result.machine.cores} cores, Node ${result.machine.node.slice(1)}`,
      ].join(" | "),
    ),
  );
  const missed = results.flatMap(({ figures }) => figures.filter((figure) => !isMet(figure)));
  const reasons = missed.flatMap((figure) => {
    const entry = entries.find((one) => one.figure === keyOf(figure));
    return entry ? [`- ${entry.figure} (${entry.date}): ${entry.reason}`] : [];
  });
  const table = ["| | Figure | Goal | Measured | When, on what |", "|---|---|---|---|---|"];
  return [...table, ...rows.map((row) => `| ${row} |`), "", ...reasons].join("\n").trim();
}

/**
 * Returns the document with this text between the two markers.
 *
 * @throws Error if the document does not have both
 */
export function withTable(document: string, text: string): string {
  const [start, end] = [document.indexOf(tableStart), document.indexOf(tableEnd)];
  if (start < 0 || end < start) throw new Error("the document has no place for the table");
  return `${document.slice(0, start + tableStart.length)}\n\n${text}\n\n${document.slice(end)}`;
}
