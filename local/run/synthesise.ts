import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { providerId } from "../../shared/contracts/providers.ts";
import type { WebhookTargets } from "../../shared/contracts/webhook-targets.ts";
import type { ClockAnchor } from "../clock/clock.ts";
import { simulatedProvider } from "../simulator/simulated-provider.ts";

const app = fileURLToPath(new URL("../../infra/app.ts", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Returns the feature flags of a deployment; without them the template would differ. */
function deploymentContext(): object {
  const file: unknown = JSON.parse(
    readFileSync(new URL("../../cdk.json", import.meta.url), "utf8"),
  );
  return (file as { context: object }).context;
}

/** The base URL of each provider. One without a simulator gets a path that answers 404 to every call. */
function providerBaseUrls(simulatorUrl: string): Record<string, string> {
  const isSimulated = (id: string) => simulatedProvider.safeParse(id).success;
  return Object.fromEntries(
    providerId.options.map((id) => [
      id,
      isSimulated(id) ? simulatorUrl : `${simulatorUrl}/not-simulated/${id}`,
    ]),
  );
}

/** Synthesis takes seconds; after this time it is considered hung. */
const SYNTHESIS_TIMEOUT_MS = 300_000;

export interface SynthesisOptions {
  outputDir: string;
  settings: Readonly<Record<string, string>>;
  clock: ClockAnchor;
  /** Base URL of the providers for the functions. */
  providerUrl: string;
  /** Where the console is served; absent: there is none. */
  consoleUrl?: string;
  /** Allowed targets of webhooks. */
  webhookTargets: WebhookTargets;
  /** Where the functions send spans; absent: nowhere. */
  otlpUrl?: string | undefined;
}

/** Returns the CDK context of the stage `local`. */
export function localContext(options: SynthesisOptions): Record<string, unknown> {
  return {
    ...deploymentContext(),
    stage: "local",
    settings: JSON.stringify(options.settings),
    businessClock: JSON.stringify(options.clock),
    providerBaseUrls: JSON.stringify(providerBaseUrls(options.providerUrl)),
    webhookTargets: JSON.stringify(options.webhookTargets),
    ...(options.otlpUrl === undefined ? {} : { tracing: "otlp", tracingUrl: options.otlpUrl }),
    ...(options.consoleUrl === undefined ? {} : { consoleUrl: options.consoleUrl }),
  };
}

/**
 * Synthesises the stack for the stage `local`, as `cdk synth` does.
 *
 * @throws Error with the output of the app, for example about an invalid setting
 */
export async function synthesise(options: SynthesisOptions): Promise<void> {
  const child = spawn(process.execPath, [app], {
    cwd: root,
    env: {
      ...process.env,
      CDK_OUTDIR: options.outputDir,
      // The CDK's validation does not change the template and takes more than a second; `cdk
      // deploy` runs it.
      CDK_VALIDATION: "false",
      CDK_CONTEXT_JSON: JSON.stringify(localContext(options)),
    },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: SYNTHESIS_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  let errorOutput = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errorOutput += chunk.toString();
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (exitCode === null) {
    throw new Error(
      `The stack cannot be synthesised: it was not done after ${SYNTHESIS_TIMEOUT_MS / 1_000} s. Try again when the machine has less to do.`,
    );
  }
  if (exitCode !== 0) throw new Error(`The stack cannot be synthesised:\n${readable(errorOutput)}`);
}

/**
 * Removes progress lines, stack frames, and the lines of minified libraries that
 * Node prints with an error.
 */
function readable(errorOutput: string): string {
  const lines = errorOutput.split("\n").filter((line) => line.length < 2_000);
  return lines
    .filter((line) => !/^Bundling asset|^\s+at /.test(line))
    .join("\n")
    .trim();
}
