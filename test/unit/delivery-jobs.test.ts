import { describe, expect, test } from "vitest";
import {
  deliveryFromMessage,
  hasReachedMaxHold,
  sendAttemptMessage,
  toAttemptMessage,
  toUnstoredAttemptMessage,
} from "../../shared/core/deliveries/state/attempt-message.ts";
import {
  doneJob,
  isJobId,
  newJob,
  sendJobMessage,
} from "../../shared/core/deliveries/state/bulk-jobs.ts";
import type { DeliveryContext } from "../../shared/core/deliveries/state/delivery-context.ts";
import { waitingDelivery } from "../../shared/core/deliveries/state/delivery-state.ts";
import type { DeliveryQueue } from "../../shared/core/deliveries/state/ports.ts";
import { testDeliveryRules as rules } from "../support/fakes/webhook-api.ts";
import { deliveryJob, deliveryRecord } from "../support/payloads/delivery-records.ts";

const nowMs = Date.UTC(2026, 5, 25, 12);
const DAYS_30_MS = 30 * 86_400_000;
const context: DeliveryContext = { nowMs, nowRealMs: nowMs + 5_000, speed: 1, rules };

/** A queue that notes what is sent, or that throws this error. */
function setUp(error?: Error) {
  const sent: unknown[] = [];
  const errors: unknown[] = [];
  const deliveryQueue: DeliveryQueue = {
    async send(queue, messages) {
      if (error) throw error;
      sent.push([queue, messages]);
    },
  };
  const onNonFatalError = (one: unknown) => void errors.push(one);
  return { errors, sent, deps: { deliveryQueue, onNonFatalError } };
}

const delivery = deliveryRecord({ deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1" });
const message = { v: 1, kind: "attempt", deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1" };

describe("The message of an attempt", () => {
  test("It names the delivery, and the request together with which it is cancelled", () => {
    expect(toAttemptMessage(delivery)).toStrictEqual(message);
    const cancellable = { ...delivery, requestId: "rq_1" };
    expect(toAttemptMessage(cancellable)).toStrictEqual({ ...message, requestId: "rq_1" });
  });

  test.each([
    [undefined, false],
    [899_999, false],
    [900_000, true],
  ])("One that was held for %s ms is attempted in any case: %s", (heldMs, expected) => {
    const held = { ...toAttemptMessage(delivery), ...(heldMs === undefined ? {} : { heldMs }) };
    expect(hasReachedMaxHold(held)).toBe(expected);
  });

  test("One that a person asked for counts as held for the longest time", async () => {
    const { deps, errors, sent } = setUp();
    expect(await sendAttemptMessage(delivery, deps)).toBeUndefined();
    expect(sent).toStrictEqual([["retries", [{ message: { ...message, heldMs: 900_000 } }]]]);
    expect(errors).toEqual([]);
  });

  test("One that cannot be sent fails nothing, because the sweep sends it", async () => {
    const error = new Error("no queue");
    const { deps, errors } = setUp(error);
    expect(await sendAttemptMessage(delivery, deps)).toBeUndefined();
    expect(errors).toEqual([error]);
  });
});

describe("The message of a delivery that is not stored yet", () => {
  const contents = { eventType: "workflow.created", body: "{}" } as const;

  test("It holds everything that is stored of it", () => {
    const { eventId, createdMs } = delivery;
    const unstored = { eventId, createdMs, ...contents };
    expect(toUnstoredAttemptMessage(delivery, contents)).toStrictEqual({ ...message, unstored });
    const traced = { ...delivery, traceparent: "00-trace" };
    expect(toUnstoredAttemptMessage(traced, contents)).toStrictEqual({
      ...{ ...message, unstored: { ...unstored, traceparent: "00-trace" } },
    });
  });

  test("The delivery that is read from it is the one that was written, and due now", () => {
    const { deliveryId, clientId, webhookId, eventId } = delivery;
    const ids = { deliveryId, clientId, webhookId, eventId, requestId: "rq_1" };
    const { eventType, body } = contents;
    const own = { ...ids, eventType, traceparent: "00-trace", body: { inline: body } };
    const created = { ...waitingDelivery(own, context), createdMs: nowMs - 5 };
    const { unstored, ...others } = toUnstoredAttemptMessage(created, contents);
    if (!unstored) throw new Error("The message holds no delivery");
    const read = deliveryFromMessage({ ...others, unstored }, context);
    expect(read).toStrictEqual(created);
  });
});

describe("A job over many deliveries", () => {
  const deps = { context: () => context, randomHex: (bytes: number) => "ab".repeat(bytes) };
  const common = {
    ...{ jobId: `job_${"ab".repeat(12)}`, clientId: "cl_1", status: "running" },
    ...{ examined: 0, changed: 0, skipped: 0, createdMs: nowMs, version: 0 },
    ...{ sweepAtRealMs: nowMs + 5_000 + rules.outboxGraceMs, expiresMs: nowMs + DAYS_30_MS },
  };

  test("Without a range it is about all that is kept", () => {
    expect(newJob("end", { clientId: "cl_1", webhookId: "wh_1" }, deps)).toStrictEqual({
      ...{ ...common, kind: "end", webhookId: "wh_1", eventTypes: undefined },
      ...{ sinceMs: nowMs - DAYS_30_MS, untilMs: nowMs },
    });
  });

  test("It has the range and the types that are given, also a beginning of 0", () => {
    const eventTypes = ["workflow.*" as const];
    const of = { clientId: "cl_1", eventTypes, sinceMs: 0, untilMs: 7 };
    expect(newJob("recover", of, deps)).toStrictEqual({
      ...{ ...common, kind: "recover", webhookId: undefined, eventTypes, sinceMs: 0, untilMs: 7 },
    });
  });

  test.each([
    ["job_1", true],
    ["job_", true],
    ["dl_1", false],
    ["a job_1", false],
    ["", false],
  ])("The id %j is a job's: %s", (id, expected) => {
    expect(isJobId(id)).toBe(expected);
  });

  test("One that is done has its end, and the sweep does not start it again", () => {
    const job = deliveryJob({ sweepAtRealMs: 5 });
    expect(doneJob(job, context)).toStrictEqual({
      ...{ ...job, status: "done", finishedMs: nowMs, sweepAtRealMs: undefined },
    });
  });

  const job = deliveryJob({ jobId: "job_1", clientId: "cl_1" });

  test("Its message names the job and its client only", async () => {
    const { deps: sending, sent } = setUp();
    expect(await sendJobMessage(job, sending)).toBeUndefined();
    const named = { v: 1, kind: "job", jobId: "job_1", clientId: "cl_1" };
    expect(sent).toStrictEqual([["retries", [{ message: named }]]]);
  });

  test("A message that cannot be sent fails nothing, because the sweep sends it", async () => {
    const error = new Error("no queue");
    const { deps: sending, errors } = setUp(error);
    expect(await sendJobMessage(job, sending)).toBeUndefined();
    expect(errors).toEqual([error]);
  });
});
