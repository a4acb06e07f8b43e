import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../../local/aws/local-aws.ts";
import { closeServer, listen } from "../../../local/loopback.ts";
import { makeCloudWatchAlarms } from "../../../shared/adapters/cloudwatch-alarms.ts";

const since = "2026-06-25T12:00:00.000Z";

const alarmOf = (name: string, AlarmDescription: string, StateValue: string) => ({
  AlarmName: `ackwire-prod-${name}`,
  AlarmDescription,
  StateValue,
  StateReason: "the reason",
  StateTransitionedTimestamp: Date.parse(since) / 1_000,
});
const metricAlarms = [
  alarmOf("consume-errors", "ticket: Events are late. Runbook: docs/consume-errors.md", "OK"),
  alarmOf("slo-ack-fast-long-window", "One of the two windows of slo-ack-fast.", "ALARM"),
];
const compositeAlarms = [
  alarmOf("slo-ack-fast", "page: Answers are late. Runbook: docs/slo-ack-fast.md", "ALARM"),
  alarmOf("any-page", "Raised while any alarm of this stage is raised.", "ALARM"),
];

/** Answers as CloudWatch does, which lists composite alarms only where they are asked for. */
const server = createServer(async (request, response) => {
  const { AlarmTypes = ["MetricAlarm"] } = JSON.parse(await text(request)) as {
    AlarmTypes?: string[];
  };
  const answer = {
    MetricAlarms: AlarmTypes.includes("MetricAlarm") ? metricAlarms : [],
    CompositeAlarms: AlarmTypes.includes("CompositeAlarm") ? compositeAlarms : [],
  };
  response.setHeader("content-type", "application/x-amz-json-1.0");
  response.end(JSON.stringify(answer));
});
let client: CloudWatchClient;
beforeAll(async () => {
  client = new CloudWatchClient(localAws(`http://${await listen(server, 0)}`));
});
afterAll(async () => {
  client.destroy();
  await closeServer(server);
});

test("The alarms that notify somebody are listed, those of the objectives too, which are composite", async () => {
  const readAlarms = makeCloudWatchAlarms({ client, prefix: "ackwire-prod-" });
  const common = { since, reason: "the reason" };
  expect(await readAlarms()).toEqual({
    isAvailable: true,
    items: [
      {
        name: "slo-ack-fast",
        state: "ALARM",
        severity: "page",
        description: "Answers are late.",
        runbook: "docs/slo-ack-fast.md",
        ...common,
      },
      {
        name: "consume-errors",
        state: "OK",
        severity: "ticket",
        description: "Events are late.",
        runbook: "docs/consume-errors.md",
        ...common,
      },
    ],
  });
});
