import { expect, test } from "vitest";
import {
  type Figure,
  isMet,
  type MissedGoal,
  missedGoals,
  unneededEntries,
  verdictOf,
} from "../../bench/goals/figure.ts";
import { committedResults, type Result, readResults } from "../../bench/goals/results.ts";
import { goalTable, tableEnd, tableStart, withTable } from "../../bench/goals/table.ts";
import { textOf } from "../support/tree.ts";

const figure: Figure = { id: "P1", name: "CPU", value: 1.2, unit: "×", goal: { atMost: 1.15 } };
const entry: MissedGoal = { figure: "P1 CPU", reason: "the log line", date: "2026-11-29" };
const result: Result = {
  id: "P1",
  command: "node bench/ingest.ts",
  measuredAt: "2026-11-29T12:00:00.000Z",
  machine: { cores: 2, model: "", node: "v24.21.0" },
  loadAverage: 1,
  figures: [figure],
};

test.each([
  [1.15, { atMost: 1.15 }, true],
  [1.16, { atMost: 1.15 }, false],
  [0.8, { atLeast: 0.8 }, true],
  [0.79, { atLeast: 0.8 }, false],
  [Number.NaN, { atMost: 1 }, false],
])("The value %d with the goal %o: met is %s", (value, goal, met) => {
  expect(isMet({ value, goal })).toBe(met);
});

test("A goal is missed, unless an entry gives the reason", () => {
  expect(verdictOf(figure, [])).toEqual({ kind: "missed" });
  expect(verdictOf(figure, [entry])).toEqual({ kind: "known", entry });
  expect(verdictOf({ ...figure, value: 1 }, [entry])).toEqual({ kind: "met" });
});

test("An entry is unneeded when its goal is met or its figure does not exist, and its row was measured", () => {
  const gone = { ...entry, figure: "P1 another" };
  const unmeasured = { ...entry, figure: "P2 CPU" };
  expect(unneededEntries([figure], [entry, gone, unmeasured])).toEqual([gone]);
  expect(unneededEntries([{ ...figure, value: 1 }], [entry])).toEqual([entry]);
});

test("The table has goal, figure, date and machine, and the reasons of missed goals", () => {
  const table = goalTable([result], [entry]);
  expect(table).toContain(
    "| P1 | CPU | at most 1.15 × | **1.2 ×** | 2026-11-29, 2 cores, Node 24.21.0 |",
  );
  expect(table).toContain("- P1 CPU (2026-11-29): the log line");
});

test("The table replaces what is between its markers, and nothing else", () => {
  const document = `before\n${tableStart}\nold\n${tableEnd}\nafter\n`;
  expect(withTable(document, "new")).toBe(`before\n${tableStart}\n\nnew\n\n${tableEnd}\nafter\n`);
  expect(() => withTable("no markers", "new")).toThrow("no place");
});

test("docs/performance.md has the figures of bench/results (run `npm run bench -- --table`)", () => {
  const results = readResults(committedResults);
  const words = (text: string) => text.replace(/[\s|-]+/g, " ");
  const document = words(textOf("docs/performance.md"));
  expect(document).toContain(words(goalTable(results)));
});

test("Every goal that bench/results misses has an entry with its reason", () => {
  const figures = readResults(committedResults).flatMap((one) => one.figures);
  const missed = figures.filter((one) => verdictOf(one).kind === "missed");
  expect(missed).toEqual([]);
  expect(unneededEntries(figures)).toEqual([]);
  for (const { reason, date } of missedGoals) {
    expect(reason.length).toBeGreaterThan(20);
    expect(date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
  }
});
