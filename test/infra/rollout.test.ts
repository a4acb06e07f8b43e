import { describe, expect, test } from "vitest";
import { all, find, type Resource, synth } from "./synth.ts";

const atOnce = synth({ stage: "prod" }).resources;
const { resources } = synth({ stage: "prod", rollout: "Canary10Percent5Minutes" });
const functions = ["Ingest", "Consume", "Api", "Submit", "Deliver", "Reconcile"];

const idOf = (of: Record<string, Resource>, type: string, idStart: string) =>
  all(of, type).find(([id]) => id.startsWith(idStart))?.[0];

type Metric = {
  MetricStat?: { Metric: { MetricName: string; Dimensions: { Name: string; Value: unknown }[] } };
};

describe("Versions", () => {
  test("Every function has a published version and an alias of it, whatever the rollout", () => {
    for (const stage of [atOnce, resources]) {
      for (const name of functions) {
        const { Properties } = find(stage, "AWS::Lambda::Alias", `Ackwire${name}Live`);
        const version = idOf(stage, "AWS::Lambda::Version", `Ackwire${name}Function`);
        const lambda = idOf(stage, "AWS::Lambda::Function", `Ackwire${name}Function`);
        expect(Properties).toEqual({
          FunctionName: { Ref: lambda },
          FunctionVersion: { "Fn::GetAtt": [version, "Version"] },
          Name: "live",
        });
        expect(find(stage, "AWS::Lambda::Version", `Ackwire${name}`).Properties).toEqual({
          FunctionName: { Ref: lambda },
        });
      }
    }
  });

  test("A new version is published when a variable or the code changes, and only then", () => {
    const versionIds = (context: Record<string, unknown>) =>
      all(synth({ stage: "prod", ...context }).resources, "AWS::Lambda::Version").map(([id]) => id);
    const before = versionIds({});
    expect(versionIds({ apiThrottleRate: 5 })).toEqual(before);
    const after = versionIds({ claimLeaseSeconds: 31 });
    expect(after.filter((id) => before.includes(id))).toEqual([]);
  });

  test("Nothing invokes a function but by its alias", () => {
    const invocations = Object.values(resources).flatMap(({ Type, Properties }) => {
      switch (Type) {
        case "AWS::ApiGatewayV2::Integration":
          return [Properties.IntegrationUri];
        case "AWS::Lambda::EventSourceMapping":
        case "AWS::Lambda::Permission":
          return [Properties.FunctionName];
        case "AWS::Scheduler::Schedule":
          return [(Properties.Target as { Arn: unknown }).Arn];
        default:
          return [];
      }
    });
    // Three integrations, four permissions, five queues, one schedule.
    expect(invocations).toHaveLength(13);
    for (const invoked of invocations) {
      expect(JSON.stringify(invoked)).toMatch(/"Ref":"Ackwire\w+Live[0-9A-F]{8}"/);
    }
    const [[, config] = []] = all(resources, "AWS::Lambda::EventInvokeConfig");
    expect(config?.Properties.FunctionName).toEqual({
      Ref: expect.stringMatching(/^AckwireReconcileFunction/),
    });
    expect(JSON.stringify(config?.Properties.Qualifier)).toContain("AckwireReconcileLive");
  });
});

describe("A gradual rollout", () => {
  test("CodeDeploy has no part in a rollout at once, which is the default", () => {
    const types = Object.values(atOnce).map(({ Type }) => Type);
    expect(types.filter((type) => type.startsWith("AWS::CodeDeploy::"))).toEqual([]);
    expect(JSON.stringify(atOnce)).not.toContain("CodeDeployLambdaAliasUpdate");
  });

  test.each(functions)(
    "CodeDeploy shifts %s, and back when the alarm of its new version is raised",
    (name) => {
      const alias = find(resources, "AWS::Lambda::Alias", `Ackwire${name}Live`);
      const { UpdatePolicy } = alias as Resource & { UpdatePolicy?: Record<string, unknown> };
      const groupId = idOf(
        resources,
        "AWS::CodeDeploy::DeploymentGroup",
        `AckwireRollout${name.toLowerCase()}`,
      );
      expect(UpdatePolicy).toEqual({
        CodeDeployLambdaAliasUpdate: {
          ApplicationName: { Ref: expect.stringMatching(/^AckwireRolloutApplication/) },
          DeploymentGroupName: { Ref: groupId },
        },
      });
      const alarmId = idOf(
        resources,
        "AWS::CloudWatch::Alarm",
        `AckwireRollout${name.toLowerCase()}fails`,
      );
      expect(resources[groupId ?? ""]?.Properties).toMatchObject({
        DeploymentConfigName: "CodeDeployDefault.LambdaCanary10Percent5Minutes",
        AlarmConfiguration: { Enabled: true, Alarms: [{ Name: { Ref: alarmId } }] },
        AutoRollbackConfiguration: {
          Enabled: true,
          Events: ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"],
        },
      });
    },
  );

  test.each(functions)(
    "The alarm of %s is about the new version, raised within minutes and notifies nobody",
    (name) => {
      const { Properties } = find(
        resources,
        "AWS::CloudWatch::Alarm",
        `AckwireRollout${name.toLowerCase()}fails`,
      );
      expect(Properties).toMatchObject({
        Threshold: 1,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        // The most recent minute never has data, so that it is never the one that breaches.
        EvaluationPeriods: 5,
        DatapointsToAlarm: 1,
        TreatMissingData: "notBreaching",
      });
      expect(Properties.AlarmActions).toBeUndefined();
      const metrics = (Properties.Metrics as Metric[]).flatMap(
        ({ MetricStat }) => MetricStat ?? [],
      );
      expect(metrics.map(({ Metric }) => Metric.MetricName)).toEqual(["Errors", "InternalError"]);
      expect(JSON.stringify(Properties.Metrics)).not.toContain('"Period":300');
      const [errors, bugs] = metrics.map(({ Metric }) =>
        Object.fromEntries(Metric.Dimensions.map((one) => [one.Name, one.Value])),
      );
      const version = idOf(resources, "AWS::Lambda::Version", `Ackwire${name}Function`);
      expect(errors?.ExecutedVersion).toEqual({ "Fn::GetAtt": [version, "Version"] });
      expect(bugs).toEqual({ service: name.toLowerCase(), stack: "ackwire-prod" });
    },
  );

  test("An unknown rollout is refused with those that there are", () => {
    expect(() => synth({ rollout: "canary" })).toThrow(
      /rollout: got "canary"; must be AllAtOnce or Canary10Percent5Minutes or /,
    );
  });
});

test("ingest has concurrency of its own where the setting says so", () => {
  const reserved = (context: Record<string, unknown>) =>
    find(synth(context).resources, "AWS::Lambda::Function", "AckwireIngest").Properties
      .ReservedConcurrentExecutions;
  expect(reserved({})).toBeUndefined();
  expect(reserved({ ingestReservedConcurrency: 50 })).toBe(50);
});
