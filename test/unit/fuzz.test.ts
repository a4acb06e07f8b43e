import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = join(import.meta.dirname, "../fuzz/run.ts");
const planted = join(import.meta.dirname, "../fuzz/planted.ts");

/* In processes of their own: coverage makes a process slower, and the tests share theirs. */
const run = async (file: string, ...args: string[]) =>
  (await promisify(execFile)(process.execPath, [file, ...args])).stdout;

test("No parser of what comes from outside fails on 200 inputs that were made by the fuzzer", async () => {
  expect(await run(program, "--runs", "200")).toMatch(/ targets, 0 findings; seed 1$/m);
});

test("The same seed makes the same inputs", async () => {
  const of = ["--runs", "150", "--target", "portal", "--seed", "7"];
  expect(await run(program, ...of)).toBe(await run(program, ...of));
});

test("A mistake behind three conditions, one after the other, is found because coverage guides the inputs, and its input is made short", async () => {
  const [guided, blind, slow] = JSON.parse(await run(planted)) as {
    found?: string;
    error?: string;
    runs: number;
  }[];
  expect(guided).toMatchObject({ found: "{a1" });
  expect(blind).not.toHaveProperty("found");
  expect(slow).toMatchObject({
    found: "{",
    error: expect.stringMatching(/^Error: the input takes \d+ ms of processor time$/),
  });
});

const unread = [
  ["--runs", "x"],
  ["--seconds", "x"],
  ["--seconds", "0"],
] as const;

test.each(unread)("The fuzzer makes nothing with %s %s, and fails", async (option, text) => {
  await expect(run(program, "--target", "portal", option, text)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${option} takes a whole number from 1`),
  });
});

test("A target of which only the seeds are tried fails", async () => {
  await expect(run(program, "--target", "portal", "--runs", "1")).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining("only its 1 seeds were tried"),
  });
});
