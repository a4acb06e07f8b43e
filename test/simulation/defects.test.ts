import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";
import { defect } from "./defects/defect.ts";
import { judgeDefect } from "./defects/run-defects.ts";

const hooks = new URL("hooks.ts", import.meta.url).href;

test(
  "R3 a planted defect that breaks only other guarantees than its own is not found",
  async () => {
    const judged = await judgeDefect({ name: "ack-never-queued", guarantees: ["G9"] }, 50);
    expect(judged).toEqual({ kind: "WRONG", text: expect.stringMatching(/^at seed \d+: G[12] /) });
  },
  LONG_TEST_TIMEOUT_MS,
);

test(
  "R3 an error of the simulation under a planted defect is told as that",
  async () => {
    const judged = await judgeDefect({ name: "no-such-defect", guarantees: ["G1"] }, 1);
    expect(judged).toEqual({
      kind: "FAILED",
      text: expect.stringContaining("there is no defect no-such-defect"),
    });
  },
  LONG_TEST_TIMEOUT_MS,
);

test(
  "R3 a process that does not load the file of a planted defect fails",
  async () => {
    const patches = [{ file: "shared/core/clock.ts", find: "a", replace: "b" }];
    const script = `import { simulateModules } from ${JSON.stringify(hooks)};
simulateModules(${JSON.stringify(patches)});`;
    const ended = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    await expect(ended).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("nothing is planted in shared/core/clock.ts"),
    });
  },
  LONG_TEST_TIMEOUT_MS,
);

test("R3 a planted defect names the guarantees of which it breaks one", () => {
  const { guarantees } = defect("some", "G1, G12: an ack is lost", "file.ts", "a", "b");
  expect(guarantees).toEqual(["G1", "G12"]);
  expect(() => defect("some", "an ack is lost", "file.ts", "a", "b")).toThrow("no guarantee");
});
