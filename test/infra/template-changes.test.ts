import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { type StackTemplate, templateChanges } from "../../infra/deployment/template-changes.ts";
import { makeApp } from "./synth.ts";

const templateOf = (context: Record<string, unknown>) =>
  Template.fromStack(makeApp({ stage: "prod", ...context }).stack).toJSON() as StackTemplate;

const domain = {
  domainName: "hooks.example.com",
  certificateArn: "arn:aws:acm:eu-west-1:111122223333:certificate/abc",
};
const full = templateOf({ ...domain, alarmEmail: "ops@example.com", paceMinSeconds: 60 });

const textsOf = (kind: string, deployed: StackTemplate, next: StackTemplate) =>
  templateChanges(deployed, next)
    .filter((change) => change.kind === kind)
    .map(({ text }) => text);

describe("What a deployment would change", () => {
  test("The same configuration changes nothing", () => {
    expect(templateChanges(full, structuredClone(full))).toEqual([]);
  });

  test("A deployment that forgets the configuration of the one before removes domain and subscriptions", () => {
    expect(textsOf("remove", full, templateOf({}))).toEqual([
      "pageEmail is no longer set; it was ops@example.com.",
      "ticketEmail is no longer set; it was ops@example.com.",
      "domainName is no longer set; it was hooks.example.com.",
      `certificateArn is no longer set; it was ${domain.certificateArn}.`,
      "The domain hooks.example.com is removed: every inbound URL under it stops working, and webhooks to it are lost.",
      ...Array(2).fill(
        'The subscription of "ops@example.com" is removed: nobody there is notified by alarms any more.',
      ),
    ]);
    expect(textsOf("change", full, templateOf({}))).toContain(
      "paceMinSeconds changes from 60 to 30.",
    );
  });

  test("A stack of a version without the configuration in its template is compared by its resources", () => {
    const { Metadata: _, ...before } = full;
    expect(textsOf("remove", before, templateOf({}))).toContainEqual(
      expect.stringContaining("The domain hooks.example.com is removed"),
    );
  });

  test("Alarms that are turned off are a removal", () => {
    const { alarmEmail: _, ...rest } = { ...domain, alarmEmail: "" };
    expect(textsOf("remove", full, templateOf({ ...rest, alarms: "off" }))).toContain(
      "alarms changes from on to off.",
    );
  });

  test("Changed settings replace no resource that holds data", () => {
    const changed = templateOf({
      ...domain,
      alarmEmail: "ops@example.com",
      dedupeRetentionDays: 40,
      consumeMaxConcurrency: 10,
      claimLeaseSeconds: 40,
      archiveRetentionDays: 5,
      logRetentionDays: 90,
      deliverBatchWindowSeconds: 2,
    });
    expect(textsOf("replace", full, changed)).toEqual([]);
  });
});

describe("Resources that hold data", () => {
  const tableId =
    Object.keys(full.Resources ?? {}).find((id) => /^AckwireRequestsTable/.test(id)) ?? "";

  test("A changed key of a table is its replacement", () => {
    const next = structuredClone(full);
    const table = next.Resources?.[tableId];
    if (table?.Properties) table.Properties.KeySchema = [{ AttributeName: "x", KeyType: "HASH" }];
    expect(textsOf("replace", full, next)).toEqual([
      `AWS::DynamoDB::Table ${tableId} is replaced by an empty one because of KeySchema.`,
    ]);
  });

  test("A table with another logical id leaves the stack with its data", () => {
    const next = structuredClone(full);
    const { [tableId]: table, ...others } = next.Resources ?? {};
    const changed = { ...next, Resources: { ...others, ...(table && { Renamed: table }) } };
    expect(textsOf("replace", full, changed)).toEqual([
      `AWS::DynamoDB::Table ${tableId} leaves the stack; its data stays, but nothing uses it any more.`,
    ]);
  });

  test("A deleted queue of a stage that retains nothing is deleted with its data", () => {
    const dev = templateOf({ stage: "dev" });
    const { Resources = {}, ...rest } = dev;
    const queueId = Object.keys(Resources).find((id) => /^AckwireInboundQueue/.test(id)) ?? "";
    const { [queueId]: _, ...others } = Resources;
    expect(textsOf("replace", dev, { ...rest, Resources: others })).toEqual([
      `AWS::SQS::Queue ${queueId} is deleted with its data.`,
    ]);
  });
});
