/**
 * Compares a stage with what is deployed, in words, and deploys it.
 *
 *     npm run diff -- [-c NAME=VALUE …]
 *     npm run deploy -- [-c NAME=VALUE …] [--allow-removal] [--allow-replacement] [options of cdk deploy]
 *
 * A deployment that removes a domain, a subscription or a value of the configuration needs
 * `--allow-removal`; one that replaces or deletes a resource that holds data needs
 * `--allow-replacement`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CloudFormationClient, GetTemplateCommand } from "@aws-sdk/client-cloudformation";
import { type StackTemplate, type TemplateChange, templateChanges } from "./template-changes.ts";

const root = resolve(import.meta.dirname, "../..");
const cdk = join(root, "node_modules/aws-cdk/bin/cdk");

/** The flag that a deployment with changes of a kind needs. */
const neededFlags = {
  remove: "--allow-removal",
  replace: "--allow-replacement",
  change: undefined,
} as const;

const signs = { remove: "!", replace: "!", change: " " } as const;

/** The deployed stack cannot be read. The message says what the person who deploys can do. */
class NotReadable extends Error {}

const [command, ...given] = process.argv.slice(2);
const flags = given.filter((one) => Object.values<string | undefined>(neededFlags).includes(one));
const cdkOptions = given.filter((one) => !flags.includes(one));

const assembly = mkdtempSync(join(tmpdir(), "ackwire-deploy-"));
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof NotReadable)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(assembly, { recursive: true, force: true });
}

async function main(): Promise<number> {
  if (command !== "diff" && command !== "deploy") {
    console.error("Usage: npm run diff -- [-c NAME=VALUE …], or npm run deploy -- [options]");
    return 1;
  }
  const { synthesis, others } = separated(cdkOptions);
  if (runCdk(["synth", "--quiet", "--output", assembly, ...synthesis]) !== 0) return 1;
  const { stackName, template } = readAssembly();
  const deployed = await deployedTemplate(stackName, optionOf(others, "--profile"));
  const changes = deployed && templateChanges(deployed, template);
  console.log(report(stackName, changes));
  if (command === "diff") return 0;
  const missing = missingFlags(changes ?? []);
  if (missing.length > 0) {
    console.error(
      `\n${stackName} is not deployed. Put back what is missing, or add ${missing.join(" and ")}.`,
    );
    return 1;
  }
  return runCdk(["deploy", "--app", assembly, "--all", ...others]);
}

/** Separates the options that the synthesis reads; the deployment takes the assembly as it is. */
function separated(options: readonly string[]): { synthesis: string[]; others: string[] } {
  const synthesis: string[] = [];
  const others: string[] = [];
  for (let index = 0; index < options.length; index++) {
    const option = options[index] ?? "";
    if (option === "-c" || option === "--context") {
      synthesis.push(option, options[++index] ?? "");
    } else if (option.startsWith("--context=") || /^-c./.test(option)) {
      synthesis.push(option);
    } else {
      others.push(option);
    }
  }
  return { synthesis, others };
}

function optionOf(options: readonly string[], name: string): string | undefined {
  const index = options.findIndex((one) => one === name || one.startsWith(`${name}=`));
  return options[index]?.split("=")[1] ?? (index < 0 ? undefined : options[index + 1]);
}

function runCdk(args: readonly string[]): number {
  const { status, error } = spawnSync(process.execPath, [cdk, ...args], {
    cwd: root,
    stdio: "inherit",
  });
  if (error) throw error;
  return status ?? 1;
}

function readAssembly(): { stackName: string; template: StackTemplate } {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(assembly, file), "utf8"));
  const { artifacts } = read("manifest.json") as {
    artifacts: Record<string, { type: string; properties: { templateFile: string } }>;
  };
  const [stackName, stack] =
    Object.entries(artifacts).find(([, { type }]) => type === "aws:cloudformation:stack") ?? [];
  if (stackName === undefined || stack === undefined) throw new Error("The app has no stack");
  return { stackName, template: read(stack.properties.templateFile) as StackTemplate };
}

/** Returns the template of the deployed stack; `undefined` when it does not exist yet. */
async function deployedTemplate(
  StackName: string,
  profile: string | undefined,
): Promise<StackTemplate | undefined> {
  const client = new CloudFormationClient(profile === undefined ? {} : { profile });
  try {
    const { TemplateBody } = await client.send(
      new GetTemplateCommand({ StackName, TemplateStage: "Original" }),
    );
    return JSON.parse(TemplateBody ?? "{}") as StackTemplate;
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw new NotReadable(
      `The template of ${StackName} cannot be read, so that nothing is compared or deployed: ${String(error)}. Check the credentials and the region (AWS_REGION, --profile).`,
      { cause: error },
    );
  } finally {
    client.destroy();
  }
}

function report(stackName: string, changes: readonly TemplateChange[] | undefined): string {
  if (changes === undefined) return `${stackName} does not exist yet and is created.`;
  if (changes.length === 0) return `${stackName} is as it is deployed.`;
  return [
    `${stackName} would change:`,
    ...changes.map(({ kind, text }) => `${signs[kind]} ${text}`),
  ].join("\n");
}

function missingFlags(changes: readonly TemplateChange[]): string[] {
  const needed = new Set(changes.flatMap(({ kind }) => neededFlags[kind] ?? []));
  return [...needed].filter((flag) => !flags.includes(flag));
}
