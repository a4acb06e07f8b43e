import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { freePort } from "../../local/loopback.ts";
import { parseOptions } from "../../local/run/options.ts";
import { defaultRunDirectory, startLocalRun } from "../../local/run/run.ts";
import { synthesise } from "../../local/run/synthesise.ts";

/** A resource of a template. */
export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}

/**
 * Is the main program of a local run whose stack is changed after its synthesis, with the arguments
 * of `local/main.js`.
 *
 * @param change is given the resources of the template by logical id, and the assembly
 */
export async function startChangedRun(
  change: (resources: Record<string, Resource>, assemblyDir: string) => void | Promise<void>,
): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") throw new Error("a bench starts this");
  const providerPort = await freePort();
  const assemblyDir = mkdtempSync(resolve("assembly-"));
  await synthesise({
    outputDir: assemblyDir,
    settings: options.settings,
    clock: { realMs: 0, businessMs: 0, speed: 1 },
    providerUrl: `http://127.0.0.1:${providerPort}`,
    webhookTargets: { ports: [443, 8_443], allowsLocal: true, refusedPorts: [] },
  });
  const name = readdirSync(assemblyDir).find((file) => file.endsWith(".template.json")) ?? "";
  const file = join(assemblyDir, name);
  const template = JSON.parse(readFileSync(file, "utf8")) as {
    Resources: Record<string, Resource>;
  };
  await change(template.Resources, assemblyDir);
  writeFileSync(file, JSON.stringify(template));
  const print = (line: string) => console.log(line);
  const run = await startLocalRun({
    ...options,
    providerPort,
    assemblyDir,
    runDirectory: defaultRunDirectory,
    print,
  });
  process.on("SIGINT", () => void run.close().then(() => process.exit(0)));
  print("ackwire ready");
}
