import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { WebhookTargets } from "../../shared/contracts/webhook-targets.ts";
import type { ClockAnchor } from "../clock/clock.ts";

const app = fileURLToPath(new URL("../../infra/app.ts", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The feature flags of a deployment: without them another template would come out. */
function deploymentContext(): object {
  const file: unknown = JSON.parse(
    readFileSync(new URL("../../cdk.json", import.meta.url), "utf8"),
  );
  return (file as { context: object }).context;
}

/** Synthesis takes seconds; one that takes minutes hangs. */
const SYNTHESIS_TIMEOUT_MS = 120_000;

/**
 * Synthesises the stack as `cdk synth` does, for the stage `local`.
 *
 * @throws Error with what the app said, when a setting is wrong for instance
 */
export async function synthesise(options: {
  outputDir: string;
  settings: Readonly<Record<string, string>>;
  clock: ClockAnchor;
  /** Where the functions find the providers. */
  providerUrl: string;
  /** Where they deliver webhooks to. */
  webhookTargets: WebhookTargets;
}): Promise<void> {
  const context = {
    stage: "local",
    settings: JSON.stringify(options.settings),
    businessClock: JSON.stringify(options.clock),
    providerBaseUrls: JSON.stringify({
      "we-link": options.providerUrl,
      "linked-api": options.providerUrl,
    }),
    webhookTargets: JSON.stringify(options.webhookTargets),
  };
  const child = spawn(process.execPath, [app], {
    cwd: root,
    env: {
      ...process.env,
      CDK_OUTDIR: options.outputDir,
      // The CDK's validation changes nothing in the template and takes over a second: `cdk deploy` has it.
      CDK_VALIDATION: "false",
      CDK_CONTEXT_JSON: JSON.stringify({ ...deploymentContext(), ...context }),
    },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: SYNTHESIS_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (exitCode !== 0) throw new Error(`The stack cannot be synthesised:\n${readable(said)}`);
}

/** Without progress, and without the lines of minified libraries that Node prints with an error. */
function readable(said: string): string {
  const lines = said.split("\n").filter((line) => line.length < 2_000);
  return lines
    .filter((line) => !/^Bundling asset|^\s+at /.test(line))
    .join("\n")
    .trim();
}
