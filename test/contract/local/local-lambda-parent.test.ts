import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";
import { functionWithRole, writeAssembly } from "../../support/runs/cloud-assembly.ts";

const module = (path: string) =>
  JSON.stringify(new URL(`../../../local/${path}`, import.meta.url).href);

/** A program that runs one function, prints the id of its process, and then stays idle or busy. */
const program = (assemblyDir: string) => `
  const { loadTemplate } = await import(${module("template/template.ts")});
  const { startLambdas } = await import(${module("lambda/lambdas.ts")});
  const awsUrl = "http://127.0.0.1:1";
  const template = loadTemplate({ assemblyDir: ${JSON.stringify(assemblyDir)}, awsUrl, apiUrl: awsUrl });
  const lambdas = startLambdas({ template, awsUrl, registerCaller() {}, log() {} });
  console.log((await lambdas.invoke("F", {})).payload);
  const ms = 60_000;
  if (process.env.BUSY) void lambdas.invoke("F", { ms });
  if (process.env.BLOCKED) void lambdas.invoke("F", { ms, isBlocked: true });
`;

it.each([
  ["idle", {}],
  ["busy", { BUSY: "1" }],
  ["blocked", { BLOCKED: "1" }],
])("An environment that is %s ends when the local run is killed", async (_, env) => {
  const assemblyDir = writeAssembly(
    { Resources: functionWithRole("F", { Timeout: 60 }) },
    {
      F: {
        "index.js": `exports.handler = async ({ ms = 0, isBlocked }) => {
             const untilMs = Date.now() + ms;
             while (isBlocked && Date.now() < untilMs);
             await new Promise((r) => setTimeout(r, untilMs - Date.now()));
             return process.pid;
           };`,
      },
    },
  );
  const args = ["--input-type=module", "--eval", program(assemblyDir)];
  const parent = spawn(process.execPath, args, {
    env: { ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface({ input: parent.stdout }), "line");
  const pid = Number(line);
  expect(() => process.kill(pid, 0)).not.toThrow();
  parent.kill("SIGKILL");
  await expect.poll(() => isAlive(pid)).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
