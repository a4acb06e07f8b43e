import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { AckwireStack } from "../../infra/ackwire-stack.ts";
import { readConfig } from "../../infra/config.ts";

const cdkJson = JSON.parse(readFileSync(new URL("../../cdk.json", import.meta.url), "utf8"));

/** One directory for each process: test files in one process share it. */
const directory = mkdtempSync(join(tmpdir(), "ackwire-infra-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));

/** Returns the context that `cdk` passes to the app, feature flags included, with the test's values. */
export function cdkContext(context: Record<string, unknown>): Record<string, unknown> {
  return { ...cdkJson.context, ...context };
}

/** Creates the app as `infra/app.ts` does, with functions that have no code. */
export function makeApp(context: Record<string, unknown> = {}) {
  const unbundled = { "aws:cdk:bundling-stacks": [] };
  const app = new App({
    context: cdkContext({ ...unbundled, ...context }),
    outdir: mkdtempSync(join(directory, "app-")),
  });
  // A test names every value itself: the files of the stages are the users'.
  return {
    app,
    stack: new AckwireStack(
      app,
      readConfig(app.node, () => ({})),
    ),
  };
}
