import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { AttemptMessage } from "../../shared/contracts/messages/delivery.ts";
import {
  makeProcessMessages,
  type ParsedMessage,
  type ProcessMessagesDeps,
  type SourceQueueName,
} from "../../shared/core/deliveries/process-messages.ts";
import { notingIn } from "../support/noting.ts";

const remainingMs = () => 40_000;
const message = (deliveryId: string): AttemptMessage => ({
  ...{ v: 1, kind: "attempt", deliveryId, clientId: "cl_1", webhookId: "wh_1" },
});
const event = (body: string): ParsedMessage => ({ kind: "event", body });
const attempt = (deliveryId: string): ParsedMessage => ({
  ...{ kind: "attempt", message: message(deliveryId) },
});
const job = (jobId: string): ParsedMessage => ({ kind: "job", jobId });
const malformed: ParsedMessage = {
  ...{ kind: "failed", code: "MESSAGE_MALFORMED", detail: "the message is not JSON" },
};

/** @param answers what the use cases return */
function setUp(answers: { created?: object[]; attempted?: object[]; runBulkJob?: unknown } = {}) {
  const calls: unknown[] = [];
  const noting = notingIn(calls);
  const { created = [], attempted = [], runBulkJob = noting("runBulkJob") } = answers;
  const processMessages = makeProcessMessages({
    createDeliveries: noting("createDeliveries", created),
    attemptDeliveries: noting("attemptDeliveries", attempted),
    runBulkJob,
  } as unknown as ProcessMessagesDeps);
  const process = (messages: readonly ParsedMessage[], queue: SourceQueueName = "retries") =>
    processMessages(messages, { queue, remainingMs });
  return { calls, process };
}

test("A batch of messages is processed by kind, and each message has its outcome at its place", async () => {
  const created = [{ kind: "created", deliveryId: "dl_8" }, { kind: "notSubscribed" }];
  const attempted = [{ kind: "held" }, { kind: "requeued" }];
  const { calls, process } = setUp({ created, attempted });
  const outcomes = await process([
    ...[attempt("dl_1"), malformed, event("one"), job("job_1")],
    ...[attempt("dl_2"), event("two"), job("job_2")],
  ]);
  expect(outcomes).toStrictEqual([
    ...[attempted[0], malformed, created[0], { kind: "jobRan" }],
    ...[attempted[1], created[1], { kind: "jobRan" }],
  ]);
  expect(calls).toStrictEqual([
    ["createDeliveries", ["one", "two"]],
    ["attemptDeliveries", "retries", [message("dl_1"), message("dl_2")], remainingMs],
    ["runBulkJob", "job_1", remainingMs],
    ["runBulkJob", "job_2", remainingMs],
  ]);
});

test.each<[SourceQueueName, string]>([
  ["attempts", "attempts"],
  ["retries", "retries"],
  ["fanout", "retries"],
])("A message of an attempt that comes from %s is attempted as one of %s", async (queue, as) => {
  const { calls, process } = setUp({ attempted: [{ kind: "held" }] });
  expect(await process([attempt("dl_1")], queue)).toStrictEqual([{ kind: "held" }]);
  expect(calls).toStrictEqual([["attemptDeliveries", as, [message("dl_1")], remainingMs]]);
});

test("Where a batch has no message of a kind, nothing of that kind is done", async () => {
  const { calls, process } = setUp();
  expect(await process([])).toStrictEqual([]);
  expect(await process([malformed])).toStrictEqual([malformed]);
  expect(calls).toStrictEqual([]);
  await process([event("one")]);
  expect(calls).toStrictEqual([["createDeliveries", ["one"]]]);
});

test("A job that fails is a message that fails, and the other jobs of its batch run", async () => {
  const down = new Failure("DEPENDENCY_DOWN", "DynamoDB Query");
  const { process } = setUp({
    runBulkJob: async (jobId: string) => {
      if (jobId === "job_1") throw down;
    },
  });
  expect(await process([job("job_1"), job("job_2")])).toStrictEqual([
    { kind: "failed", code: "DEPENDENCY_DOWN", detail: "DynamoDB Query" },
    { kind: "jobRan" },
  ]);
});

test("A message without an outcome fails as an internal error that names its place, so that it is not deleted", async () => {
  const { process } = setUp({ created: [{ kind: "notSubscribed" }] });
  const outcomes = await process([event("one"), event("two"), attempt("dl_1")]);
  const missing = (index: number) => ({
    ...{ kind: "failed", code: "INTERNAL_ERROR", detail: "Error" },
    error: new Error(`The message at index ${index} of the batch has no outcome`),
  });
  expect(outcomes).toStrictEqual([{ kind: "notSubscribed" }, missing(1), missing(2)]);
});
