/**
 * Runs cfn-lint (PyPI) on the templates of a stage like `prod` and of `dev`, for several regions.
 * Says why it is skipped where there is no Python 3.10 or no PyPI.
 *
 *     npm run lint:template
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Template } from "aws-cdk-lib/assertions";
import { makeApp } from "../infra/synth.ts";
import { runCommand } from "../support/processes.ts";
import { installPythonTool, programsOf } from "../support/python-tool.ts";

const regions = [
  ...["us-east-1", "us-west-2", "ca-central-1", "eu-west-1"],
  ...["eu-central-1", "eu-north-1", "ap-southeast-1", "ap-northeast-1"],
];

const stages = {
  dev: {},
  prod: {
    rollout: "Canary10Percent5Minutes",
    alarmEmail: "ops@example.com",
    domainName: "hooks.example.com",
    certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/abc",
  },
};

const missing = await installPythonTool("cfn-lint", join(import.meta.dirname, "requirements.txt"));
if (missing === undefined) {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-cfn-lint-"));
  const templates = Object.entries(stages).map(([stage, context]) => {
    const file = join(directory, `${stage}.template.json`);
    const template = Template.fromStack(makeApp({ stage, ...context }).stack).toJSON();
    writeFileSync(file, JSON.stringify(template, null, 1));
    return file;
  });
  const { exitCode } = await runCommand(
    join(programsOf("cfn-lint"), "cfn-lint"),
    [
      ...["--regions", ...regions],
      // The CDK makes each function depend on its role and the role's policy: the role is redundant.
      ...["--ignore-checks", "W3005"],
      "--template",
      ...templates,
    ],
    { isShown: true },
  );
  rmSync(directory, { recursive: true });
  console.log(
    `cfn-lint: ${exitCode === 0 ? "no findings" : "findings"} in ${regions.length} regions`,
  );
  process.exitCode = exitCode;
} else {
  console.log(`cfn-lint: skipped, because ${missing}`);
}
