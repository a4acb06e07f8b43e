/**
 * Rehearses the life of a stage on MiniStack, an emulator of AWS that is not ours: `cdk bootstrap`,
 * `npm run deploy`, `npm run acceptance`, an update, `cdk destroy`. Prints a table of what passed,
 * failed and was skipped, and exits with 1 if something failed. Says why it is skipped where there
 * is no Python 3.10 or no PyPI. Nothing leaves this machine but the installation.
 *
 *     npm run rehearse
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { type CaseResult, table } from "../acceptance/table.ts";
import { freePort } from "../local/loopback.ts";
import { runCommand } from "../test/support/processes.ts";
import { installMinistack, startMinistack } from "./ministack.ts";
import { useStage } from "./stage-commands.ts";

const root = resolve(import.meta.dirname, "..");
const cdk = join(root, "node_modules/aws-cdk/bin/cdk");
const deploy = join(root, "infra/deployment/deploy.ts");
const acceptance = join(root, "acceptance/run.ts");

const STACK = "ackwire-dev";
const REGION = "us-east-1";
/** MiniStack's account. */
const ACCOUNT = "000000000000";
const FIRST_POLL_SECONDS = 60;

const results: CaseResult[] = [];

/** Runs a step and notes its result; `action` throws if it fails. @returns whether it passed */
async function step(title: string, action: () => Promise<void>): Promise<boolean> {
  console.log(`\n── ${title}`);
  const startedMs = performance.now();
  const failure = await action().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  const noted = failure === undefined ? {} : { reason: failure };
  results.push({ status: failure === undefined ? "passed" : "failed", title, seconds, ...noted });
  return failure === undefined;
}

/** Runs a script of the repository. @throws Error with the end of what it printed if it fails */
async function runScript(args: readonly string[], env: NodeJS.ProcessEnv, cwd = root) {
  const { exitCode, output } = await runCommand(process.execPath, args, { env, cwd });
  if (exitCode !== 0) throw new Error(output.trim().split("\n").slice(-15).join("\n"));
}

async function rehearse(directory: string): Promise<void> {
  const venv = join(directory, "venv");
  console.log("── MiniStack is installed");
  const missing = await installMinistack(venv);
  if (missing !== undefined) {
    results.push({ status: "skipped", title: "The rehearsal", seconds: 0, reason: missing });
    return;
  }
  const ministack = await startMinistack(venv, join(directory, "ministack"));
  try {
    await rehearseOn(ministack.endpoint, directory);
  } finally {
    await ministack.stop();
  }
}

async function rehearseOn(endpoint: string, directory: string): Promise<void> {
  const { AWS_PROFILE: _, ...environment } = process.env;
  const env = {
    ...environment,
    ...{ AWS_ENDPOINT_URL: endpoint, AWS_REGION: REGION, AWS_DEFAULT_REGION: REGION },
    ...{ AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
    ...{ AWS_EC2_METADATA_DISABLED: "true", CI: "true" },
  };
  Object.assign(process.env, env);
  const empty = join(directory, "empty");
  mkdirSync(empty);
  const providerPort = await freePort();
  // A deployed stage calls providers by https only. MiniStack sends these calls to this machine as http.
  const providerUrl = `https://127.0.0.1:${providerPort}`;
  const deployWith = (settings: object) =>
    runScript(
      [
        ...[deploy, "deploy", "--require-approval", "never", "-c", "alarms=on"],
        ...["-c", `settings=${JSON.stringify(settings)}`],
        "-c",
        `providerBaseUrls=${JSON.stringify({ "we-link": providerUrl, "linked-api": providerUrl })}`,
      ],
      env,
    );
  const settings = { scheduleLeadSeconds: 0, firstPollSeconds: FIRST_POLL_SECONDS };

  results.push({
    status: "skipped",
    title: "the saved queries of Logs Insights are deployed",
    seconds: 0,
    reason: "MiniStack does not keep AWS::Logs::QueryDefinition",
  });
  const isDeployed =
    // In an empty folder: the bootstrap of a named environment needs no app.
    (await step("cdk bootstrap", () =>
      runScript([cdk, "bootstrap", `aws://${ACCOUNT}/${REGION}`], env, empty),
    )) &&
    (await step("npm run deploy creates the stack", async () => {
      await deployWith(settings);
      await expectStatus("CREATE_COMPLETE");
    }));
  if (!isDeployed) return;

  const target = join(directory, "target.json");
  const described = await describeTarget(endpoint, providerPort);
  writeFileSync(target, JSON.stringify(described));
  const accept = async (...args: string[]) => {
    const file = join(directory, "results.json");
    rmSync(file, { force: true });
    await runCommand(process.execPath, [acceptance, "--results", file, ...args], {
      env: { ...env, ACKWIRE_TARGET: target },
      isShown: true,
    });
    results.push(...(JSON.parse(readFileSync(file, "utf8")) as CaseResult[]));
  };
  await step("The command ackwire works with --stage dev", () =>
    useStage("dev", { ...env, ACKWIRE_API_URL: described.apiUrl }),
  );
  await step("npm run acceptance runs", () => accept());
  await step("npm run deploy updates the stack with a changed setting", async () => {
    await deployWith({ ...settings, dedupeRetentionDays: 7, consumeBatchSize: 5 });
    await expectStatus("UPDATE_COMPLETE");
  });
  await step("npm run acceptance runs after the update", () =>
    accept("--only", "one event on the bus"),
  );
  await step("cdk destroy deletes the stack", async () => {
    await runScript([cdk, "destroy", STACK, "--force"], env);
    await expectStatus(undefined);
  });
}

/** @throws Error if the stack has another status; `undefined`: if it exists */
async function expectStatus(expected: string | undefined): Promise<void> {
  const status = (await describeStack())?.StackStatus;
  if (status !== expected) throw new Error(`The stack's status is ${status}, not ${expected}`);
}

async function describeStack() {
  const client = new CloudFormationClient({});
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: STACK }));
    return Stacks[0];
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  } finally {
    client.destroy();
  }
}

/** Describes the stack for the acceptance suite. */
async function describeTarget(endpoint: string, providerPort: number) {
  const { Outputs = [] } = (await describeStack()) ?? {};
  const apiUrl = Outputs.find(({ OutputKey }) => OutputKey === "ApiUrl")?.OutputValue ?? "";
  const [apiId = ""] = new URL(apiUrl).hostname.split(".");
  return {
    stack: STACK,
    region: REGION,
    endpoint,
    // The API by its path: not every machine resolves names below `localhost`.
    apiUrl: `${endpoint}/_aws/execute-api/${apiId}/$default`,
    provider: { port: providerPort },
    receiver: "a deployed stage posts webhooks to public addresses only, and the receiver is here",
    firstPollSeconds: FIRST_POLL_SECONDS,
  };
}

const directory = mkdtempSync(join(tmpdir(), "ackwire-rehearsal-"));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
await rehearse(directory);
console.log(`\n${table(results)}`);
process.exitCode = results.some(({ status }) => status === "failed") ? 1 : 0;
