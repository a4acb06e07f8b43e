import { expect, test } from "vitest";
import { rollouts } from "../../infra/constructs/rollout.ts";
import { textOf } from "../support/tree.ts";

/**
 * Minutes in which CodeDeploy shifts all invocations. A linear shift begins with the first tenth:
 * https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
 */
function shiftMinutes(rollout: string): number {
  const [, kind, minutes] = /^(Canary|Linear)10Percent(?:Every)?(\d+)Minutes?$/.exec(rollout) ?? [];
  return Number(minutes ?? 0) * (kind === "Linear" ? 9 : 1);
}

test("The workflow for GitHub and the guide refuse the rollout that takes longer than the job, and no other", () => {
  const workflow = textOf("docs/deployment/github-deploy.yml");
  const jobMinutes = Number(/timeout-minutes: (\d+)/.exec(workflow)?.[1]);
  const tooLong = rollouts.filter((rollout) => shiftMinutes(rollout) >= jobMinutes);
  expect(tooLong).toEqual(["Linear10PercentEvery10Minutes"]);
  expect(rollouts.filter((rollout) => workflow.includes(rollout))).toEqual(tooLong);
  for (const rollout of tooLong) {
    expect(workflow).toContain(`run: "! grep ${rollout} stages/prod.json"`);
    expect(textOf("docs/deploying.md")).toContain(rollout);
  }
});
