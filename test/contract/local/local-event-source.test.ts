import { setTimeout } from "node:timers/promises";
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterEach, describe, expect, it } from "vitest";
import { type LocalAws, startAws } from "../../../local/aws/aws.ts";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { openDurableStore } from "../../../local/durable-store.ts";
import { startMappings } from "../../../local/event-source/event-source-mapping.ts";
import type { SqsEventRecord } from "../../../local/event-source/sqs-event.ts";
import { functionCredentials } from "../../../local/lambda/function-credentials.ts";
import { failed, type InvokeResult } from "../../../local/lambda/invoke-result.ts";
import { startLambdas } from "../../../local/lambda/lambdas.ts";
import {
  functionWithRole,
  loadAssembly,
  type TestResource,
} from "../../support/runs/cloud-assembly.ts";

const arn = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });
const allGrants = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];

/** Longer than a busy machine needs to delete a message. */
const comesAgain = { VisibilityTimeout: 3 };

interface Setup {
  function?: Record<string, unknown>;
  mapping?: Record<string, unknown>;
  queue?: Record<string, unknown>;
  grants?: string[];
  code?: string;
  maxBatches?: number;
}

function resources({
  function: of,
  mapping,
  queue,
  grants = allGrants,
}: Setup): Record<string, TestResource> {
  return {
    Dlq: { Type: "AWS::SQS::Queue" },
    Work: {
      Type: "AWS::SQS::Queue",
      Properties: {
        // Longer than any test: a message is received again only in tests that set a shorter
        // timeout.
        VisibilityTimeout: 600,
        RedrivePolicy: { deadLetterTargetArn: arn("Dlq"), maxReceiveCount: 2 },
        ...queue,
      },
    },
    ...functionWithRole("F", of),
    Policy: {
      Type: "AWS::IAM::Policy",
      Properties: {
        Roles: [{ Ref: "FRole" }],
        PolicyDocument: {
          Statement: [{ Effect: "Allow", Action: grants, Resource: arn("Work") }],
        },
      },
    },
    Mapping: {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: {
        EventSourceArn: arn("Work"),
        FunctionName: { Ref: "F" },
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        ...mapping,
      },
    },
  };
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function setUp(setup: Setup = {}) {
  const store = openDurableStore();
  const now = Date.now();
  const clock = makeBusinessClock({ realMs: now, businessMs: now, speed: 1 });
  const aws: LocalAws = await startAws({ port: 0, store, clock, log: () => {} });
  closers.push(async () => {
    await aws.close();
    store.close();
  });
  const code = { F: { "index.js": setup.code ?? "exports.handler = async () => {};" } };
  const template = loadAssembly({ Resources: resources(setup) }, code, aws.url);
  await aws.provision(template);
  aws.registerCaller(functionCredentials("F").accessKeyId, { name: "F", roleId: "FRole" });
  const credentials = { accessKeyId: "person", secretAccessKey: "local" };
  const sqs = new SQSClient({ endpoint: aws.url, region: "us-east-1", credentials });
  const url = (queueId: string) => `${aws.url}/000000000000/${queueId}`;
  return {
    aws,
    template,
    /** Sends the bodies in batches of ten. */
    send: async (...bodies: string[]) => {
      for (let start = 0; start < bodies.length; start += 10) {
        const Entries = bodies
          .slice(start, start + 10)
          .map((MessageBody, index) => ({ Id: String(index), MessageBody }));
        await sqs.send(new SendMessageBatchCommand({ QueueUrl: url("Work"), Entries }));
      }
    },
    sendOne: (message: Omit<ConstructorParameters<typeof SendMessageCommand>[0], "QueueUrl">) =>
      sqs.send(new SendMessageCommand({ QueueUrl: url("Work"), ...message })),
    /** A long poll. */
    poll: (queueId: string) =>
      sqs.send(new ReceiveMessageCommand({ QueueUrl: url(queueId), WaitTimeSeconds: 20 })),
    removeQueue: () => sqs.send(new DeleteQueueCommand({ QueueUrl: url("Work") })),
    restoreQueue: () => sqs.send(new CreateQueueCommand({ QueueName: "Work" })),
    /** Returns the number of messages in a queue, including those in flight. */
    count: async (queueId: string) => {
      const { Attributes = {} } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: url(queueId), AttributeNames: ["All"] }),
      );
      const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes;
      return Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesNotVisible);
    },
  };
}

type Answer = (records: SqsEventRecord[]) => InvokeResult | Promise<InvokeResult>;

/** Starts the mappings with a fake function that returns this response. */
async function run(
  { aws, template }: Awaited<ReturnType<typeof setUp>>,
  answer: Answer = () => ({ payload: null }),
  maxBatches = 4,
  inspected = new Set<string>(),
) {
  const batches: SqsEventRecord[][] = [];
  const lines: string[] = [];
  const mappings = await startMappings({
    template,
    awsUrl: aws.url,
    maxBatches,
    inspected,
    pollers: aws.pollers,
    lambdas: {
      invoke: async (_, event) => {
        const { Records } = event as { Records: SqsEventRecord[] };
        batches.push(Records);
        return answer(Records);
      },
    },
    log: (line) => lines.push(line),
  });
  closers.push(mappings.close);
  const bodies = () => batches.flat().map(({ body }) => body);
  return { mappings, batches, bodies, lines };
}

const failuresOf = (records: SqsEventRecord[], isFailed: (body: string) => boolean) => ({
  payload: {
    batchItemFailures: records
      .filter(({ body }) => isFailed(body))
      .map(({ messageId }) => ({ itemIdentifier: messageId })),
  },
});

describe("Event source mappings", () => {
  it("Messages, including those sent before the start, are passed to the function and deleted", async () => {
    const setup = await setUp();
    await setup.send("before");
    const { bodies } = await run(setup);
    await setup.sendOne({
      MessageBody: "after",
      MessageAttributes: { Kind: { DataType: "String", StringValue: "x" } },
    });
    await expect.poll(bodies).toEqual(["before", "after"]);
    await expect.poll(() => setup.count("Work")).toBe(0);
  });

  it("A function receives records in the format of Lambda", async () => {
    const setup = await setUp();
    const { batches } = await run(setup);
    await setup.sendOne({
      MessageBody: "body",
      MessageAttributes: { Kind: { DataType: "String", StringValue: "x" } },
    });
    await expect.poll(() => batches).toHaveLength(1);
    expect(batches[0]).toEqual([
      {
        messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        receiptHandle: expect.any(String),
        body: "body",
        attributes: expect.objectContaining({
          ApproximateReceiveCount: "1",
          SentTimestamp: expect.stringMatching(/^\d{13}$/),
        }),
        messageAttributes: {
          Kind: {
            stringValue: "x",
            stringListValues: [],
            binaryListValues: [],
            dataType: "String",
          },
        },
        md5OfMessageAttributes: expect.any(String),
        md5OfBody: "841a2d689ad86bd1611447453c22c6fc",
        eventSource: "aws:sqs",
        eventSourceARN: "arn:aws:sqs:us-east-1:000000000000:Work",
        awsRegion: "us-east-1",
      },
    ]);
  });

  it("A message that the function reports as failed is received again and ends in the dead-letter queue", async () => {
    const setup = await setUp({ queue: comesAgain });
    await setup.send("good", "bad", "fine");
    const { bodies, batches, lines } = await run(setup, (records) =>
      failuresOf(records, (body) => body === "bad"),
    );
    await expect.poll(() => setup.count("Dlq")).toBe(1);
    expect(bodies().toSorted()).toEqual(["bad", "bad", "fine", "good"]);
    expect(batches.flat().at(-1)?.attributes.ApproximateReceiveCount).toBe("2");
    expect(await setup.count("Work")).toBe(0);
    expect(lines).toContain("Mapping: 1 of 1 messages failed and return to the queue");
  });

  it.each<[string, InvokeResult, string]>([
    ["fails", failed("TypeError", "no"), "TypeError"],
    [
      "names an unknown message",
      { payload: { batchItemFailures: [{ itemIdentifier: "other" }] } },
      "its response names a message that is not in the batch",
    ],
    ["answers nonsense", { payload: "done" }, "its response is not a batch response"],
  ])("The whole batch returns to the queue when the function %s", async (_, first, reason) => {
    const setup = await setUp({ queue: comesAgain });
    await setup.send("a", "b");
    let isFirst = true;
    const { bodies, lines } = await run(setup, () => {
      const result = isFirst ? first : { payload: null };
      isFirst = false;
      return result;
    });
    await expect.poll(() => bodies().toSorted()).toEqual(["a", "a", "b", "b"]);
    expect(lines[0]).toBe(`Mapping: 2 of 2 messages failed (${reason}) and return to the queue`);
    await expect.poll(() => setup.count("Work")).toBe(0);
  });

  it("A debugged function gets one batch at a time, whose messages stay invisible until it ends", async () => {
    const setup = await setUp({ queue: { VisibilityTimeout: 2 } });
    await setup.send("paused");
    const { promise, resolve } = Promise.withResolvers<InvokeResult>();
    const { bodies, batches } = await run(setup, () => promise, 4, new Set(["F"]));
    await expect.poll(bodies).toEqual(["paused"]);
    await setup.send("next");
    // More than twice the visibility timeout.
    await setTimeout(4_500);
    expect(bodies()).toEqual(["paused"]);
    resolve({ payload: null });
    await expect.poll(bodies).toEqual(["paused", "next"]);
    expect(batches.flat().map((one) => one.attributes.ApproximateReceiveCount)).toEqual(["1", "1"]);
    await expect.poll(() => setup.count("Work")).toBe(0);
  });

  it("Reports are ignored when the mapping does not enable them", async () => {
    const setup = await setUp({ mapping: { FunctionResponseTypes: [] } });
    await setup.send("bad");
    const { bodies } = await run(setup, (records) => failuresOf(records, () => true));
    await expect.poll(() => setup.count("Work")).toBe(0);
    expect(bodies()).toEqual(["bad"]);
  });

  it("A batch has at most the configured size", async () => {
    const setup = await setUp({ mapping: { BatchSize: 3 } });
    const { batches, bodies } = await run(setup);
    await setup.send("1", "2", "3", "4", "5", "6", "7");
    await expect.poll(() => bodies().toSorted()).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(3);
  });

  it("A mapping waits until a batch is full, at most for its batch window", async () => {
    const setup = await setUp({
      mapping: { BatchSize: 15, MaximumBatchingWindowInSeconds: 3 },
    });
    const { batches } = await run(setup);
    const startedAt = Date.now();
    await setup.send("1");
    await setup.send("2", "3");
    await expect.poll(() => batches).toHaveLength(1);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(2_990);
    expect(batches[0]).toHaveLength(3);
  });

  it("A full batch starts before its batch window has passed", async () => {
    const setup = await setUp({
      // Longer than the test may take.
      mapping: { BatchSize: 15, MaximumBatchingWindowInSeconds: 300 },
    });
    const { batches } = await run(setup);
    await setup.send(...Array.from({ length: 15 }, String));
    await expect.poll(() => batches).toHaveLength(1);
    expect(batches[0]).toHaveLength(15);
  });

  it.each([
    ["its maximum concurrency", { ScalingConfig: { MaximumConcurrency: 2 } }, 4, 2],
    ["its machine has room for", { ScalingConfig: { MaximumConcurrency: 50 } }, 3, 3],
  ])(
    "The number of concurrent batches is limited by %s",
    async (_, mapping, maxBatches, expected) => {
      const setup = await setUp({
        mapping: { BatchSize: 1, ...mapping },
      });
      const gate = Promise.withResolvers<InvokeResult>();
      const { batches } = await run(setup, () => gate.promise, maxBatches);
      await setup.send("1", "2", "3", "4", "5", "6");
      await expect.poll(() => batches.length).toBe(expected);
      // Messages that were not received stay visible to other consumers.
      await expect.poll(() => setup.count("Work")).toBe(6);
      expect(batches).toHaveLength(expected);
      gate.resolve({ payload: null });
      await expect.poll(() => setup.count("Work")).toBe(0);
    },
  );

  it("Four batches start at once, and batches that run longer than a second do not delay others", async () => {
    const setup = await setUp({ mapping: { BatchSize: 1 } });
    const gate = Promise.withResolvers<InvokeResult>();
    const { batches } = await run(setup, () => gate.promise, 6);
    const startedAt = Date.now();
    await setup.send("1", "2", "3", "4", "5", "6", "7");
    await expect.poll(() => batches.length).toBe(4);
    await expect.poll(() => batches.length).toBe(6);
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(990);
    await setTimeout(1_200);
    expect(batches).toHaveLength(6);
    gate.resolve({ payload: null });
    await expect.poll(() => setup.count("Work")).toBe(0);
  });

  it("At most four quick batches run at once, however many messages wait", async () => {
    const setup = await setUp({ mapping: { BatchSize: 1 } });
    const running = new Set<{ sinceMs: number }>();
    let most = 0;
    await setup.send(...Array.from({ length: 20 }, String));
    await run(
      setup,
      async () => {
        const batch = { sinceMs: Date.now() };
        running.add(batch);
        // On a busy machine a batch may run longer than a second and then no longer counts.
        const young = [...running].filter(({ sinceMs }) => batch.sinceMs - sinceMs < 900);
        most = Math.max(most, young.length);
        await setTimeout(100);
        running.delete(batch);
        return { payload: null };
      },
      16,
    );
    await expect.poll(() => setup.count("Work")).toBe(0);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(4);
  });

  it("A disabled mapping does not poll its queue", async () => {
    const setup = await setUp({ mapping: { Enabled: false } });
    await setup.send("a");
    const { mappings, batches } = await run(setup);
    await mappings.close();
    expect(batches).toEqual([]);
    expect(await setup.count("Work")).toBe(1);
  });

  it("Closing a mapping stops polling and waits until running batches have ended and are deleted", async () => {
    const setup = await setUp();
    const gate = Promise.withResolvers<InvokeResult>();
    const { mappings, batches } = await run(setup, () => gate.promise);
    await setup.send("under way");
    await expect.poll(() => batches).toHaveLength(1);
    // As long as the long poll of the mapping, which is aborted at close.
    const poll = setup.poll("Dlq").then(() => "another poll has ended");
    const closed = mappings.close().then(() => "closed");
    gate.resolve({ payload: null });
    expect(await Promise.race([closed, poll])).toBe("closed");
    expect(await setup.count("Work")).toBe(0);
    await setup.send("later");
    expect(batches).toHaveLength(1);
    expect(await setup.count("Work")).toBe(1);
  });

  it("A mapping continues after an invocation that failed to start", async () => {
    const setup = await setUp();
    const { bodies, lines } = await run(setup, (records) =>
      records[0]?.body === "throws" ? Promise.reject(new Error("closing")) : { payload: null },
    );
    await setup.send("throws");
    await expect.poll(() => lines[0]).toContain("1 messages did not reach the function (Error)");
    await setup.send("next");
    await expect.poll(bodies).toContain("next");
  });

  it("A mapping continues after its queue was unavailable", async () => {
    const setup = await setUp();
    const { bodies, lines } = await run(setup);
    await setup.removeQueue();
    await expect
      .poll(() => lines)
      .toContainEqual(expect.stringMatching(/queue Work cannot be polled/));
    await setup.restoreQueue();
    await setup.send("again");
    await expect.poll(bodies).toEqual(["again"]);
  });

  it.each(allGrants)(
    "A mapping does not start without %s, and the error names the permission",
    async (missing) => {
      const setup = await setUp({ grants: allGrants.filter((grant) => grant !== missing) });
      const started = run(setup);
      await expect(started).rejects.toThrow("Mapping: function F cannot poll queue Work");
      await expect(started).rejects.toThrow(`is not authorized to perform: ${missing}`);
    },
  );

  it("A mapping with an unsupported property is rejected, and the error names the property", async () => {
    const setup = await setUp({ mapping: { FilterCriteria: { Filters: [] } } });
    await expect(run(setup)).rejects.toThrow(
      'the local run does not support AWS::Lambda::EventSourceMapping Mapping: Unrecognized key: "FilterCriteria"',
    );
  });

  it("Waiting messages are processed by a function in its own process", async () => {
    const setup = await setUp({
      code: "exports.handler = async () => ({ batchItemFailures: [] });",
    });
    const { aws, template } = setup;
    const { registerCaller, url: awsUrl } = aws;
    const lambdas = startLambdas({ template, awsUrl, registerCaller, log: () => {} });
    closers.push(lambdas.close);
    await lambdas.warmUp();
    await setup.send(...Array.from({ length: 200 }, String));
    const mappings = await startMappings({
      template,
      awsUrl,
      lambdas,
      pollers: aws.pollers,
      log: () => {},
    });
    closers.push(mappings.close);
    await expect.poll(() => setup.count("Work")).toBe(0);
    expect(await setup.count("Dlq")).toBe(0);
  });
});

describe("Messages that reach no handler", () => {
  it("A receive does not count when no environment took the message", async () => {
    const setup = await setUp();
    let givenUp = 0;
    const { bodies } = await run(setup, () => {
      if (givenUp === 4) return { payload: null };
      givenUp += 1;
      return { ...failed("Local.NoCapacity", "busy"), isUnhandled: true };
    });
    await setup.send("healthy");
    // The queue's limit of two receives would have parked it after the second.
    await expect.poll(bodies, { timeout: 20_000 }).toHaveLength(5);
    await expect.poll(() => setup.count("Work")).toBe(0);
    expect(await setup.count("Dlq")).toBe(0);
  });
});

/** Sends its own message again, with the trace header as the AWS SDK does. */
const recursiveCode = `
  exports.handler = async ({ Records }) => {
    for (const { body } of Records) {
      await fetch(process.env.AWS_ENDPOINT_URL, {
        method: "POST",
        headers: {
          "x-amz-target": "AmazonSQS.SendMessage",
          "content-type": "application/x-amz-json-1.0",
          "x-amzn-trace-id": process.env._X_AMZN_TRACE_ID,
        },
        body: JSON.stringify({
          QueueUrl: process.env.AWS_ENDPOINT_URL + "/000000000000/Work",
          MessageBody: String(Number(body) + 1),
        }),
      });
    }
  };`;

describe("Recursive loop detection", () => {
  async function start(properties: Record<string, unknown> = {}) {
    const setup = await setUp({ code: recursiveCode, function: properties });
    const { template, aws } = setup;
    const { registerCaller, url: awsUrl, pollers } = aws;
    const lambdas = startLambdas({ template, awsUrl, registerCaller, log: () => {} });
    closers.push(lambdas.close);
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const mappings = await startMappings({ template, awsUrl, lambdas, pollers, log });
    closers.push(mappings.close);
    const handled = () => aws.calls.list()["other sqs:SendMessage"]?.calls ?? 0;
    return { ...setup, lines, handled };
  }

  it("A message of a chain that has invoked the function sixteen times is parked", async () => {
    const setup = await start();
    await setup.send("0");
    const { Messages } = await setup.poll("Dlq");
    expect(Messages).toMatchObject([{ Body: "16" }]);
    await expect.poll(() => setup.count("Work")).toBe(0);
    expect(setup.lines.join()).toMatch(/moved to the dead-letter queue; RecursiveLoop: Allow/);
  });

  it("RecursiveLoop: Allow lets the chain go on", async () => {
    const setup = await start({ RecursiveLoop: "Allow" });
    await setup.send("0");
    await expect.poll(() => setup.handled(), { timeout: 20_000 }).toBeGreaterThan(20);
    expect(await setup.count("Dlq")).toBe(0);
  });
});
