import {
  allRows,
  allTitles,
  type FileResult,
  readMatrixResults,
  resultsFile,
} from "../test/faults/matrix/matrix.ts";
import { type MatrixGroup, type MatrixRow, matrix } from "../test/faults/matrix/rows.ts";
import type { MatrixTitle } from "../test/faults/matrix/titles.ts";

const titles = allTitles();

/** `docs/faults.md`: the rows of the fault matrix with their tests, and what the last run showed. */
export function faultsPage(): string {
  const results = readMatrixResults();
  const casesOf = ({ file, title }: MatrixTitle) => results[file]?.cases[title] ?? 0;
  const shown = allRows.filter(({ id }) => {
    const of = titlesOf(id);
    return of.length > 0 && of.every((one) => casesOf(one) > 0);
  });
  return `# Fault matrix

Each way in which a part of the pipeline is known to fail, what must be true all the same, and the
tests that show it. ${allRows.length} rows have tests; of ${shown.length} of them a result is stored.

\`\`\`sh
npm run faults             # runs the tests of all rows; exit code 1 unless each row passes
npm run faults -- --write  # and writes this page
\`\`\`

A test belongs to a row when its title begins with the row's id. This page is generated from these
titles, from \`test/faults/matrix/rows.ts\`, and from the results of the last run of each file in
which all of its cases passed (\`${resultsFile}\`): ${runsIn(Object.values(results))}. "Not run"
says that there is no such result yet. \`npm test\` fails when a row has no test, when a result is of a
test that does not exist, and when this page is not that of the tests. [Reliability](reliability.md) describes the simulation, which combines such
faults at random; the guarantees are those of [ARCHITECTURE.md](../ARCHITECTURE.md#guarantees). A
title contains \`…\` where a test has one case for each of several values.

${matrix.map((group) => sectionOf(group, casesOf)).join("\n\n")}
`;
}

/** The days and machines of the runs, each once. */
const runsIn = (results: readonly FileResult[]) =>
  [
    ...new Set(
      results.map(
        ({ measuredAt, machine: { cores, node } }) =>
          `${measuredAt.slice(0, 10)}, ${cores} cores, Node ${node.slice(1)}`,
      ),
    ),
  ]
    .toSorted()
    .join("; ") || "none yet";

const titlesOf = (id: string) => titles.filter(({ row }) => row === id);

function sectionOf(
  { letter, title, rows }: MatrixGroup,
  casesOf: (title: MatrixTitle) => number,
): string {
  const table = rows.map((row) => {
    const of = titlesOf(row.id);
    const passed = of.reduce((sum, one) => sum + casesOf(one), 0);
    const all = of.length > 0 && of.every((one) => casesOf(one) > 0);
    const result = all ? `passed (${passed})` : "not run";
    return `| ${row.id} | ${faultOf(row)} | ${row.outcome} | ${row.guarantees.join(", ")} | ${result} |`;
  });
  const tests = rows.flatMap(({ id }) => [
    `**${id}**`,
    "",
    ...titlesOf(id).map(
      (one) => `- \`${one.file}\`: ${escaped(one.title)} — ${countText(casesOf(one))}`,
    ),
    "",
  ]);
  return `## ${letter}. ${title}

| Row | Fault | What must be true | Guarantees | Cases |
| --- | --- | --- | --- | --- |
${table.join("\n")}

### Tests of ${letter}

${tests.join("\n")}`;
}

const faultOf = ({ fault, instead }: MatrixRow) =>
  instead === undefined ? fault : `${fault}. Here: ${instead}`;

const countText = (cases: number) =>
  cases === 0 ? "not run" : cases === 1 ? "passed" : `${cases} cases passed`;

/** A title as text of Markdown. */
const escaped = (title: string) => title.replace(/[\\`*_<>[\]]/g, "\\$&");
