import { readFileSync } from "node:fs";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { localAws } from "../local/aws/local-aws.ts";
import type { StackTarget } from "../shared/composition/administration.ts";

/** The stack of the stage `local`, which runs on this machine only. */
const LOCAL_STACK = "ackwire-local";

/** The local run of this folder, or a deployed stack. @throws Error when there is none */
export async function targetOf(of: { local: boolean; stack: string }): Promise<StackTarget> {
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
  const { Stacks = [] } = await new CloudFormationClient({}).send(
    new DescribeStacksCommand({ StackName }),
  );
  const outputs = Object.fromEntries(
    (Stacks[0]?.Outputs ?? []).map(({ OutputKey = "", OutputValue = "" }) => [
      OutputKey,
      OutputValue,
    ]),
  );
  return { outputs, aws: {} };
}

/** The business clock of a local run, which may run faster than real time. */
async function businessClockOf(providerUrl: string): Promise<() => number> {
  const answer = await fetch(`${providerUrl}/_control/clock`);
  const { now, speed } = (await answer.json()) as { now: string; speed: number };
  const askedAtMs = Date.now();
  return () => Date.parse(now) + (Date.now() - askedAtMs) * speed;
}
