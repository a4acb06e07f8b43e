import { describe, expect, test } from "vitest";
import { submissionDelays } from "../../functions/submit/delays.ts";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import { requestRecord } from "../support/payloads/request-records.ts";

const waiting = requestRecord();
const { lane, requestId } = waiting;

/** A call that was made at 100,000 for a request that had joined its lane long before. */
function submitted(of: { joinedMs?: number; scheduledMs?: number } = {}) {
  return {
    kind: "attempted" as const,
    request: { ...waiting, joinedMs: 1_000, ...of },
    mustPublish: true,
    outcome: { kind: "accepted" as const, providerRequestId: "p" },
    nextSubmissionNotBeforeMs: 0,
    hasPausedConnection: false,
    hasStoredUnclearReport: false,
    call: { attempts: 1, startedMs: 100_000, startedRealMs: 100_000, endedRealMs: 100_050 },
  };
}

const delaysOf = (
  messages: readonly SubmitMessage[],
  submission: ReturnType<typeof submitted> = submitted(),
  accepted: Parameters<typeof submissionDelays>[0]["accepted"] = [],
) =>
  submissionDelays(
    { accepted, submissions: [submission] },
    messages.map((message) => ({ body: JSON.stringify(message) })),
  );

describe("How late a submission was", () => {
  test("is counted from the time for which the lane's wake-up was planned", () => {
    expect(delaysOf([{ v: 1, kind: "wakeUp", lane, dueMs: 97_000 }])).toEqual([3_000]);
  });

  test("is counted from the acceptance of a request that found nothing to wait for", () => {
    const accepted = [{ index: 0, request: { ...waiting, joinedMs: 99_500 } }];
    expect(delaysOf([], submitted(), accepted)).toEqual([500]);
  });

  test("is counted from the time of a scheduled request", () => {
    const due = { v: 1, kind: "due", requestId } as const;
    expect(delaysOf([due], submitted({ scheduledMs: 99_000 }))).toEqual([1_000]);
  });

  test("is counted from the last of several times, and never from one after the call", () => {
    const wakeUp = { v: 1, kind: "wakeUp", lane } as const;
    expect(
      delaysOf([
        { ...wakeUp, dueMs: 90_000 },
        { ...wakeUp, dueMs: 98_000 },
        { ...wakeUp, dueMs: 100_001 },
      ]),
    ).toEqual([2_000]);
  });

  test("is not measured without a message that says when it was due, or without a call", () => {
    expect(delaysOf([{ v: 1, kind: "wakeUp", lane }])).toEqual([]);
    expect(delaysOf([{ v: 1, kind: "wakeUp", lane: "another", dueMs: 1 }])).toEqual([]);
    const { call: _, ...unsent } = submitted();
    const messages = [{ body: JSON.stringify({ v: 1, kind: "wakeUp", lane, dueMs: 1 }) }];
    expect(submissionDelays({ accepted: [], submissions: [unsent] }, messages)).toEqual([]);
  });
});
