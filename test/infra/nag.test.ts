import { Stack } from "aws-cdk-lib";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { expect, test } from "vitest";
import { operations } from "../../shared/contracts/http/operations.ts";
import { makeApp } from "./synth.ts";

const { app, stack } = makeApp({ stage: "prod", rollout: "Canary10Percent5Minutes" });

const findings = (scope: Stack) =>
  new AwsSolutionsChecks().validateScope(scope).violations.map(({ ruleName }) => ruleName);

test("The stack has no unacknowledged finding of cdk-nag", () => {
  expect(findings(stack)).toEqual([]);
});

test("The rules of cdk-nag report a queue without TLS and dead letters", () => {
  const careless = new Stack(app, "careless");
  new Queue(careless, "Queue");
  expect(findings(careless)).toEqual(
    expect.arrayContaining([
      expect.stringContaining("AwsSolutions-SQS3"),
      expect.stringContaining("AwsSolutions-SQS4"),
    ]),
  );
});

test("Each acknowledged finding has a reason that names the resource", () => {
  const acknowledged = stack.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === "aws:cdk:acknowledged-rules")
    .map(({ data }) => JSON.stringify(data));
  // The operations, the inbound webhooks, the operator API, and the route of everything else.
  const routes = operations.length + 3;
  // Those that operator reads, writes and deletes.
  const operatorAreas = 4 + 1 + 1;
  // One finding for each area that ingest, consume, api, submit, deliver and reconcile read or write.
  const objectAreas = 2 + (3 + 2) + (2 + 1) + (1 + 2) + (2 + 1) + (2 + 2) + operatorAreas;
  const schedules = 2;
  const alarms = 1;
  const codeDeploy = 1;
  expect(acknowledged).toHaveLength(routes + objectAreas + schedules + alarms + codeDeploy + 4);
  expect(acknowledged.join("\n")).toMatch(/Route POST \/v1\/in\//);
  for (const { method, path } of operations) {
    expect(acknowledged.join("\n")).toContain(`Route ${method} ${path}: `);
  }
  expect(acknowledged.filter((one) => one.includes("IAM5"))).toHaveLength(
    objectAreas + schedules + alarms,
  );
  expect(acknowledged.join("\n")).toMatch(/Schedules\/Group: /);
  expect(acknowledged.join("\n")).toMatch(/Schedules\/DeadLetters: /);
  expect(acknowledged.join("\n")).toMatch(/Bodies\/Bucket: only/);
  expect(acknowledged.join("\n")).toMatch(/MasterSecret: /);
  expect(acknowledged.join("\n")).toMatch(/Sweep\/DeadLetters: /);
});
