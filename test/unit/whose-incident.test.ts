import { describe, expect, test } from "vitest";
import { report as reportConsumed } from "../../functions/consume/report.ts";
import { report as reportDelivered } from "../../functions/deliver/report.ts";
import { report as reportIngested } from "../../functions/ingest/report.ts";
import { reportRequests } from "../../functions/reconcile/report.ts";
import { report as reportSubmitted } from "../../functions/submit/report.ts";
import type { SweepNotice } from "../../shared/core/requests/sweep-result.ts";
import { subjectOf } from "../../shared/runtime/message-subject.ts";
import type { LogFields, Telemetry } from "../../shared/runtime/telemetry.ts";
import { requestRecord } from "../support/payloads/request-records.ts";

/** Collects the lines, and the fields of the lines with metrics. */
function setUp() {
  const lines: ({ message: string } & LogFields)[] = [];
  const durations: [string, number, LogFields | undefined][] = [];
  const telemetry: Telemetry = {
    log: (_level, message, fields = {}) => void lines.push({ message, ...fields }),
    count: () => undefined,
    seconds: (metric, value, about) => void durations.push([metric, value, about]),
    flush: () => undefined,
  };
  return { telemetry, lines, durations };
}

const owner = { clientId: "cl_1", connectionId: "cn_1", provider: "we-link" };
const failed = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "GetItem" } as const;

describe("The ids in the body of a message", () => {
  test.each([
    [{ ...owner, v: 1, bodyBase64: "c2VjcmV0" }, owner],
    [{ requestId: "rq_1", lane: "lane" }, { requestId: "rq_1" }],
    [{ deliveryId: "dl_1" }, { deliveryId: "dl_1" }],
    [{ clientId: 7, connectionId: { a: 1 }, requestId: "" }, {}],
    [{ clientId: "a person@example.com", connectionId: "x".repeat(65) }, {}],
    [["cl_1"], {}],
    [null, {}],
  ])("of %j are %j", (message, ids) => {
    expect(subjectOf(JSON.stringify(message))).toEqual(ids);
  });

  test.each(["", "{", "clientId"])("of the text %j, which is not JSON, are none", (body) => {
    expect(subjectOf(body)).toEqual({});
  });
});

test("A refused webhook with a right address names its connection, and one with a wrong address none", () => {
  const { telemetry, lines } = setUp();
  const refused = { kind: "refused", detail: "not signed" } as const;
  const addressee = { ...owner, provider: "we-link" as const };
  reportIngested(telemetry, { ...refused, code: "SIGNATURE_REJECTED", addressee }, "r1");
  reportIngested(telemetry, { ...refused, code: "CONNECTION_UNKNOWN" }, "r2");
  expect(lines).toEqual([
    expect.objectContaining({ code: "SIGNATURE_REJECTED", apiRequestId: "r1", ...owner }),
    {
      message: "webhook rejected",
      code: "CONNECTION_UNKNOWN",
      apiRequestId: "r2",
      detail: "not signed",
    },
  ]);
});

test("A message that consume, submit or deliver could not process names whose it is", () => {
  const { telemetry, lines } = setUp();
  const record = (body: object) => ({ messageId: "m1", body: JSON.stringify(body) });
  reportConsumed(telemetry, record(owner), failed);
  reportDelivered(telemetry, record({ deliveryId: "dl_1", webhookId: "wh_1" }), failed);
  const run = {
    messages: [failed],
    submissions: [],
    accepted: [],
    exhaustedBudgets: 0,
    outbox: { published: 0, failures: [] },
  };
  reportSubmitted(telemetry, run, [record({ kind: "due", requestId: "rq_1" })]);
  expect(lines).toEqual([
    expect.objectContaining({ messageId: "m1", code: "DEPENDENCY_DOWN", ...owner }),
    expect.objectContaining({ messageId: "m1", deliveryId: "dl_1", webhookId: "wh_1" }),
    expect.objectContaining({ messageId: "m1", requestId: "rq_1" }),
  ]);
});

test("The line with the longest wait at the head of a lane names the request that waits", () => {
  const { telemetry, durations } = setUp();
  const request = requestRecord(
    { clientId: "cl_1", provider: "we-link", connectionId: "cn_1", accountId: "a" },
    { requestId: "rq_1" },
  );
  const run = {
    messages: [],
    submissions: [],
    accepted: [],
    exhaustedBudgets: 0,
    outbox: { published: 0, failures: [] },
  };
  reportSubmitted(telemetry, { ...run, longestWait: { ms: 56_000, request } }, []);
  expect(durations).toEqual([
    [
      "LaneWait",
      56,
      { requestId: "rq_1", clientId: "cl_1", connectionId: "cn_1", provider: "we-link" },
    ],
  ]);
});

test("Each request that reconcile times out, and each pause that it causes, is a line with its ids", () => {
  const { telemetry, lines } = setUp();
  const request = requestRecord(
    { clientId: "cl_1", provider: "we-link", connectionId: "cn_1", accountId: "a" },
    { requestId: "rq_1" },
  );
  const kinds: SweepNotice["kind"][] = [
    "timedOut",
    "unknown",
    "connectionPaused",
    "accountPaused",
    "unclearReport",
  ];
  reportRequests(telemetry, {
    ...{ joined: 0, wokenLanes: 0, polled: 0, timedOut: 1, unknown: 1, published: 0 },
    ...{ pausedAccounts: 1, pausedConnections: 1, unclearReports: 1 },
    ...{ failed: [], unpublished: [], lostAccepts: [] },
    notices: kinds.map((kind) => ({ kind, request })),
  });
  const ids = { requestId: "rq_1", clientId: "cl_1", connectionId: "cn_1" };
  expect(lines.slice(0, -1)).toEqual(
    [
      "request timed out",
      "submission outcome unknown",
      "connection paused after a poll",
      "account paused after a poll",
      "unclear provider report stored",
    ].map((message) => expect.objectContaining({ message, ...ids })),
  );
  expect(lines.at(-1)).toMatchObject({ message: "request sweep finished", timedOut: 1 });
  expect(lines.at(-1)).not.toHaveProperty("notices");
});
