import { describe, expect, test } from "vitest";
import { functionEnv } from "../../shared/contracts/env.ts";
import {
  type FunctionSettings,
  type Settings,
  settingsSchema,
} from "../../shared/contracts/settings.ts";
import { requestRulesOf } from "../../shared/core/requests/state/request-rules.ts";
import { all, find, liveAliasOf, synth } from "./synth.ts";

const { resources } = synth({ stage: "prod" });
const key = (AttributeName: string, KeyType: string) => ({ AttributeName, KeyType });
const submitLambda = find(resources, "AWS::Lambda::Function", "AckwireSubmit").Properties;

/** Returns the settings that the functions read. */
function settingsOf(of: ReturnType<typeof synth>["resources"]): FunctionSettings {
  const { Variables } = find(of, "AWS::Lambda::Function", "AckwireSubmit").Properties
    .Environment as { Variables: Record<string, string> };
  return functionEnv.submit.shape.SETTINGS.parse(Variables.SETTINGS);
}

describe("The requests table", () => {
  const { Properties } = find(resources, "AWS::DynamoDB::Table", "AckwireRequests");

  test("The requests table is partitioned by lane and has a time to live", () => {
    expect(Properties).toMatchObject({
      KeySchema: [key("lane", "HASH"), key("id", "RANGE")],
      TimeToLiveSpecification: { AttributeName: "expiresAt", Enabled: true },
    });
  });

  test("The requests table has the lane's queue as a local index, which allows strongly consistent reads", () => {
    expect(Properties.LocalSecondaryIndexes).toEqual([
      {
        IndexName: "queue",
        KeySchema: [key("lane", "HASH"), key("laneKey", "RANGE")],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ]);
  });

  test("The requests table has numeric sort keys for the sweeps, and the indexes of lists and groups have what they filter and count by", () => {
    expect(Properties.GlobalSecondaryIndexes).toEqual([
      {
        IndexName: "byClient",
        KeySchema: [key("clientId", "HASH"), key("listedAs", "RANGE")],
        Projection: { ProjectionType: "INCLUDE", NonKeyAttributes: ["accountId", "status"] },
      },
      {
        IndexName: "byGroup",
        KeySchema: [key("groupedAs", "HASH"), key("listedAs", "RANGE")],
        Projection: {
          ProjectionType: "INCLUDE",
          NonKeyAttributes: ["accountId", "status", "submittedMs", "finishedMs"],
        },
      },
      {
        IndexName: "due",
        KeySchema: [key("dueShard", "HASH"), key("dueAt", "RANGE")],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
      {
        IndexName: "sweep",
        KeySchema: [key("sweepShard", "HASH"), key("sweepAt", "RANGE")],
        Projection: { ProjectionType: "KEYS_ONLY" },
      },
    ]);
    expect(Properties.AttributeDefinitions).toEqual(
      expect.arrayContaining([
        { AttributeName: "laneKey", AttributeType: "S" },
        { AttributeName: "dueAt", AttributeType: "N" },
        { AttributeName: "sweepAt", AttributeType: "N" },
      ]),
    );
  });
});

describe("The submit queue", () => {
  const queue = find(resources, "AWS::SQS::Queue", "AckwireSubmissionsQueue").Properties;

  test("The visibility timeout of the submit queue is 6 timeouts of submit", () => {
    expect(submitLambda.Timeout).toBe(30);
    expect(queue.VisibilityTimeout).toBe(180);
  });

  test.each(["smallest", "default", "largest"])(
    "With the %s settings, HTTP timeout < submit's timeout < lease < visibility timeout",
    (which) => {
      const { submitTimeoutSeconds, laneLeaseSeconds } = {
        smallest: { submitTimeoutSeconds: 1, laneLeaseSeconds: 40 },
        default: settingsSchema.parse({}),
        largest: { submitTimeoutSeconds: 10, laneLeaseSeconds: 179 },
      }[which] as Pick<Settings, "submitTimeoutSeconds" | "laneLeaseSeconds">;
      const given = synth({ submitTimeoutSeconds, laneLeaseSeconds }).resources;
      const rules = requestRulesOf(settingsOf(given));
      const times = [
        rules.submitTimeoutMs,
        Number(submitLambda.Timeout) * 1_000,
        rules.laneLeaseMs,
        Number(queue.VisibilityTimeout) * 1_000,
      ];
      expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    },
  );

  test("The function submit is fed by the settings without a batch window and reports failures per message", () => {
    const fed = synth({ submitBatchSize: 3, submitMaxConcurrency: 7 }).resources;
    const mapping = find(fed, "AWS::Lambda::EventSourceMapping", "AckwireSubmissions");
    expect(mapping.Properties).toMatchObject({
      EventSourceArn: { "Fn::GetAtt": [expect.stringMatching(/^AckwireSubmissionsQueue/), "Arn"] },
      FunctionName: liveAliasOf("Submit"),
      BatchSize: 3,
      MaximumBatchingWindowInSeconds: 0,
      ScalingConfig: { MaximumConcurrency: 7 },
      FunctionResponseTypes: ["ReportBatchItemFailures"],
    });
  });
});

describe("Scheduled requests", () => {
  test("The function api has the schedule group, the role, the target and the dead-letter queue of schedules", () => {
    const { Variables } = find(resources, "AWS::Lambda::Function", "AckwireApi").Properties
      .Environment as { Variables: Record<string, unknown> };
    const arnOf = (idStart: string) => ({
      "Fn::GetAtt": [expect.stringMatching(new RegExp(`^${idStart}`)), "Arn"],
    });
    const group = find(resources, "AWS::Scheduler::ScheduleGroup", "AckwireSchedules").Properties;
    expect(Variables).toMatchObject({
      SCHEDULE_GROUP: group.Name,
      SCHEDULE_ROLE_ARN: arnOf("AckwireSchedulesRole"),
      SCHEDULE_DLQ_ARN: arnOf("AckwireSchedulesDeadLetters"),
      SUBMIT_QUEUE_ARN: arnOf("AckwireSubmissionsQueue"),
    });
  });

  test("Schedule groups are deleted with the stack in every stage, because their schedules would have no target", () => {
    for (const [, group] of all(resources, "AWS::Scheduler::ScheduleGroup")) {
      expect(group.DeletionPolicy).toBe("Delete");
    }
  });
});

describe("Request rules", () => {
  test("The request rules have every setting in milliseconds", () => {
    const { resources: given } = synth({
      scheduleMaxDays: 2,
      idempotencyHours: 30,
      paceMinSeconds: 1,
      paceMaxSeconds: 2,
    });
    expect(requestRulesOf(settingsOf(given))).toEqual({
      queueTimeoutMs: 86_400_000,
      laneHoldMs: 3_600_000,
      resultTimeoutMs: 86_400_000,
      pendingCapMs: 14 * 86_400_000,
      actionTimeoutMs: 900_000,
      unknownHoldMs: 900_000,
      unknownTimeoutMs: 86_400_000,
      firstPollMs: 900_000,
      scheduleLeadMs: 7_200_000,
      scheduleMaxMs: 172_800_000,
      pace: { minGapMs: 1_000, maxGapMs: 2_000 },
      defaultPreset: "careful",
      rateLimitPauseMs: 3_600_000,
      accountWaitingLimit: 5_000,
      clientRequestsPerSecond: 100,
      idempotencyMs: 108_000_000,
      retentionMs: 7_776_000_000,
      referenceRetentionMs: 7_776_000_000 + 14 * 86_400_000 + 900_000 + 86_400_000,
      correlationRetentionMs: 172_800_000 + 86_400_000 + 86_400_000,
      submitTimeoutMs: 10_000,
      outboxGraceMs: 30_000,
      laneLeaseMs: 60_000,
    });
  });
});
