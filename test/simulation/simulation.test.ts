import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";
import { defects } from "./defects/defects.ts";

const root = new URL("../..", import.meta.url);
const program = new URL("run.ts", import.meta.url).pathname;
const run = promisify(execFile);

/** Runs seeds in a process of its own, whose time is virtual. Rejects when a guarantee is broken. */
const simulate = async (...options: string[]) =>
  (await run(process.execPath, [program, ...options], { maxBuffer: 64 * 1024 * 1024 })).stdout;

const THOROUGH = process.env.THOROUGH === "1";

/** Seeds of the suite: fixed, so that each run of it is the same. */
const SEEDS = THOROUGH ? "400" : "60";

test(
  "R1 no fault in the simulated pipeline breaks a guarantee",
  async () => {
    const said = await simulate("--seeds", SEEDS);
    console.log(said);
    expect(said).toContain("no guarantee was broken");
  },
  LONG_TEST_TIMEOUT_MS,
);

test(
  "R2 the same seed gives the same run, byte for byte",
  async () => {
    const options = ["--seed", "7", "--seeds", THOROUGH ? "200" : "3", "--hashes"];
    const [one, other] = await Promise.all([simulate(...options), simulate(...options)]);
    const hashes = (said: string) => said.match(/^\d+ [0-9a-f]{64}$/gm);
    expect(hashes(one)?.length).toBeGreaterThan(2);
    expect(hashes(one)).toEqual(hashes(other));
  },
  LONG_TEST_TIMEOUT_MS,
);

test("Each planted defect changes exactly one place of the product", () => {
  for (const { name, patches } of defects) {
    for (const { file, find } of patches) {
      const parts = readFileSync(new URL(file, root), "utf8").split(find);
      expect([name, parts.length]).toEqual([name, 2]);
    }
  }
  expect(new Set(defects.map(({ name }) => name)).size).toBe(defects.length);
  expect(defects.length).toBeGreaterThanOrEqual(40);
});

test.each(["ack-without-queue", "ack-never-queued", "signature-not-checked"])(
  "R3 the simulation finds the planted defect %s",
  async (name) => {
    const options = ["--defect", name, "--seeds", "50", "--unshrunk"];
    await expect(simulate(...options)).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^seed \d+ breaks:/m),
    });
  },
  LONG_TEST_TIMEOUT_MS,
);
