import { spawn } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinkedApi } from "@linkedapi/node";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { callsIn, handlingOf } from "../../docs/linked-api-calls.ts";
import { differences } from "../support/linked-api-clients/differential.ts";
import { haveSimulatedLimit, simulatedLimit } from "../support/linked-api-clients/limits.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { root } from "../support/tree.ts";
import { WAIT_TIMEOUT_MS } from "../support/wait-timeout.ts";

/**
 * The newest `linkedapi` of PyPI, in a virtual environment of this test. Without Python
 * or without PyPI the tests are skipped, with the reason.
 */
let directory: string;
let missing: string | undefined;
let run: TestRun | undefined;

const support = `${root}/test/support/linked-api-clients`;

/** Runs a program to its end. It must not block this process, which serves the local run. */
async function execute(program: string, args: readonly string[], input = "") {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const { promise, resolve } = Promise.withResolvers<{ code: number; out: string; err: string }>();
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  child.on("error", (error) => resolve({ code: -1, out, err: error.message }));
  child.on("close", (code) => resolve({ code: code ?? -1, out, err }));
  child.stdin.end(input);
  return promise;
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ackwire-python-"));
  const venv = await execute("python3", ["-m", "venv", directory]);
  if (venv.code !== 0) {
    missing = `There is no Python 3 with venv: ${venv.err.trim().slice(0, 200)}`;
    return;
  }
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "linkedapi"];
  const installed = await execute(`${directory}/bin/python`, pip);
  if (installed.code !== 0) {
    missing = `linkedapi cannot be installed from PyPI: ${installed.err.trim().slice(-200)}`;
    return;
  }
  run = await startTestRun({ speed: 600, settings: { paceMinSeconds: "0", paceMaxSeconds: "0" } });
});
afterAll(async () => {
  await run?.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

test("The table of calls knows each call of the newest linkedapi of PyPI", () => {
  const files = globSync(`${directory}/lib/python*/site-packages/linkedapi/**/*.py`);
  expect(files.length).toBeGreaterThan(50);
  const calls = callsIn(
    files.map((file) => readFileSync(file, "utf8")),
    "Python",
  );
  expect(calls.length).toBeGreaterThanOrEqual(40);
  expect(calls.filter((call) => handlingOf(call) === undefined)).toEqual([]);
});

test("Each call of linkedapi has the same answer through Ackwire as directly", async () => {
  const local = run as TestRun;
  const accountId = "linked-api-account-1";
  const account = local.seed.accounts.find((one) => one.accountId === accountId);
  const answersOf = async (access: object) => {
    const input = JSON.stringify({
      ...access,
      accountId,
      webhookUrl: "https://hooks.example.com/linked-api",
      params: JSON.parse(readFileSync(`${support}/params.json`, "utf8")),
      // The client for Node.js runs these.
      leftOut: new LinkedApi({ linkedApiToken: "", identificationToken: "" }).operations.map(
        ({ operationName }) => operationName,
      ),
      timeoutSeconds: WAIT_TIMEOUT_MS / 1_000,
    });
    const { code, out, err } = await execute(
      `${directory}/bin/python`,
      [`${support}/run.py`],
      input,
    );
    expect(code, err).toBe(0);
    return JSON.parse(out) as Record<string, unknown>;
  };
  await haveSimulatedLimit(local, accountId);
  const direct = await answersOf({
    baseUrl: local.addresses.providerUrl,
    linkedApiToken: "simulated-token",
    identificationToken: `simulated-${accountId}`,
  });
  const through = await answersOf({
    baseUrl: local.addresses.apiUrl,
    linkedApiToken: local.seed.apiKey,
    identificationToken: account?.identificationToken,
  });
  expect(Object.keys(direct).length).toBeGreaterThan(50);
  expect(direct).toMatchObject({ "limits.get": { limits: [{ category: "stMessages" }] } });
  expect(JSON.stringify(direct)).not.toContain('"httpError"');
  const { maxValue: max_value, isEnabled: is_enabled, ...limit } = simulatedLimit;
  const shown = { ...limit, max_value, is_enabled };
  // Ackwire keeps the limits: a new account here has no limits, and none were used.
  expect(differences(direct, through)).toEqual({
    "limits.get_defaults": { direct: { limits: [shown] }, through: { limits: [] } },
    "limits.get_usage": {
      direct: { usage: [{ ...shown, current_usage: 7 }] },
      through: { usage: [{ ...shown, current_usage: expect.any(Number) }] },
    },
  });
});
