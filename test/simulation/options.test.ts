import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

const program = new URL("run.ts", import.meta.url).pathname;

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the simulation in a process of its own, whatever its exit code is. */
async function simulate(...options: string[]): Promise<Ended> {
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [program, ...options])) };
  } catch (error) {
    return error as Ended;
  }
}

const refused = [
  [["--seeds", "100_000"], "--seeds takes a whole number from 1"],
  [["--seeds", "0"], "--seeds takes a whole number from 1"],
  [["--seed", "one"], "--seed takes a whole number from 0"],
  [["--seconds", "soon"], "--seconds takes a whole number from 1"],
  [["--workers", "0"], "--workers takes a whole number from 1"],
  [["--part", "1"], "--part takes a part such as 2/4"],
  [["--exhaustive", "--sample", "x"], "--sample takes a whole number from 1"],
  [["--exhaustive", "--pairs", "x"], "--pairs takes a whole number from 0"],
  [["--exhaustive", "--faults", "skew"], "--faults has no effect on --exhaustive"],
  [["--deliveries", "50", "--seed", "3"], "--seed has no effect on --deliveries"],
  [["--accounts", "0"], "--accounts takes a whole number from 1"],
  [["--accounts", "4", "--seed", "3"], "--seed has no effect on --accounts"],
  [["--outage", "0"], "--outage takes a whole number from 1"],
  [["--outage", "4", "--faults", "skew"], "--faults has no effect on --outage"],
  [["--outage", "4", "--accounts", "4"], "--accounts has no effect on --outage"],
] as const;

test.each(refused)("The simulation refuses %j, and says why", async (options, why) => {
  expect(await simulate(...options)).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining(why),
  });
});

test(
  "The simulation fails when a fault that is named does not strike",
  async () => {
    const fault = "submit.NoSuchCommand#1:freeze";
    const { code, stdout } = await simulate("--seeds", "1", "--only", fault);
    expect([code, stdout]).toEqual([1, expect.stringContaining(`; did not strike: ${fault}; `)]);
    const unstruck = await simulate("--seeds", "1", "--only", "none");
    expect(unstruck).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("no guarantee was broken"),
    });
  },
  LONG_TEST_TIMEOUT_MS,
);

test(
  "The simulation tells how many seeds a limit of time has left, and fails when none ran",
  async () => {
    const options = ["--seeds", "1000000", "--workers", "1", "--seconds", "1"];
    const { code, stdout } = await simulate(...options);
    const runs = /; (\d+) of 1000000 seeds ran within 1 s; /.exec(stdout)?.[1];
    expect(runs).toBeDefined();
    expect(code).toBe(Number(runs) > 0 ? 0 : 1);
  },
  LONG_TEST_TIMEOUT_MS,
);
