import { GetScheduleCommand, type SchedulerClient } from "@aws-sdk/client-scheduler";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { makeSchedulerRecurring } from "../../../shared/adapters/scheduler-recurring.ts";
import { submitMessage } from "../../../shared/contracts/messages/submit.ts";
import type { RecurringSchedules } from "../../../shared/core/requests/recurring/ports.ts";
import { openScheduler } from "../../support/runs/scheduler-tables.ts";
import { waitOptions } from "../../support/wait-timeout.ts";

let opened: Awaited<ReturnType<typeof openScheduler>>;
let client: SchedulerClient;
let schedules: RecurringSchedules;
let received: () => Promise<unknown[]>;
let groupName: string;

beforeAll(async () => {
  // A cron expression fires once a minute at most.
  opened = await openScheduler({ speed: 60 });
  ({ received } = opened);
  ({ client, groupName } = opened.target);
  schedules = makeSchedulerRecurring(opened.target);
});
afterAll(() => opened.close());

const key = { clientId: "cl_1", recurringId: "weekly" };
const weekly = { cron: "0 9 ? * MON *", timeZone: "Europe/Berlin" };
const named = async (Name: string) =>
  client.send(new GetScheduleCommand({ Name, GroupName: groupName }));

test("A schedule is created, replaced as a whole, disabled and deleted, each of them twice", async () => {
  const names: string[] = [];
  const spied = new Proxy(client, {
    get: (target, member) =>
      member === "send"
        ? (command: { input: { Name?: string } }) => {
            names.push(command.input.Name ?? "");
            return target.send(command as never);
          }
        : Reflect.get(target, member),
  });
  const recording = makeSchedulerRecurring({
    ...{ client: spied, groupName, roleArn: "", queueArn: "", deadLetterArn: "" },
  });
  await recording.delete(key);
  const [name = ""] = names;
  for (let times = 0; times < 2; times++) {
    expect(await schedules.put(key, weekly, { isEnabled: true })).toBe("stored");
  }
  expect(await named(name)).toMatchObject({
    ScheduleExpression: "cron(0 9 ? * MON *)",
    ScheduleExpressionTimezone: "Europe/Berlin",
    State: "ENABLED",
  });
  const daily = { cron: "0 8 * * ? *", timeZone: "Asia/Tokyo" };
  await schedules.put(key, daily, { isEnabled: false });
  expect(await named(name)).toMatchObject({
    ScheduleExpression: "cron(0 8 * * ? *)",
    ScheduleExpressionTimezone: "Asia/Tokyo",
    State: "DISABLED",
  });
  for (let times = 0; times < 2; times++) await schedules.delete(key);
  await expect(named(name)).rejects.toThrow("does not exist");
});

test.each([
  { cron: "99 9 ? * MON *", timeZone: "Europe/Berlin" },
  { cron: "0 9 ? * MON *", timeZone: "Europe/Atlantis" },
])("The expression $cron in $timeZone is invalid, and no schedule is stored", async (every) => {
  const other = { clientId: "cl_1", recurringId: "invalid" };
  expect(await schedules.put(other, every, { isEnabled: true })).toBe("invalid");
});

test("A firing carries the time for which it was planned, in the format of the submit queue", async () => {
  await schedules.put(key, { cron: "* * * * ? *", timeZone: "Asia/Kolkata" }, { isEnabled: true });
  const [message] = await vi.waitUntil(async () => {
    const found = await received();
    return found.length > 0 ? found : undefined;
  }, waitOptions);
  await schedules.delete(key);
  const firing = submitMessage.parse(message);
  expect(firing).toMatchObject({ kind: "recur", ...key });
  expect("firesAt" in firing && Date.parse(firing.firesAt) % 60_000).toBe(0);
});
