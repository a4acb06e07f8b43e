import { describe, expect, it } from "vitest";
import { failedMessages } from "../../../local/event-source/batch-result.ts";
import { eventsWithin, sqsRecord } from "../../../local/event-source/sqs-event.ts";
import { failed } from "../../../local/lambda/invoke-result.ts";

const messageIds = ["a", "b", "c"];
const all = new Set(messageIds);
const listed = (...itemIdentifiers: unknown[]) => ({
  batchItemFailures: itemIdentifiers.map((itemIdentifier) => ({ itemIdentifier })),
});

describe("Failed messages of a batch response", () => {
  it.each<[string, unknown, Set<string>]>([
    ["null", null, new Set()],
    ["an empty object", {}, new Set()],
    ["an empty list", { batchItemFailures: [] }, new Set()],
    ["a null list", { batchItemFailures: null }, new Set()],
    ["some ids", listed("b"), new Set(["b"])],
    ["an id twice", listed("b", "b"), new Set(["b"])],
    ["every id", listed("a", "b", "c"), all],
    ["an unknown id", listed("a", "other"), all],
    ["a null id", listed(null), all],
    ["an empty id", listed(""), all],
    ["a number as id", listed(1), all],
    ["a bad key", { batchItemFailures: [{ item: "a" }] }, all],
    ["no list", { batchItemFailures: "a" }, all],
    ["a text", "done", all],
    ["a list", [], all],
  ])("A batch response fails the right messages for %s", (_, payload, ids) => {
    expect(failedMessages({ payload }, { messageIds, reportsFailures: true }).ids).toEqual(ids);
  });

  it("A function error fails the whole batch, whatever the payload reports", () => {
    const result = failed("Sandbox.Timedout", "Task timed out after 3.00 seconds");
    for (const reportsFailures of [true, false]) {
      expect(failedMessages(result, { messageIds, reportsFailures })).toEqual({
        ids: all,
        reason: "Sandbox.Timedout",
      });
    }
  });

  it("No message fails when the mapping does not read reports", () => {
    const result = { payload: listed("a") };
    const { ids } = failedMessages(result, { messageIds, reportsFailures: false });
    expect(ids).toEqual(new Set());
  });
});

describe("SQS event records", () => {
  const arn = "arn:aws:sqs:us-east-1:000000000000:Queue";

  it("A record has the format of Lambda's SQS event", () => {
    const record = sqsRecord(
      {
        MessageId: "id",
        ReceiptHandle: "handle",
        Body: "text",
        MD5OfBody: "md5",
        MD5OfMessageAttributes: "md5a",
        Attributes: { ApproximateReceiveCount: "1", SentTimestamp: "17" },
        MessageAttributes: {
          Text: { DataType: "String", StringValue: "x" },
          Bytes: { DataType: "Binary", BinaryValue: Uint8Array.of(0xc3, 0xbc) },
        },
      },
      arn,
    );
    expect(record).toEqual({
      messageId: "id",
      receiptHandle: "handle",
      body: "text",
      attributes: { ApproximateReceiveCount: "1", SentTimestamp: "17" },
      messageAttributes: {
        Text: { stringValue: "x", stringListValues: [], binaryListValues: [], dataType: "String" },
        Bytes: {
          binaryValue: "w7w=",
          stringListValues: [],
          binaryListValues: [],
          dataType: "Binary",
        },
      },
      md5OfMessageAttributes: "md5a",
      md5OfBody: "md5",
      eventSource: "aws:sqs",
      eventSourceARN: arn,
      awsRegion: "us-east-1",
    });
  });

  it("Records share an event up to the payload limit of an invocation", () => {
    const records = ["1", "2", "3", "4", "5"].map((MessageId) =>
      sqsRecord({ MessageId, Body: "x".repeat(400) }, arn),
    );
    const events = eventsWithin(1_500, records);
    expect(events.map(({ Records }) => Records.map(({ messageId }) => messageId))).toEqual([
      ["1", "2"],
      ["3", "4"],
      ["5"],
    ]);
    for (const event of events) expect(JSON.stringify(event).length).toBeLessThanOrEqual(1_500);
  });
});
