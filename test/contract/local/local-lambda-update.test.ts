import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startLambdas } from "../../../local/lambda/lambdas.ts";
import { functionWithRole, loadAssembly } from "../../support/runs/cloud-assembly.ts";

/** A template with one function `F` of this handler. */
const templateOf = (source: string, properties: Record<string, unknown> = {}) =>
  loadAssembly(
    { Resources: functionWithRole("F", properties) },
    { F: { "index.js": `exports.handler = ${source};` } },
  );

function start(source: string, properties: Record<string, unknown> = {}) {
  const lambdas = startLambdas({
    template: templateOf(source, properties),
    awsUrl: "http://127.0.0.1:4566",
    registerCaller: () => undefined,
    log: () => undefined,
  });
  onTestFinished(() => lambdas.close());
  return lambdas;
}

const payloadOf = async (lambdas: ReturnType<typeof start>, event: unknown = {}) =>
  (await lambdas.invoke("F", event)).payload;

it("An update gives later invocations the new code and variables, and lets running ones end with the old", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-update-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const go = join(directory, "go");
  // Runs until the file is there.
  const waiting = `async () => {
    const { existsSync } = require("node:fs");
    while (!existsSync(${JSON.stringify(go)})) await new Promise((r) => setTimeout(r, 5));
    return "old";
  }`;
  const lambdas = start(waiting, { Timeout: 900 });
  await lambdas.warmUp();
  const running = [payloadOf(lambdas), payloadOf(lambdas)];
  const next = templateOf("async () => process.env.WHICH", {
    Environment: { Variables: { WHICH: "new" } },
  });
  await lambdas.update(next, 1);
  expect(await payloadOf(lambdas)).toBe("new");
  writeFileSync(go, "");
  expect(await Promise.all(running)).toEqual(["old", "old"]);
  expect(await payloadOf(lambdas)).toBe("new");
});

it("A share of the invocations goes to the new version, until it gets all", async () => {
  const lambdas = start('async () => "old"');
  const next = templateOf('async () => "new"');
  await lambdas.update(next, 0.5);
  const seen = new Set<unknown>();
  while (seen.size < 2) seen.add(await payloadOf(lambdas));
  expect([...seen].sort()).toEqual(["new", "old"]);
  await lambdas.update(templateOf('async () => "newest"'), 1);
  for (let n = 0; n < 10; n++) expect(await payloadOf(lambdas)).toBe("newest");
});

it("A version that cannot be loaded takes no invocation, and the error names it", async () => {
  const lambdas = start('async () => "old"');
  const broken = templateOf("(() => { throw new Error('no variable'); })()");
  await expect(lambdas.update(broken, 1)).rejects.toThrow(/F: Error: no variable/);
  expect(await payloadOf(lambdas)).toBe("old");
});
