import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isAllProven, runSteps, type Step, stepsOf, tableOf } from "../prove-steps.ts";
import { root } from "../support/tree.ts";

const steps: Step[] = [
  { id: "R1", what: "the first", args: ["one.ts", "--seeds", "5"] },
  { id: "R2", what: "the second", args: ["two.ts"] },
  { id: "S1", what: "the third", args: ["three.ts"] },
];

test("The proof runs every step although one fails, and tells which one failed", async () => {
  const ran: string[] = [];
  const results = await runSteps(steps, async ({ id }, nth) => {
    ran.push(`${nth} ${id}`);
    return id === "R2" ? 1 : 0;
  });
  expect(ran).toEqual(["1 R1", "2 R2", "3 S1"]);
  expect(isAllProven(steps, results)).toBe(false);
  expect(tableOf(steps, results).split("\n")).toEqual([
    expect.stringMatching(/^R1 {2}passed +\d+ s {2}the first: node one.ts --seeds 5$/),
    expect.stringMatching(/^R2 {2}FAILED +\d+ s {2}the second: node two.ts$/),
    expect.stringMatching(/^S1 {2}passed +\d+ s {2}the third: node three.ts$/),
  ]);
});

test("The proof succeeds only if every step has run and passed", async () => {
  const passed = await runSteps(steps, async () => 0);
  expect(isAllProven(steps, passed)).toBe(true);
  const interrupted = await runSteps(steps, async (_, nth) => (nth === 2 ? undefined : 0));
  expect(isAllProven(steps, interrupted)).toBe(false);
  expect(tableOf(steps, interrupted)).toMatch(/^S1 {2}not run .* the third/m);
  expect(isAllProven([], [])).toBe(false);
});

test("The proof has a step for each row of the goals, of programs that exist, whose sizes can be divided", () => {
  const [whole, hundredth] = [stepsOf(1), stepsOf(100)];
  expect(whole.map(({ id }) => id)).toEqual([
    ...Array.from({ length: 10 }, (_, n) => `R${n + 1}`),
    "F",
    ...Array.from({ length: 6 }, (_, n) => `S${n + 1}`),
  ]);
  for (const { args } of whole) expect(existsSync(join(root, args[0] ?? ""))).toBe(true);
  const sizeOf = (of: readonly Step[], id: string) =>
    of.find((step) => step.id === id)?.args.at(-1);
  expect([sizeOf(whole, "R1"), sizeOf(hundredth, "R1")]).toEqual(["100000", "1000"]);
  expect([sizeOf(whole, "R2"), sizeOf(hundredth, "R2")]).toEqual(["200", "2"]);
  expect([sizeOf(whole, "F"), sizeOf(hundredth, "F")]).toEqual(["60", "1"]);
});
