import type { SQSRecord } from "aws-lambda";
import { describe, expect, test } from "vitest";
import { earlyRetries, parseMessage, sourceQueue } from "../../functions/deliver/records.ts";

const urls = {
  ATTEMPTS_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/Attempts",
  RETRIES_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/Retries",
};
const record = (queue: string, body = "") =>
  ({ body, eventSourceARN: `arn:aws:sqs:eu-west-1:1:${queue}` }) as SQSRecord;
const ids = { v: 1, deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1" };

describe("a record of deliver", () => {
  test.each([
    ["Attempts", "attempts"],
    ["Retries", "retries"],
    ["Fanout", "fanout"],
  ])("A record of the queue %s comes from %s", (name, queue) => {
    expect(sourceQueue([record(name)], urls)).toBe(queue);
  });

  test("A record of the fan-out queue is an event, whatever it contains", () => {
    const body = JSON.stringify({ ...ids, kind: "attempt" });
    expect(parseMessage(record("Fanout", body), "fanout")).toEqual({ kind: "event", body });
  });

  test("An event that failed is received again after 5 s, after 30 s, and then by the queue's timeout", () => {
    const failed = [1, 2, 3].map((receives) => ({
      ...record("Fanout"),
      attributes: { ApproximateReceiveCount: String(receives) } as SQSRecord["attributes"],
    }));
    expect(earlyRetries(failed, 1_000)).toEqual([
      { record: failed[0], outcome: { kind: "failed", retryAtMs: 6_000 } },
      { record: failed[1], outcome: { kind: "failed", retryAtMs: 31_000 } },
    ]);
  });

  test("A record of the other queues is an attempt or a job", () => {
    const message = { ...ids, kind: "attempt" };
    const job = { v: 1, kind: "job", jobId: "job_1", clientId: "cl_1" };
    const toRetriesWork = (body: object) =>
      parseMessage(record("Retries", JSON.stringify(body)), "retries");
    expect(toRetriesWork(message)).toEqual({ kind: "attempt", message });
    expect(toRetriesWork(job)).toEqual({ kind: "job", jobId: "job_1" });
  });

  test.each(["", "{", "null", '{"detail-type":"workflow.completed","detail":{}}'])(
    "A record of the attempts queue that is %j fails as MESSAGE_MALFORMED",
    (body) => {
      const work = parseMessage(record("Attempts", body), "attempts");
      expect(work).toMatchObject({ kind: "failed", code: "MESSAGE_MALFORMED" });
    },
  );
});
