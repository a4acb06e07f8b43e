import { describe, expect, test } from "vitest";
import { readTraceparent, spanContextOf, withSpanId } from "../../shared/contracts/traceparent.ts";
import { traceparentIn, unmatchedEvent } from "../../shared/core/events/envelope.ts";
import {
  attemptSpanId,
  ownTrace,
  rootSpanId,
  submissionSpanId,
  traceHeader,
} from "../../shared/core/tracing/derived-ids.ts";
import {
  acceptanceSpan,
  linkedBatch,
  type NewSpan,
  spanIn,
} from "../../shared/core/tracing/span.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const given = `00-${TRACE}-${SPAN}-01`;
const unsampled = `00-${TRACE}-${SPAN}-00`;

describe("The header traceparent", () => {
  test("A valid header is read as it is, and one of a later version as version 00", () => {
    expect(readTraceparent(given)).toBe(given);
    expect(readTraceparent(` ${given} `)).toBe(given);
    expect(readTraceparent(`cc-${TRACE}-${SPAN}-01-what-comes-later`)).toBe(given);
    expect(spanContextOf(given)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true });
    expect(spanContextOf(unsampled).isSampled).toBe(false);
  });

  test.each([
    undefined,
    "",
    "no trace",
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}`,
    `${given},${given}`,
    `${given}"\n`,
    `${given}x`,
  ])("The header %j is ignored", (header) => {
    expect(readTraceparent(header)).toBeUndefined();
  });
});

describe("The trace of a request or an event", () => {
  test("While nothing is recorded, a caller's trace is passed on, and none is made", () => {
    expect(ownTrace("rq_1", given, {})).toEqual({ traceparent: given });
    expect(ownTrace("rq_1", undefined, { isTracing: false })).toEqual({});
  });

  test("While spans are recorded, it names a span of its own in the caller's trace, or a trace of its own", () => {
    const isTracing = true;
    expect(ownTrace("rq_1", given, { isTracing })).toEqual({
      traceparent: withSpanId(given, rootSpanId("rq_1")),
      parentSpanId: SPAN,
    });
    const own = ownTrace("rq_1", undefined, { isTracing });
    expect(readTraceparent(own.traceparent)).toBe(own.traceparent);
    expect(own).toEqual(ownTrace("rq_1", undefined, { isTracing }));
    expect(own).not.toEqual(ownTrace("rq_2", undefined, { isTracing }));
  });

  test("A caller that does not record its trace is not overruled", () => {
    expect(ownTrace("rq_1", unsampled, { isTracing: true })).toEqual({ traceparent: unsampled });
    expect(
      traceHeader({ traceparent: unsampled }, { isTracing: true }, () => "f".repeat(16)),
    ).toEqual({
      traceparent: unsampled,
    });
    expect(spanIn(unsampled, span("a"))).toBeUndefined();
  });

  test("Each submission and each attempt has a span of its own", () => {
    const ids = [
      rootSpanId("rq_1"),
      ...[1, 2].map((attempts) => submissionSpanId({ requestId: "rq_1", attempts })),
      ...[1, 2].flatMap((cycle) =>
        [1, 2].map((attemptNumber) => attemptSpanId({ deliveryId: "dl_1", cycle, attemptNumber })),
      ),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe("The envelope of an event", () => {
  const event = {
    type: "message.reply" as const,
    providerObjectId: "p-1",
    data: { eventType: "UNKNOWN", payload: { text: '"traceparent":"00-forged","data":' } },
  };
  const origin = {
    provider: "we-link" as const,
    clientId: "cl_1",
    connectionId: "cn_1",
    receivedAtMs: 0,
    numbersAsText: false,
  };

  test("It names the trace before its data, and is the same text without one", () => {
    const { envelope } = unmatchedEvent(event, { ...origin, traceparent: given });
    expect(JSON.parse(envelope)).toMatchObject({ traceparent: given });
    expect(traceparentIn(envelope)).toBe(given);
    const { envelope: without } = unmatchedEvent(event, origin);
    expect(without).toBe(envelope.replace(`"traceparent":"${given}",`, ""));
    expect(traceparentIn(without)).toBeUndefined();
  });
});

const span = (spanId: string): NewSpan => ({
  spanId,
  name: "x",
  kind: "consumer",
  service: "consume",
  startMs: 0,
  endMs: 1,
  attributes: {},
});

test("The spans of one batch name the first of them", () => {
  const other = `00-${TRACE.replace("0", "1")}-${SPAN}-01`;
  const spans = linkedBatch([spanIn(given, span("a")), undefined, spanIn(other, span("b"))]);
  expect(spans.map(({ links }) => links)).toEqual([
    undefined,
    [{ traceId: TRACE, spanId: "a", isSampled: true }],
  ]);
});

test("A batch without recorded spans has none, and earlier links stay", () => {
  expect(linkedBatch([undefined])).toEqual([]);
  const links = [{ traceId: TRACE, spanId: "z", isSampled: true }];
  const spans = linkedBatch([spanIn(given, span("a")), spanIn(given, { ...span("b"), links })]);
  expect(spans[1]?.links?.map(({ spanId }) => spanId)).toEqual(["z", "a"]);
});

test("The root of a request's spans is its acceptance by the API, and never ends before it starts", () => {
  const request = {
    ...{ requestId: "rq_1", connectionId: "cn_1", clientId: "cl_1", provider: "we-link" },
    ...{ traceparent: given, parentSpanId: SPAN },
  };
  const expected = {
    ...{ traceId: TRACE, spanId: rootSpanId("rq_1"), isSampled: true, parentSpanId: SPAN },
    ...{ name: "accept request", kind: "server", service: "api", startMs: 10, endMs: 12 },
    attributes: {
      ...{ requestId: "rq_1", connectionId: "cn_1", clientId: "cl_1", provider: "we-link" },
      batchSize: 3,
    },
  };
  expect(acceptanceSpan(request, { startMs: 10, endMs: 12, batchSize: 3 })).toEqual(expected);
  expect(acceptanceSpan(request, { startMs: 10, endMs: 9 })?.endMs).toBe(10);
  const { traceparent: _, ...untraced } = request;
  expect(acceptanceSpan(untraced, { startMs: 10, endMs: 12 })).toBeUndefined();
});
