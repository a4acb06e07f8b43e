import { describe, expect, test } from "vitest";
import { report as reportConsumed } from "../../functions/consume/report.ts";
import { report as reportDelivered } from "../../functions/deliver/report.ts";
import { reportDeliveries } from "../../functions/reconcile/report.ts";
import { reportAbandoned, report as reportSubmitted } from "../../functions/submit/report.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import type { MatchedOutcome } from "../../shared/core/inbound/match-webhooks.ts";
import { type MessageFailure, toError } from "../../shared/core/message-failure.ts";
import { reportNonFatalError } from "../../shared/runtime/report-failure.ts";
import type { LogFields, Telemetry } from "../../shared/runtime/telemetry.ts";
import { requestRecord } from "../support/payloads/request-records.ts";

function setUp() {
  const lines: ({ level: string; message: string } & LogFields)[] = [];
  const counts: Record<string, number> = {};
  const telemetry: Telemetry = {
    log: (level, message, fields = {}) => void lines.push({ level, message, ...fields }),
    count: (metric, value = 1) => {
      counts[metric] = (counts[metric] ?? 0) + value;
    },
    seconds: () => undefined,
    flush: () => undefined,
  };
  return { telemetry, lines, counts };
}

const failureOf = (code: MessageFailure["code"], detail: string): MessageFailure => ({
  kind: "failed",
  code,
  detail,
});

describe("reportNonFatalError", () => {
  test("an ignored Failure is logged with its code and with the error itself, which has the cause", () => {
    const { telemetry, lines } = setUp();
    const error = new Failure("DEPENDENCY_DOWN", "GetItem", { cause: new Error("throttled") });
    reportNonFatalError(telemetry, error);
    expect(lines).toEqual([
      {
        level: "warn",
        message: "non-fatal error",
        code: "DEPENDENCY_DOWN",
        detail: "GetItem",
        error,
      },
    ]);
  });

  test("a failure with an attached error keeps its code and detail, and its error is the cause", () => {
    const { telemetry, lines, counts } = setUp();
    const cause = new TypeError("x is not a function");
    reportNonFatalError(
      telemetry,
      toError({ ...failureOf("PUBLISH_FAILED", "a; b"), error: cause }),
    );
    expect(lines).toMatchObject([
      { level: "warn", code: "PUBLISH_FAILED", detail: "a; b", error: { cause } },
    ]);
    expect(counts).toEqual({});
  });

  test("a thrown value that is not an Error is not logged", () => {
    const { telemetry, lines, counts } = setUp();
    reportNonFatalError(telemetry, "content");
    expect(lines).toMatchObject([{ level: "error", code: "INTERNAL_ERROR", detail: "Error" }]);
    expect(lines.map(({ error }) => error?.message)).toEqual(["a string was thrown"]);
    expect(counts).toEqual({ InternalError: 1 });
  });
});

describe("reportDeliveries", () => {
  const result = { messagesSent: 0, published: 0, unpublished: [], restartedJobs: 0, failed: [] };

  test("equal failures of a delivery sweep are one line with their count", () => {
    const { telemetry, lines, counts } = setUp();
    const throttled = failureOf("DEPENDENCY_DOWN", "UpdateItem: throttled");
    const rejected = failureOf("PUBLISH_FAILED", "rejected");
    const failed = Array.from({ length: 1_000 }, () => throttled);
    reportDeliveries(telemetry, { ...result, failed, unpublished: [rejected, rejected] });
    expect(lines).toMatchObject([
      { message: "delivery sweep item failed", code: "DEPENDENCY_DOWN", count: 1_000 },
      { message: "publishing from the outbox failed", code: "PUBLISH_FAILED", count: 2 },
      { level: "error", message: "delivery sweep finished", failed: 1_000, unpublished: 2 },
    ]);
    expect(counts).toEqual({ PublishFailed: 2 });
  });

  test("a delivery sweep that found nothing logs nothing", () => {
    const { telemetry, lines } = setUp();
    reportDeliveries(telemetry, result);
    expect(lines).toEqual([]);
  });
});

describe("A message that stays in its queue", () => {
  const record = { messageId: "m1", body: "{}" };
  const run = {
    submissions: [],
    accepted: [],
    exhaustedBudgets: 0,
    outbox: { published: 0, failures: [] },
  };
  const reports: [string, (telemetry: Telemetry, failure: MessageFailure) => void][] = [
    ["consume", (telemetry, failure) => reportConsumed(telemetry, record, failure)],
    [
      "submit",
      (telemetry, failure) => reportSubmitted(telemetry, { ...run, messages: [failure] }, [record]),
    ],
    ["deliver", (telemetry, failure) => reportDelivered(telemetry, record, failure)],
  ];

  test.each(reports)("each message that %s could not process is counted", (_name, report) => {
    const { telemetry, lines, counts } = setUp();
    report(telemetry, failureOf("DEPENDENCY_DOWN", "GetItem failed: AccessDeniedException"));
    report(telemetry, failureOf("INTERNAL_ERROR", "a bug"));
    expect(counts).toEqual({ MessageFailed: 2, InternalError: 1 });
    const message = "message processing failed";
    expect(lines).toMatchObject([{ message }, { message }]);
  });

  test.each(["CLAIM_HELD", "OUT_OF_TIME", "MESSAGE_MALFORMED", "UNCONFIRMED"] as const)(
    "a message that another worker has, or that no retry mends, is logged and not counted: %s",
    (code) => {
      const { telemetry, lines, counts } = setUp();
      reportConsumed(telemetry, record, failureOf(code, "detail"));
      expect(lines).toMatchObject([{ code }]);
      expect(counts).toEqual({});
    },
  );
});

describe("What a webhook did to its request", () => {
  const record = { messageId: "m1", body: JSON.stringify({ clientId: "cl_1" }) };
  const matched: MatchedOutcome = {
    kind: "matched",
    requestId: "rq_1",
    verdict: "late",
    hasPausedAccount: true,
    hasStoredUnclearReport: true,
  };
  const counted = { LateResult: 1, UnclearReport: 1, AccountPaused: 1 };

  test("It is told and counted although the message stays in its queue", () => {
    const { telemetry, lines, counts } = setUp();
    reportConsumed(telemetry, record, { ...failureOf("DEPENDENCY_DOWN", "throttled"), matched });
    expect(counts).toEqual({ MessageFailed: 1, ...counted });
    expect(lines.map(({ message }) => message)).toEqual([
      "message processing failed",
      "late result received",
      "unclear provider report stored",
      "account paused by a webhook",
    ]);
    expect(lines[1]).toMatchObject({ requestId: "rq_1", clientId: "cl_1" });
  });

  test("It is told and counted together with the event of its own that was published", () => {
    const { telemetry, lines, counts } = setUp();
    reportConsumed(telemetry, record, { ...matched, publishedEventId: "e" });
    expect(counts).toEqual({ EventPublished: 1, ...counted });
    expect(lines[0]).toMatchObject({ level: "debug", message: "event published", eventId: "e" });
  });
});

test("A request whose worker died while it submitted it is a warning, and is counted as unknown", () => {
  const { telemetry, lines, counts } = setUp();
  const request = requestRecord();
  const { requestId, connectionId, clientId, provider } = request;
  reportAbandoned(telemetry, request);
  expect(lines).toEqual([
    {
      ...{ level: "warn", message: "submission outcome unknown" },
      ...{ requestId, connectionId, clientId, provider },
    },
  ]);
  expect(counts).toEqual({ RequestUnknown: 1 });
});

test("An accepted submission whose answer is not clear is a warning that names its request, and is counted", () => {
  const { telemetry, lines, counts } = setUp();
  const request = requestRecord();
  const { requestId, connectionId, clientId, provider } = request;
  const submission = {
    kind: "attempted",
    request,
    mustPublish: false,
    outcome: { kind: "accepted", providerRequestId: "p" },
    nextSubmissionNotBeforeMs: 0,
    hasPausedConnection: false,
    hasStoredUnclearReport: true,
  } as const;
  const run = {
    messages: [],
    submissions: [submission],
    accepted: [],
    exhaustedBudgets: 0,
    outbox: { published: 0, failures: [] },
  };
  reportSubmitted(telemetry, run, []);
  expect(lines.filter(({ level }) => level !== "debug")).toEqual([
    {
      ...{ level: "warn", message: "unclear provider report stored" },
      ...{ requestId, connectionId, clientId, provider },
    },
  ]);
  expect(counts).toEqual({ UnclearReport: 1 });
});
