import { runTestFiles, type TestResult } from "../support/test-results.ts";
import { atLeast, none, type Proof } from "./proof.ts";

/** What the test of the canaries tells of its search, in its `task.meta`. */
export interface CanaryMeta {
  canaries?: { secrets: number; bodies: number; places: number; characters: number };
}

const FILES = ["integration/secrets-canary", "specification/hash-verification"].map(
  (name) => `test/${name}.test.ts`,
);

/**
 * S5: plants canaries in every kind of secret and in the bodies of requests and webhooks, lets them
 * pass through a local run, and searches everything that the run stores, logs, prints and sends.
 */
export async function proveCanaries(): Promise<Proof> {
  return canaryProof(await runTestFiles(FILES));
}

/** The proof of S5 from the results of its tests. */
export function canaryProof(results: readonly TestResult[]): Proof {
  const failed = results.filter(({ status }) => status === "failed");
  const searched = results.map(({ meta }) => (meta as CanaryMeta).canaries).find(Boolean);
  return {
    id: "S5",
    title: "canaries in secrets and bodies",
    figures: [
      atLeast("kinds of secrets, each with a canary", searched?.secrets ?? 0, 10),
      atLeast("canaries in bodies, searched for in logs", searched?.bodies ?? 0, 3),
      atLeast("places that were searched", searched?.places ?? 0, 10),
      atLeast("characters that were searched", searched?.characters ?? 0, 100_000),
      none(
        "tests that found a canary, or failed for another reason",
        failed.map(({ file, title }) => `${file}: ${title}`),
      ),
      none(
        "files whose tests did not run",
        FILES.filter((name) => !results.some(({ file }) => file === name)),
      ),
    ],
  };
}
