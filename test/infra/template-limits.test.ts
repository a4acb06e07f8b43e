import { describe, expect, test } from "vitest";
import { all, type Resource, synth } from "./synth.ts";

/** A stage with everything that adds resources or outputs. */
const { resources, outputs } = synth({
  stage: "prod",
  rollout: "Canary10Percent5Minutes",
  pageEmail: "now@example.com",
  ticketEmail: "later@example.com",
  domainName: "hooks.example.com",
  certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/abc",
});

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

interface Policy {
  PolicyDocument: unknown;
  Roles?: { Ref: string }[];
}

/** What one role may do: its own policies, and those that are attached to it. */
function policyBytes([id, { Properties }]: [string, Resource]): number {
  const attached = all(resources, "AWS::IAM::Policy")
    .map(([, policy]) => policy.Properties as unknown as Policy)
    .filter(({ Roles = [] }) => Roles.some(({ Ref }) => Ref === id));
  const inline = (Properties.Policies ?? []) as Policy[];
  return [...attached, ...inline].reduce((sum, one) => sum + bytesOf(one.PolicyDocument), 0);
}

/**
 * The quotas of AWS that a stack cannot exceed. Each is kept at less than three quarters, so that a
 * function or an alarm more does not fail at the deployment.
 */
describe("The template of a whole stage", () => {
  const room = 0.75;

  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
  test("has less than three quarters of 500 resources and of 200 outputs", () => {
    expect(Object.keys(resources).length).toBeLessThan(500 * room);
    expect(Object.keys(outputs).length).toBeLessThan(200 * room);
  });

  test("has less than three quarters of 1 MB", () => {
    expect(bytesOf({ Resources: resources, Outputs: outputs })).toBeLessThan(1_000_000 * room);
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
  test.each(all(resources, "AWS::IAM::Role").map((role) => [role[0], role] as const))(
    "has a role %s whose inline policies have less than three quarters of 10,240 characters",
    (_id, role) => {
      expect(policyBytes(role)).toBeLessThan(10_240 * room);
    },
  );

  // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  test.each(all(resources, "AWS::Lambda::Function"))(
    "has a function %s whose environment has less than three quarters of 4 KB",
    (_id, { Properties }) => {
      const { Variables } = Properties.Environment as { Variables: object };
      expect(bytesOf(Variables)).toBeLessThan(4_096 * room);
    },
  );

  test("has functions whose resource policies have less than three quarters of 20 KB", () => {
    const permissions = Map.groupBy(
      all(resources, "AWS::Lambda::Permission"),
      ([, { Properties }]) => JSON.stringify(Properties.FunctionName),
    );
    expect(permissions.size).toBeGreaterThan(0);
    for (const [, of] of permissions) {
      const bytes = of.reduce((sum, [, { Properties }]) => sum + bytesOf(Properties), 0);
      expect(bytes).toBeLessThan(20_480 * room);
    }
  });

  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
  test("has a combined alarm whose rule has less than three quarters of 10,240 characters", () => {
    const [, anyPage] =
      all(resources, "AWS::CloudWatch::CompositeAlarm").find(
        ([, { Properties }]) => Properties.AlarmName === "ackwire-prod-any-page",
      ) ?? [];
    // An ARN of an alarm in the longest region name, for each reference.
    const arn =
      "arn:aws:cloudwatch:ap-southeast-4:111122223333:alarm:ackwire-prod-inbound-dlq-not-empty";
    const rule = JSON.stringify(anyPage?.Properties.AlarmRule);
    const references = rule.match(/"Fn::GetAtt"/g)?.length ?? 0;
    expect(references).toBeGreaterThan(10);
    expect(references * (arn.length + 'ALARM("") OR '.length)).toBeLessThan(10_240 * room);
  });

  test("logs the API's accesses to a group that is not counted in the account's resource policy", () => {
    const [[, group] = []] = all(resources, "AWS::Logs::LogGroup").filter(([id]) =>
      id.startsWith("AckwirePublicApiLogs"),
    );
    expect(JSON.stringify(group?.Properties.LogGroupName)).toContain(
      '"/aws/vendedlogs/apis/ackwire-prod/"',
    );
  });
});
