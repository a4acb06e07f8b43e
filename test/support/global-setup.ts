import { mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { synthesise } from "../../local/run/synthesise.ts";
import { relaxTimeouts } from "./runs/relax-timeouts.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The stack as the local run synthesises it, at real speed and with relaxed timeouts: made once for all tests. */
    assemblyDir: string;
  }
}

const PREFIX = "ackwire-tests-";
const DAY_MS = 86_400_000;

export default async function setup(project: TestProject): Promise<() => void> {
  const systemDir = realpathSync(tmpdir());
  removeAbandoned(systemDir);
  const directory = mkdtempSync(join(systemDir, PREFIX));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // A signal ends Vitest without a teardown.
  process.once("exit", remove);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
  // Workers and the processes that they start inherit it: everything temporary is in one place.
  process.env.TMPDIR = directory;
  const assemblyDir = join(directory, "assembly");
  await synthesise({
    outputDir: assemblyDir,
    settings: {},
    clock: { realMs: 0, businessMs: 0, speed: 1 },
    // No test of this assembly calls a provider; one that does synthesises its own.
    providerUrl: "http://127.0.0.1:1",
    // No test of this assembly depends on the ports that a run reserves for itself.
    webhookTargets: { ports: [443, 8_443], allowsLocal: true, refusedPorts: [] },
  });
  relaxTimeouts(assemblyDir);
  project.provide("assemblyDir", assemblyDir);
  return remove;
}

/** Removes the directories of test runs that were killed more than a day ago. */
function removeAbandoned(systemDir: string): void {
  for (const name of readdirSync(systemDir)) {
    if (!name.startsWith(PREFIX)) continue;
    const directory = join(systemDir, name);
    const isOld =
      Date.now() - (statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()) > DAY_MS;
    if (isOld) rmSync(directory, { recursive: true, force: true });
  }
}
