import { describe, expect, test } from "vitest";
import { limits } from "../../shared/contracts/limits.ts";
import {
  busSafeJson,
  type FinalEvent,
  requestEvent,
  toEventBridgeDetail,
  traceparentIn,
  truncateForBus,
  unmatchedEvent,
} from "../../shared/core/events/envelope.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import { ownTrace } from "../../shared/core/tracing/derived-ids.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const noonMs = Date.parse(NOON);
const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-00`;
const raw = Buffer.from("raw");
const weLink = "we-link" as const;

describe("The event of a webhook that belongs to no request", () => {
  const type = "workflow.completed" as const;
  const event: ProviderEvent = {
    ...{ type, providerObjectId: "wf-1", discriminator: "d" },
    data: {
      ...{ eventType: "CONNECTION_SENT", status: "completed", action: "invite" },
      ...{ accountId: "anna", providerRequestId: "pr-1", workflowId: "wf-1" },
      ...{ result: { n: 1 }, error: { code: "C", message: "m" } },
    },
  };
  const origin = {
    ...{ clientId: "cl_1", connectionId: "cn_1", receivedAtMs: noonMs, numbersAsText: false },
    provider: weLink,
  };
  const id = "workflow.completed:cn_1:wf-1:d";

  test("Its members are in one order, whatever the order of the provider's", () => {
    expect(unmatchedEvent(event, origin)).toStrictEqual({
      ...{ id, type, clientId: "cl_1" },
      envelope: JSON.stringify({
        ...{ id, type, createdAt: NOON },
        data: {
          ...{ workflowId: "wf-1", providerRequestId: "pr-1", accountId: "anna" },
          ...{ provider: "we-link", action: "invite", status: "completed" },
          ...{ eventType: "CONNECTION_SENT", result: { n: 1 } },
          error: { code: "C", message: "m" },
        },
      }),
    });
  });

  test("It has the provider's time, its trace, and its bytes where a number is text", () => {
    const createdAt = "2026-06-25T11:00:00.000Z";
    const timed = { type, createdAt, providerObjectId: "wf-1", data: { eventType: "UNKNOWN" } };
    const more = { traceparent, numbersAsText: true, raw };
    const shortId = "workflow.completed:cn_1:wf-1";
    expect(unmatchedEvent(timed, { ...origin, ...more })).toStrictEqual({
      ...{ id: shortId, type, clientId: "cl_1", raw },
      envelope: JSON.stringify({
        ...{ id: shortId, type, createdAt, traceparent },
        data: { provider: "we-link", eventType: "UNKNOWN", numbersAsText: true },
      }),
    });
  });

  test("While spans are recorded, it begins a trace of its own where it comes without one", () => {
    const { envelope } = unmatchedEvent(event, { ...origin, isTracing: true });
    const own = ownTrace(id, undefined, { isTracing: true }).traceparent;
    expect(own).toMatch(/^00-/);
    expect(JSON.parse(envelope).traceparent).toBe(own);
  });
});

describe("The event of a request", () => {
  const request = {
    ...{ requestId: "rq_1", clientId: "cl_1", accountId: "anna", action: "invite" },
    provider: weLink,
  };
  const details = { atMs: noonMs, eventType: "UNKNOWN" };

  test("A request is one workflow with the same id", () => {
    const type = "workflow.created";
    const id = "workflow.created:rq_1";
    expect(requestEvent(type, request, details)).toStrictEqual({
      ...{ id, type, clientId: "cl_1" },
      envelope: JSON.stringify({
        ...{ id, type, createdAt: NOON },
        data: {
          ...{ requestId: "rq_1", workflowId: "rq_1", accountId: "anna" },
          ...{ provider: "we-link", action: "invite", eventType: "UNKNOWN" },
        },
      }),
    });
  });

  test("Several events of one type are told apart by their number, also by the number 0", () => {
    const type = "workflow.actionRequired";
    const id = "workflow.actionRequired:rq_1:0";
    const known = { ...request, providerRequestId: "pr-1", traceparent };
    const status = "action_required";
    const more = { payload: { a: 1 } };
    const event = requestEvent(type, known, { ...details, n: 0, status, more, raw });
    expect(event).toStrictEqual({
      ...{ id, type, clientId: "cl_1", raw },
      envelope: JSON.stringify({
        ...{ id, type, createdAt: NOON, traceparent },
        data: {
          ...{ requestId: "rq_1", workflowId: "rq_1", providerRequestId: "pr-1" },
          ...{ accountId: "anna", provider: "we-link", action: "invite", status },
          ...{ eventType: "UNKNOWN", payload: { a: 1 } },
        },
      }),
    });
  });

  test("One whose result is too large for the bus is truncated", () => {
    const result = "x".repeat(limits.maxPutEventsBytes);
    const event = requestEvent("workflow.completed", request, { ...details, more: { result } });
    expect(JSON.parse(event.envelope).data).toStrictEqual({
      ...{ requestId: "rq_1", workflowId: "rq_1", accountId: "anna", provider: "we-link" },
      ...{ action: "invite", eventType: "UNKNOWN", resultTruncated: true },
    });
  });
});

describe("An event that the bus may not carry", () => {
  const identity = { id: "e:1", type: "workflow.completed" as const };

  /** An event whose envelope has so many bytes, in characters of one or two bytes. */
  function eventOf(bytes: number, character: "x" | "é"): FinalEvent {
    const frame = (result: string) =>
      JSON.stringify({
        ...{ ...identity, createdAt: NOON },
        data: { eventType: "UNKNOWN", result, payload: { a: 1 }, error: { code: "C" }, n: 1.5 },
      });
    const left = bytes - frame("").length;
    const result = character.repeat(Math.floor(left / Buffer.byteLength(character)));
    const envelope = frame(`${result}${"x".repeat(left - Buffer.byteLength(result))}`);
    return { ...identity, clientId: "cl_1", envelope, raw };
  }

  test.each(["x", "é"] as const)("With as many bytes as it may have it stays: %s", (character) => {
    const event = eventOf(900_000, character);
    expect(Buffer.byteLength(event.envelope)).toBe(900_000);
    expect(truncateForBus(event)).toBe(event);
  });

  test.each(["x", "é"] as const)("With one byte more it loses its content: %s", (character) => {
    expect(truncateForBus(eventOf(900_001, character))).toStrictEqual({
      ...{ ...identity, clientId: "cl_1" },
      envelope: JSON.stringify({
        ...{ ...identity, createdAt: NOON },
        data: { eventType: "UNKNOWN", n: 1.5, resultTruncated: true },
      }),
    });
  });
});

test("Two characters that JSON allows and SQS does not are escaped, and no others", () => {
  const value = { "\ufffe": "a\uffff\uffffb", other: "\ufffd\ud83d\ude00" };
  const text = busSafeJson(value);
  expect(text).toBe('{"\\ufffe":"a\\uffff\\uffffb","other":"\ufffd\ud83d\ude00"}');
  expect(JSON.parse(text)).toStrictEqual(value);
});

test("The detail on the bus is the text of the envelope, with the client in front", () => {
  const event = { clientId: 'cl_"1"', envelope: '{"id":"e:1","n":1.0}' };
  expect(toEventBridgeDetail(event)).toBe('{"clientId":"cl_\\"1\\"","id":"e:1","n":1.0}');
});

test.each([
  ["without a trace", '{"id":"e","data":{}}', undefined],
  ["with an invalid trace", '{"traceparent":"no trace","data":{}}', undefined],
  ["whose data names one", `{"id":"e","data":{"traceparent":"${traceparent}"}}`, undefined],
  ["with a trace", `{"traceparent":"${traceparent}","data":{}}`, traceparent],
])("An envelope %s has that trace and no other", (_, envelope, expected) => {
  expect(traceparentIn(envelope)).toBe(expected);
});
