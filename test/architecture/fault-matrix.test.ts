import { describe, expect, test } from "vitest";
import { allRows, allTitles, gapsOf, readMatrixResults } from "../faults/matrix/matrix.ts";
import { isTitleOf, matrixTitles } from "../faults/matrix/titles.ts";

const titles = allTitles();

describe("the fault matrix", () => {
  test("the fault matrix has its rows in order", () => {
    const ids = Object.entries({ A: 23, B: 24, C: 17, D: 20 }).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, at) => `${letter}${at + 1}`),
    );
    expect(allRows.map(({ id }) => id)).toEqual(ids);
    expect(
      allRows.flatMap(({ guarantees }) => guarantees).filter((g) => !/^G\d+$/.test(g)),
    ).toEqual([]);
  });

  test("the fault matrix has a test for each row, and no test of a row that does not exist", () => {
    expect(gapsOf(titles)).toEqual([]);
    const [first] = titles;
    expect(gapsOf(titles.filter(({ row }) => row !== "B3"))).toEqual(["B3 has no test"]);
    expect(gapsOf([...titles, { ...first, row: "D99" } as never])).toHaveLength(1);
  });

  test("the fault matrix has no result of a test that does not exist (run `npm run faults -- --write`)", () => {
    const named = new Set(titles.map(({ file, title }) => `${file}: ${title}`));
    const resulting = Object.entries(readMatrixResults()).flatMap(([file, { cases }]) =>
      Object.entries(cases).map(([title, passed]) => {
        expect(passed, title).toBeGreaterThan(0);
        return `${file}: ${title}`;
      }),
    );
    expect(resulting.filter((one) => !named.has(one))).toEqual([]);
  });
});

describe("the titles of a test file", () => {
  const titlesIn = (text: string) => matrixTitles("a.test.ts", text);

  test("the titles of a test file count if a test or a table of cases has them", () => {
    const text = [
      'test("A1 the first of them", () => {});',
      "test.each(rows)(`A2 is $" + "{2} of $name and %s`, () => {});",
      'const rows = [["D3: in a table"]];',
      'describe("A4 is no test", () => { test("A5 is within it", () => {}); });',
      'describe.each([["A6 is in its table"]])("A7 is no test", () => {});',
      'post("A8-1"); post("A9", "A10 short");',
    ].join("\n");
    expect(titlesIn(text).map(({ row, title }) => [row, title])).toEqual([
      ["A1", "A1 the first of them"],
      ["A2", "A2 is … of … and …"],
      ["D3", "D3: in a table"],
      ["A5", "A5 is within it"],
      ["A6", "A6 is in its table"],
    ]);
  });

  test("the titles of a test file cannot be read if it does not parse", () => {
    expect(() => titlesIn("test(")).toThrow("a.test.ts");
  });

  test("the titles of a test file match what ran under them, and nothing else", () => {
    expect(isTitleOf("A2 is … of (all)", "A2 is 2 of (all)")).toBe(true);
    expect(isTitleOf("A2 is … of (all)", "A2 is 2 of (all) more")).toBe(false);
    expect(isTitleOf("A2 is … of (all)", "A2 is 2 of all")).toBe(false);
  });
});
