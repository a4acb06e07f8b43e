import {
  CreateScheduleCommand,
  GetScheduleCommand,
  SchedulerClient,
} from "@aws-sdk/client-scheduler";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { freePort } from "../../../local/loopback.ts";
import { makeSchedulerSchedules } from "../../../shared/adapters/scheduler-schedules.ts";
import { submitMessage } from "../../../shared/contracts/messages/submit.ts";
import type { Schedules } from "../../../shared/core/requests/state/ports.ts";
import { requestRecord } from "../../support/payloads/request-records.ts";
import { openScheduler } from "../../support/runs/scheduler-tables.ts";
import { waitOptions } from "../../support/wait-timeout.ts";

let opened: Awaited<ReturnType<typeof openScheduler>>;
let client: SchedulerClient;
let schedules: Schedules;
let received: () => Promise<unknown[]>;
let groupName: string;

beforeAll(async () => {
  opened = await openScheduler();
  ({ received } = opened);
  ({ client, groupName } = opened.target);
  schedules = makeSchedulerSchedules(opened.target);
});
afterAll(() => opened.close());

const DAY_MS = 86_400_000;
const get = (Name: string) => client.send(new GetScheduleCommand({ Name, GroupName: groupName }));

test("A schedule sends `due` at its time, not earlier, and is deleted afterwards (G7)", async () => {
  const { requestId } = requestRecord();
  const atMs = Date.now() + 1_200;
  await schedules.create(requestId, atMs);
  const messages = await vi.waitUntil(async () => {
    const found = await received();
    return found.length > 0 ? found : undefined;
  }, waitOptions);
  expect(Date.now()).toBeGreaterThanOrEqual(atMs);
  expect(messages.map((message) => submitMessage.parse(message))).toEqual([
    { v: 1, kind: "due", requestId },
  ]);
  await expect
    .poll(() => get(requestId).catch((error: Error) => error.name))
    .toBe("ResourceNotFoundException");
});

test("A schedule has every property that AWS needs, and its time is in UTC, rounded up to the second", async () => {
  const { requestId } = requestRecord();
  const atMs = Date.UTC(2099, 11, 31, 23, 59, 59, 1);
  await schedules.create(requestId, atMs);
  const found = await get(requestId);
  expect(found).toMatchObject({
    ScheduleExpression: "at(2100-01-01T00:00:00)",
    ScheduleExpressionTimezone: "UTC",
    FlexibleTimeWindow: { Mode: "OFF" },
    ActionAfterCompletion: "DELETE",
    Target: {
      DeadLetterConfig: { Arn: expect.stringContaining(":sqs:") },
      RetryPolicy: { MaximumRetryAttempts: expect.any(Number) },
    },
  });
  expect(found.Name).toMatch(/^[0-9a-zA-Z-_.]{1,64}$/);
});

test("A schedule for a whole second is not rounded", async () => {
  const { requestId } = requestRecord();
  await schedules.create(requestId, Date.UTC(2099, 0, 1));
  expect((await get(requestId)).ScheduleExpression).toBe("at(2099-01-01T00:00:00)");
});

test("Creating a schedule a second time succeeds and changes nothing", async () => {
  const { requestId } = requestRecord();
  const atMs = Date.UTC(2099, 0, 1);
  await schedules.create(requestId, atMs);
  await schedules.create(requestId, atMs);
  expect((await get(requestId)).ScheduleExpression).toBe("at(2099-01-01T00:00:00)");
});

test("Creating a schedule that exists with another client token succeeds and keeps the existing one", async () => {
  const [made, taken] = [requestRecord().requestId, requestRecord().requestId];
  await schedules.create(made, Date.UTC(2099, 0, 1));
  const { ScheduleExpression, FlexibleTimeWindow, Target } = await get(made);
  await client.send(
    new CreateScheduleCommand({
      Name: taken,
      GroupName: groupName,
      ClientToken: "another",
      ScheduleExpression,
      FlexibleTimeWindow,
      Target,
    }),
  );
  await schedules.create(taken, Date.UTC(2099, 0, 2));
  expect((await get(taken)).ScheduleExpression).toBe(ScheduleExpression);
});

test("Deleting a schedule a second time succeeds", async () => {
  const { requestId } = requestRecord();
  await schedules.create(requestId, Date.now() + DAY_MS);
  await schedules.delete(requestId);
  await expect(get(requestId)).rejects.toThrow();
  await schedules.delete(requestId);
});

test("Creating a schedule in the past throws DEPENDENCY_DOWN", async () => {
  const creating = schedules.create(requestRecord().requestId, Date.now() - DAY_MS);
  await expect(creating).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
});

test("Creating and deleting a schedule throws DEPENDENCY_DOWN when Scheduler does not respond, and each schedule that was not created is counted", async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const credentials = { accessKeyId: "none", secretAccessKey: "none" };
  const gone = new SchedulerClient({ endpoint, credentials, region: "us-east-1", maxAttempts: 1 });
  const roleArn = "arn:aws:iam::000000000000:role/none";
  const queueArn = "arn:aws:sqs:us-east-1:000000000000:none";
  let failedCount = 0;
  const down = makeSchedulerSchedules({
    onCreateFailed: () => {
      failedCount++;
    },
    client: gone,
    groupName,
    roleArn,
    queueArn,
    deadLetterArn: queueArn,
  });
  const { requestId } = requestRecord();
  const isDown = { code: "DEPENDENCY_DOWN" };
  await expect(down.create(requestId, Date.now() + DAY_MS)).rejects.toMatchObject(isDown);
  await expect(down.delete(requestId)).rejects.toMatchObject(isDown);
  expect(failedCount).toBe(1);
  gone.destroy();
});
