import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CloudFormationClient, paginateListStackResources } from "@aws-sdk/client-cloudformation";
import type { Target } from "../target.ts";

/** The alarms of a deployed stack. */
export function monitoringCases(target: Target): void {
  test("Every alarm that has a runbook is defined in the stack", async (t) => {
    const { stack } = target;
    if (stack === undefined) return t.skip("the local run has no CloudWatch");
    const alarms = await alarmsOf(target, stack);
    if (alarms.length === 0) return t.skip("the stage has no alarms: its file says `alarms: off`");
    const missing = runbooks().filter((id) => !alarms.includes(`${stack}-${id}`));
    assert.deepEqual(missing, []);
  });
}

/** Returns the names of the alarms that CloudFormation has created. */
async function alarmsOf({ aws }: Target, StackName: string): Promise<string[]> {
  const client = new CloudFormationClient(aws);
  try {
    const names: string[] = [];
    for await (const { StackResourceSummaries = [] } of paginateListStackResources(
      { client },
      { StackName },
    )) {
      for (const {
        ResourceType,
        ResourceStatus,
        PhysicalResourceId = "",
      } of StackResourceSummaries) {
        const isAlarm = /^AWS::CloudWatch::(Composite)?Alarm$/.test(ResourceType ?? "");
        if (isAlarm && /^(CREATE|UPDATE)_COMPLETE$/.test(ResourceStatus ?? "")) {
          // A name, or an ARN that ends with it.
          names.push(PhysicalResourceId.split(":").at(-1) ?? "");
        }
      }
    }
    return names;
  } finally {
    client.destroy();
  }
}

/** Returns the ids of the alarms in the table of docs/runbooks/README.md. */
function runbooks(): string[] {
  const text = readFileSync(new URL("../../docs/runbooks/README.md", import.meta.url), "utf8");
  return [...text.matchAll(/^\| \[([\w-]+)\]\(/gm)].map(([, id = ""]) => id);
}
