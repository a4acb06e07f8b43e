import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { earlierCommit } from "../support/runs/earlier-version.ts";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";
import { differencesIn } from "./conformance.ts";
import { defects } from "./defects/defects.ts";
import { judgeDefect } from "./defects/run-defects.ts";
import { wrongCounts } from "./failure-counts.ts";
import { firstDifference } from "./trace-lines.ts";

const root = new URL("../..", import.meta.url);
const program = new URL("run.ts", import.meta.url).pathname;
const run = promisify(execFile);

/** Runs seeds in a process of its own, whose time is virtual. Rejects when a guarantee is broken. */
const simulate = async (...options: string[]) =>
  (await run(process.execPath, [program, ...options], { maxBuffer: 64 * 1024 * 1024 })).stdout;

const THOROUGH = process.env.THOROUGH === "1";

/** A defect that breaks a guarantee only with a fault. */
const FAULTY = ["--defect", "cancel-keeps-outbox", "--seed", "12", "--seeds", "1"];

/** Seeds of the suite: fixed, so that each run of it is the same. */
const SEEDS = THOROUGH ? "400" : "20";

test(
  "R1 no fault in the simulated pipeline breaks a guarantee",
  async () => {
    const said = await simulate("--seeds", SEEDS);
    console.log(said);
    expect(said).toContain("no guarantee was broken");
  },
  LONG_TEST_TIMEOUT_MS,
);

/** Seeds that found a defect of the product or of a check, and what it was. */
const found = [
  [2026, "a call that was frozen on its way counted an hour from its arrival"],
  [2742, "an event that was received late counted from when it was sent"],
  [3653, "a frozen firing made a request after its deletion"],
  [4895, "a worker ended between publishing an event and recording that, and its id was bound"],
  [5164, "a late copy of a call paused a recurring request"],
  [9053, "a request whose worker was frozen with it waits for that worker, and others need not"],
  [12883, "a late firing is dropped when a call that was frozen sets the schedule again"],
  [11671, "two events of one id were published before it was bound, and one stayed claimed"],
  [15365, "what depends on a request is told of its end when that is published"],
  [15925, "two copies of the message of an acceptance publish an end that came with it"],
  [22064, "a copy of a reply from before a sequence stopped it"],
  [5271, "a worker that had lost its lane did not wake it for the request that it gave back"],
] as const;

test.each(found)("R1 the seed %i breaks no guarantee any more: %s", async (seed) => {
  const said = await simulate("--seed", String(seed), "--seeds", "1", "--unshrunk");
  expect(said).toContain("no guarantee was broken");
});

const earlier = earlierCommit();

test.skipIf(earlier === undefined)(
  "R1 no fault breaks a guarantee while instances of two versions of the code work side by side",
  async () => {
    const options = ["--with", earlier ?? "", "--seeds"];
    const [said, traced] = await Promise.all([
      simulate(...options, THOROUGH ? "400" : "6"),
      simulate(...options, "1", "--trace"),
    ]);
    console.log(said);
    expect(said).toContain("no guarantee was broken");
    expect(traced).toContain(" starts with the other version");
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

test(
  "R2 a seed runs in the same way in another process and after other seeds",
  async () => {
    const count = THOROUGH ? "200" : "4";
    const said = await simulate("--determinism", "--seed", "7", "--seeds", count);
    expect(said).toContain(`R2: ${count} of ${count} seeds ran twice, 0 of them differ\n`);
  },
  LONG_TEST_TIMEOUT_MS,
);

test("R2 the first line in which two runs of a seed differ is found, also where one of them ends", () => {
  const lines = ["0.001 api/1 PutCommand", "0.005 api/1 ended ok"];
  expect(firstDifference(lines, [...lines])).toBeUndefined();
  expect(firstDifference(lines, lines.with(1, "0.006 api/1 ended ok"))).toEqual({
    line: 2,
    texts: ["0.005 api/1 ended ok", "0.006 api/1 ended ok"],
  });
  expect(firstDifference(lines.slice(0, 1), lines)).toEqual({
    line: 2,
    texts: [undefined, "0.005 api/1 ended ok"],
  });
});

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

test.each(["ack-never-queued", "signature-not-checked", "seen-is-done", "unreadable-is-acked"])(
  "R3 the simulation finds the planted defect %s",
  async (name) => {
    const planted = defects.filter((one) => one.name === name);
    const judged = await Promise.all(planted.map((one) => judgeDefect(one, 50)));
    expect(judged).toEqual([{ kind: "found", text: expect.stringMatching(/^at seed \d+: G\d+ /) }]);
  },
  LONG_TEST_TIMEOUT_MS,
);

/** The faults and the command that a failure prints. */
function failureIn(stdout: string) {
  const guarantees = [...stdout.matchAll(/^ {2}(G\d+): /gm)].map(([, guarantee]) => guarantee);
  const faults = /^with the faults (.*)$/m.exec(stdout)?.[1]?.split(",") ?? [];
  const again = /^again: npm run simulate -- (.*)$/m.exec(stdout)?.[1] ?? "";
  const options = [...again.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare);
  return { guarantees, faults, options: options.filter((one) => one !== undefined) };
}

const failing = async (...options: string[]) => {
  const failed = await simulate(...options).then(
    () => undefined,
    (error: { code: number; stdout: string }) => error,
  );
  if (failed?.code !== 1) throw new Error(`${options} broke no guarantee`);
  return failureIn(failed.stdout);
};

test(
  "A failure prints the faults that it needs, and the command that repeats it",
  async () => {
    const found = await failing(...FAULTY, "--faults", "freeze,crash-after,slow");
    expect(found.faults.length).toBeGreaterThan(0);
    expect(found.faults).not.toEqual(["none"]);
    const again = await failing(...found.options);
    expect(again.guarantees).toEqual(found.guarantees);
    expect(again.faults).toEqual(found.faults);
    for (const dropped of found.faults) {
      const others = found.faults.filter((fault) => fault !== dropped);
      const left = others.join(",") || "none";
      const options = found.options.with(found.options.indexOf("--only") + 1, left);
      // Without one of them, others may find nothing to strike, so that the exit code is 1.
      const said = await simulate(...options).catch(({ stdout }: { stdout: string }) => stdout);
      expect([dropped, said]).toEqual([
        dropped,
        expect.stringContaining("no guarantee was broken"),
      ]);
    }
  },
  LONG_TEST_TIMEOUT_MS,
);

test(
  "R4 a fault of any kind at any call breaks no guarantee",
  async () => {
    const sample = THOROUGH ? ["--pairs", "1"] : ["--pairs", "0", "--sample", "307"];
    const said = await simulate("--exhaustive", ...sample);
    console.log(said);
    expect(said).toMatch(/ 0 did not strike; .* 0 runs break a guarantee/);
  },
  LONG_TEST_TIMEOUT_MS,
);

test(
  "R8 each delivery to an endpoint that behaves at random is delivered or fails, and is told",
  async () => {
    const said = await simulate("--deliveries", THOROUGH ? "10000" : "100");
    console.log(said);
    expect(said).toMatch(/ 0 neither; .* 0 violations/);
  },
  LONG_TEST_TIMEOUT_MS,
);

test("R8 a failure that is not counted, or counted twice without a fault, is found", () => {
  const right = { failed: 2, told: 2, publishes: 2, counted: 2, isStruck: false };
  expect(wrongCounts(right)).toEqual([]);
  expect(wrongCounts({ ...right, told: 1 })).toHaveLength(1);
  expect(wrongCounts({ ...right, counted: 1 })).toHaveLength(1);
  expect(wrongCounts({ ...right, publishes: 3, counted: 3 })).toHaveLength(1);
  // A worker that was struck after it had counted a failure leaves it to be told again.
  const struck = { ...right, isStruck: true };
  expect(wrongCounts({ ...struck, publishes: 3, counted: 3 })).toEqual([]);
  expect(wrongCounts({ ...struck, publishes: 3, counted: 1 })).toHaveLength(1);
  expect(wrongCounts({ ...struck, counted: 3 })).toHaveLength(1);
});

test(
  "R9 an endpoint that returns after six hours is not flooded, and others are not late",
  async () => {
    const said = await simulate("--outage", THOROUGH ? "5000" : "40");
    console.log(said);
    expect(said).toMatch(/^R9: .* with at most 50 workers of a queue,/m);
  },
  LONG_TEST_TIMEOUT_MS,
);

test(
  "R10 requests of an account keep their order and their gaps while workers crash",
  async () => {
    const size = THOROUGH ? ["100", "--requests", "100"] : ["3", "--requests", "12"];
    const said = await simulate("--accounts", ...size);
    console.log(said);
    expect(said).toContain("0 inversions, 0 overlaps, 0 gaps under the pace, 0 violations");
  },
  LONG_TEST_TIMEOUT_MS,
);

test(
  "R6 the simulated services answer commands as those of a local run",
  async () => {
    const said = await simulate("--conformance", "--seeds", THOROUGH ? "100" : "2");
    expect(said).toMatch(/R6: \d+ sequences .* for the other services: 0 differences\n$/);
  },
  LONG_TEST_TIMEOUT_MS,
);

test("R6 a service that answers otherwise is found", async () => {
  const item = { id: "evt", clientId: "cl" };
  const commands: Parameters<typeof differencesIn>[0] = [
    ["PutCommand", { TableName: "events", Item: item }],
    ["GetCommand", { TableName: "events", Key: { id: "evt" }, ConsistentRead: true }],
    [
      "PutCommand",
      { TableName: "events", Item: item, ConditionExpression: "attribute_not_exists(id)" },
    ],
  ];
  expect(await differencesIn(commands)).toEqual([]);
  const found = await differencesIn(commands, () => () => ({}));
  expect(found.map((text) => text.split("\n")[0])).toEqual(["GetCommand", "PutCommand"]);
});
