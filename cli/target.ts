import { readFileSync } from "node:fs";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { localAws } from "../local/aws/local-aws.ts";
import type { StackTarget } from "../shared/composition/administration.ts";

/** The stack of the stage `local`, which runs on this machine only. */
const LOCAL_STACK = "ackwire-local";

/**
 * The local run of this folder, or a deployed stack.
 *
 * @param of.construct which one of several in the stack; see {@link outputsOf}
 * @throws Error when there is none
 */
export async function targetOf(of: {
  local: boolean;
  stack: string;
  construct?: string | undefined;
}): Promise<StackTarget> {
  if (of.local || of.stack === LOCAL_STACK) {
    const file = JSON.parse(readFileSync(".ackwire/local.json", "utf8")) as {
      awsEndpoint: string;
      providerUrl: string;
      region: string;
      outputs: Record<string, string>;
    };
    return {
      outputs: file.outputs,
      aws: localAws(file.awsEndpoint, file.region),
      nowMs: await businessClockOf(file.providerUrl),
    };
  }
  const StackName = of.stack;
  const { Stacks = [] } = await new CloudFormationClient({})
    .send(new DescribeStacksCommand({ StackName }))
    .catch((cause: unknown) => {
      throw new Error(
        `The stack ${StackName} cannot be read: check your AWS credentials and region (AWS_REGION, AWS_PROFILE, or \`aws sso login\`) and the stack's name. For the local run of this folder, say so (--local)`,
        { cause },
      );
    });
  const outputs = Object.fromEntries(
    (Stacks[0]?.Outputs ?? []).map(({ OutputKey = "", OutputValue = "" }) => [
      OutputKey,
      OutputValue,
    ]),
  );
  return { outputs: outputsOf(outputs, of), aws: {} };
}

/** The output that every construct has. */
const API_URL = "ApiUrl";

/**
 * The outputs of one construct, without the prefix that the construct's path gives them.
 *
 * @param of.construct the prefix; absent: the construct `Ackwire`, which has none, or the only one
 * @throws Error with the names to choose from
 */
export function outputsOf(
  outputs: Readonly<Record<string, string>>,
  { stack, construct }: { stack: string; construct?: string | undefined },
): Record<string, string> {
  const prefixes = Object.keys(outputs)
    .filter((key) => key.endsWith(API_URL))
    .map((key) => key.slice(0, -API_URL.length));
  const [only] = prefixes;
  if (only === undefined) throw new Error(`The stack ${stack} has no output ${API_URL}`);
  const isMain = construct === undefined && prefixes.includes("");
  const prefix = isMain ? "" : (construct ?? (prefixes.length === 1 ? only : undefined));
  if (prefix === undefined || !prefixes.includes(prefix)) {
    const names = prefixes.map((name) => name || "Ackwire").join(", ");
    throw new Error(`The stack ${stack} has the constructs ${names}: choose one with --construct`);
  }
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

/** The business clock of a local run, which may run faster than real time. */
async function businessClockOf(providerUrl: string): Promise<() => number> {
  const answer = await fetch(`${providerUrl}/_control/clock`);
  const { now, speed } = (await answer.json()) as { now: string; speed: number };
  const askedAtMs = Date.now();
  return () => Date.parse(now) + (Date.now() - askedAtMs) * speed;
}
