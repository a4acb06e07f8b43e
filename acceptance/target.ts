import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";

/** Settings of the SDK's clients; without an endpoint, AWS's own. */
export interface AwsSettings {
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

/** How the admin command is pointed at the target. */
export interface AdminSettings {
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
}

/** What the suite knows of the deployment that it tests. */
export interface Target {
  /** In words, for the report. */
  name: string;
  /** Absent: a local run, which has no CloudFormation. */
  stack: string | undefined;
  apiUrl: string;
  outputs: Readonly<Record<string, string>>;
  aws: AwsSettings;
  admin: AdminSettings;
  /** A text says why no double of a provider can be reached from the functions. */
  provider: ProviderPlace | string;
  /** A text says why no receiver of webhooks can be reached from the functions. */
  receiver: ListeningPlace | string;
  /** The stage's setting of this name, in seconds. */
  firstPollSeconds: number;
  /** Returns the business time in milliseconds, and how many times as fast as real time it passes. */
  clock(): Promise<{ nowMs: number; speed: number }>;
}

/** The simulator of a local run by its URL, or the port on which the suite's own double listens. */
export type ProviderPlace = { simulatorUrl: string } | ListeningPlace;

export interface ListeningPlace {
  /** Of 127.0.0.1; 0 takes a free one. */
  port: number;
  /** The URL under which the functions reach this port. Absent: that of the port. */
  url?: string;
}

/** The file that `ACKWIRE_TARGET` names: `local.json` of a local run, or a description of a stack. */
type TargetFile = LocalTargetFile | StackTargetFile;

interface LocalTargetFile {
  apiUrl: string;
  awsEndpoint: string;
  region: string;
  providerUrl: string;
  outputs: Record<string, string>;
  firstPollSeconds?: number;
}

interface StackTargetFile {
  stack: string;
  region: string;
  endpoint?: string;
  apiUrl?: string;
  provider?: ListeningPlace | string;
  receiver?: ListeningPlace | string;
  firstPollSeconds?: number;
}

/** The setting's default in docs/deploying.md. */
const FIRST_POLL_SECONDS = 900;

/**
 * Reads the description of the target.
 *
 * @throws Error if the file cannot be read, or the stack does not exist
 */
export async function readTarget(path: string): Promise<Target> {
  const file = JSON.parse(readFileSync(path, "utf8")) as TargetFile;
  if ("awsEndpoint" in file) return localTarget(file);
  if (typeof file.stack === "string" && typeof file.region === "string") return stackTarget(file);
  throw new Error(
    `${path} describes no target: it must be local.json of a local run, or name stack and region`,
  );
}

function localTarget(file: LocalTargetFile): Target {
  // The admin command reads the file of the folder in which it runs.
  const cwd = mkdtempSync(join(tmpdir(), "ackwire-acceptance-admin-"));
  mkdirSync(join(cwd, ".ackwire"));
  writeFileSync(join(cwd, ".ackwire/local.json"), JSON.stringify(file), { mode: 0o600 });
  return {
    name: `the local run at ${file.apiUrl}`,
    stack: undefined,
    apiUrl: file.apiUrl,
    outputs: file.outputs,
    aws: {
      endpoint: file.awsEndpoint,
      region: file.region,
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    },
    admin: { args: ["--local"], cwd, env: {} },
    provider: { simulatorUrl: file.providerUrl },
    receiver: { port: 0 },
    firstPollSeconds: file.firstPollSeconds ?? FIRST_POLL_SECONDS,
    async clock() {
      const answer = await fetch(`${file.providerUrl}/_control/clock`);
      const { now, speed } = (await answer.json()) as { now: string; speed: number };
      return { nowMs: Date.parse(now), speed };
    },
  };
}

async function stackTarget(file: StackTargetFile): Promise<Target> {
  const { stack, region, endpoint } = file;
  const aws = { region, ...(endpoint === undefined ? {} : { endpoint }) };
  const outputs = await outputsOf(stack, aws);
  return {
    name: `the stack ${stack} in ${region}${endpoint === undefined ? "" : ` at ${endpoint}`}`,
    stack,
    apiUrl: (file.apiUrl ?? outputs.ApiUrl ?? "").replace(/\/$/, ""),
    outputs,
    aws,
    admin: {
      args: ["--stack", stack],
      cwd: process.cwd(),
      env: {
        AWS_REGION: region,
        ...(endpoint === undefined ? {} : { AWS_ENDPOINT_URL: endpoint }),
      },
    },
    provider: file.provider ?? "the target names no double of a provider",
    receiver: file.receiver ?? "the target names no receiver of webhooks",
    firstPollSeconds: file.firstPollSeconds ?? FIRST_POLL_SECONDS,
    clock: async () => ({ nowMs: Date.now(), speed: 1 }),
  };
}

async function outputsOf(StackName: string, aws: AwsSettings): Promise<Record<string, string>> {
  const client = new CloudFormationClient(aws);
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    const outputs = Stacks[0]?.Outputs ?? [];
    return Object.fromEntries(
      outputs.map(({ OutputKey = "", OutputValue = "" }) => [OutputKey, OutputValue]),
    );
  } finally {
    client.destroy();
  }
}
