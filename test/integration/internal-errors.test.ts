import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import type { FunctionName } from "../../shared/contracts/env.ts";
import { logMessages } from "../../shared/contracts/log-messages.ts";
import type { InboundMessage } from "../../shared/contracts/messages/inbound.ts";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import {
  type LocalTemplate,
  plantTypeError,
  readTemplate,
  writeTemplate,
} from "../support/runs/planted-error.ts";
import { waitOptions } from "../support/wait-timeout.ts";

/** The statement of the core at which each Lambda function throws; it runs for every message or call. */
const plants: Record<FunctionName, { file: string; statement: string }> = {
  ingest: {
    statement: "const checked = await authenticateWebhook(",
    file: "shared/core/inbound/ingest-webhook.ts",
  },
  consume: {
    statement: "const { data } = inboundMessage.safeParse(",
    file: "shared/core/inbound/load-webhook.ts",
  },
  api: {
    statement: "const handler = handlers[operation.operationId];",
    file: "shared/core/api/serve-api.ts",
  },
  operator: {
    statement: "const caller = await authenticate(call.headers);",
    file: "shared/core/operator/serve-operator.ts",
  },
  submit: {
    statement: "switch (message.kind) {",
    file: "shared/core/requests/submission/handle-submit-messages.ts",
  },
  deliver: {
    statement: "const detailText = extractDetail(text);",
    file: "shared/core/deliveries/creation/read-bus-message.ts",
  },
  reconcile: {
    statement: "const total: SweepEventOutboxResult =",
    file: "shared/core/events/sweep-event-outbox.ts",
  },
};

const names = Object.keys(plants) as FunctionName[];

/** A record that a function writes: a log line, or metrics in CloudWatch's embedded format. */
interface Line {
  level?: string;
  message?: string;
  code?: string;
  messageId?: string;
  error?: { name: string; message: string; stack: string; cause?: { name: string } };
  InternalError?: number;
  service?: string;
  stack?: string;
  _aws?: { CloudWatchMetrics: { Namespace: string; Dimensions: string[][] }[] };
}

let run: TestRun;
let template: LocalTemplate;
let sqs: SQSClient;

beforeAll(async () => {
  run = await startTestRun({
    // `reconcile` runs every minute of business time.
    speed: 60,
    edit(assemblyDir) {
      for (const functionName of names) {
        plantTypeError(assemblyDir, { functionName, ...plants[functionName] });
      }
      template = readTemplate(assemblyDir);
      for (const { Type, Properties } of Object.values(template.Resources)) {
        if (Type === "AWS::SQS::Queue" && Properties.RedrivePolicy) {
          Properties.VisibilityTimeout = 1;
        }
      }
      writeTemplate(assemblyDir, template);
    },
  });
  sqs = new SQSClient(localAws(run.addresses.awsUrl));
});

afterAll(async () => {
  sqs?.destroy();
  await run?.close();
});

/** Returns all records that a function has written. */
function linesOf(functionName: FunctionName): Line[] {
  const id = `Ackwire${functionName.charAt(0).toUpperCase()}${functionName.slice(1)}Function`;
  return run
    .logged()
    .split("\n")
    .flatMap((line) => {
      const [, functionId = "", text = ""] = line.match(/^\S+ (\S+) (\{.*\})$/) ?? [];
      return functionId.startsWith(id) ? [JSON.parse(text) as Line] : [];
    });
}

const errorsOf = (functionName: FunctionName) =>
  linesOf(functionName).filter(({ level }) => level === "ERROR");
const metricsOf = (functionName: FunctionName) =>
  linesOf(functionName).filter(({ _aws }) => _aws !== undefined);

/** Waits until a function has logged this number of errors and written their metrics. */
async function waitForErrors(functionName: FunctionName, count: number): Promise<void> {
  await expect.poll(() => errorsOf(functionName).length, waitOptions).toBeGreaterThanOrEqual(count);
  await expect
    .poll(() => metricsOf(functionName).length, waitOptions)
    .toBeGreaterThanOrEqual(count);
}

function expectInternalError(functionName: FunctionName, message: string): void {
  const errors = errorsOf(functionName);
  for (const line of errors) {
    expect(line).toMatchObject({
      message,
      code: "INTERNAL_ERROR",
      error: { name: "TypeError", message: "planted", cause: { name: "RangeError" } },
    });
    const { file } = plants[functionName];
    expect(line.error?.stack).toMatch(new RegExp(`${file.replaceAll(".", "\\.")}:\\d+:\\d+`));
  }
}

/** Expects one log line and one count for each error: a second count would page twice. */
function expectCounted(functionName: FunctionName): void {
  const metrics = metricsOf(functionName);
  for (const line of metrics) {
    expect(line).toMatchObject({
      InternalError: 1,
      service: functionName,
      stack: "ackwire-local",
    });
    expect(line._aws?.CloudWatchMetrics).toMatchObject([
      { Namespace: "Ackwire", Dimensions: [["service", "stack"]] },
    ]);
  }
}

const post = (path: string, body: string) =>
  fetch(`${run.addresses.apiUrl}${path}`, { method: "POST", body });

const send = (QueueUrl: string | undefined, MessageBody: string) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));

describe("TypeErrors in functions of the HTTP API", () => {
  test.each<[FunctionName, () => Promise<Response>]>([
    ["ingest", () => post(run.seed.connections[0]?.inboundPath ?? "", "{}")],
    [
      "api",
      () =>
        fetch(`${run.addresses.apiUrl}/v1/keys`, {
          headers: { authorization: `Bearer ${run.seed.apiKey}` },
        }),
    ],
    [
      "operator",
      () =>
        fetch(`${run.addresses.apiUrl}/v1/operator/overview`, {
          headers: { authorization: `Bearer ${run.seed.operatorKey}` },
        }),
    ],
  ])(
    "A TypeError in %s is answered 500, logged and counted as one INTERNAL_ERROR",
    async (functionName, call) => {
      const response = await call();
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({ code: "INTERNAL_ERROR", status: 500 });
      await waitForErrors(functionName, 1);
      expect(errorsOf(functionName)).toHaveLength(1);
      expectInternalError(functionName, logMessages.httpRequestFailed);
      expectCounted(functionName);
    },
  );
});

describe("TypeErrors in functions behind a queue", () => {
  const inbound: InboundMessage = {
    v: 1,
    provider: "we-link",
    clientId: "cl_1",
    connectionId: "cn_1",
    receivedAtMs: 0,
    bodyBase64: "",
  };
  const submit: SubmitMessage = {
    v: 1,
    kind: "accepted",
    requestId: `rq_${"0".repeat(44)}`,
    wakesLane: true,
  };

  test.each<[FunctionName, string, string]>([
    ["consume", "InboundQueueUrl", JSON.stringify(inbound)],
    ["submit", "SubmitQueueUrl", JSON.stringify(submit)],
    ["deliver", "FanoutQueueUrl", "{}"],
  ])(
    "A TypeError in %s is logged and counted as one INTERNAL_ERROR, and the message is received again",
    async (functionName, queue, body) => {
      await send(run.outputs[queue], body);
      await waitForErrors(functionName, 2);
      expectInternalError(functionName, logMessages.messageProcessingFailed);
      expectCounted(functionName);
      // Only one message is in flight, so each line belongs to another receive of it.
      expect(new Set(errorsOf(functionName).map(({ messageId }) => messageId)).size).toBe(1);
    },
  );
});

test("A TypeError in reconcile fails its invocation and is logged and counted as one INTERNAL_ERROR", async () => {
  await waitForErrors("reconcile", 1);
  expectInternalError("reconcile", logMessages.scheduledRunFailed);
  expectCounted("reconcile");
  expect(run.logged()).toMatch(/AckwireReconcileFunction\w* Invoke Error/);
});

test("The alarm internal-errors sums the metric of each function in the form in which it is emitted", () => {
  const alarm = Object.values(template.Resources).find(
    ({ Type, Properties }) =>
      Type === "AWS::CloudWatch::Alarm" &&
      String(Properties.AlarmName).endsWith("-internal-errors"),
  );
  expect(alarm?.Properties).toMatchObject({ Threshold: 0, TreatMissingData: "notBreaching" });
  const sources = (
    (alarm?.Properties.Metrics ?? []) as { MetricStat?: { Metric: object } }[]
  ).flatMap(({ MetricStat }) => MetricStat?.Metric ?? []);
  const emitted = names.map((functionName) => {
    const [line] = metricsOf(functionName);
    const [written] = line?._aws?.CloudWatchMetrics ?? [];
    return {
      Namespace: written?.Namespace,
      MetricName: "InternalError",
      Dimensions: written?.Dimensions[0]?.map((Name) => ({
        Name,
        Value: line?.[Name as "service" | "stack"],
      })),
    };
  });
  expect(sources).toHaveLength(names.length);
  expect(sources).toEqual(expect.arrayContaining(emitted));
});
