import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { synthesise } from "../../local/run/synthesise.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The stack as the local run synthesises it, at real speed: made once for all tests. */
    assemblyDir: string;
    /** For what a test writes that no other reads. */
    scratchDir: string;
  }
}

const runsDir = new URL("../../.ackwire/", import.meta.url).pathname;

export default async function setup(project: TestProject): Promise<() => void> {
  mkdirSync(runsDir, { recursive: true });
  // One for each run of the tests: two at the same time take nothing from each other.
  const assemblyDir = mkdtempSync(`${runsDir}test-assembly-`);
  await synthesise({
    outputDir: assemblyDir,
    settings: {},
    clock: { realMs: 0, businessMs: 0, speed: 1 },
    // No test of this assembly asks a provider; one that does synthesises its own.
    providerUrl: "http://127.0.0.1:1",
    // Nor does any look at which ports a run keeps for itself.
    webhookTargets: { ports: [443, 8_443], allowsLocal: true, refusedPorts: [] },
  });
  const scratchDir = mkdtempSync(join(tmpdir(), "ackwire-tests-"));
  project.provide("assemblyDir", assemblyDir);
  project.provide("scratchDir", scratchDir);
  return () => {
    for (const one of [assemblyDir, scratchDir]) rmSync(one, { recursive: true, force: true });
  };
}
