import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import type { PublishResult } from "../../shared/core/events/ports.ts";
import type { TextStore } from "../../shared/core/requests/state/ports.ts";
import { publishInOrder } from "../../shared/core/requests/state/publish-in-order.ts";
import type { OutboxEntry, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const owner = newOwner();
const { clientId } = owner;
const noBucket = new Failure("DEPENDENCY_DOWN", "no bucket");
const gone = new Failure("BODY_GONE", "there is no such text");
const ok: PublishResult = { ok: true };
const throttled: PublishResult = { ok: false, reason: "ThrottlingException", isFinal: false };
const malformed: PublishResult = { ok: false, reason: "MalformedDetail", isFinal: true };

/** Texts in the bucket, of which one is gone and one cannot be read now. */
const texts: TextStore = {
  store: async (_, inline) => ({ inline }),
  async open(text) {
    if ("inline" in text) return text.inline;
    if (text.key === "down") throw noBucket;
    if (text.key === "gone") throw gone;
    return `{"id":"${text.key}"}`;
  },
};

/** An entry of the write that gave the request this version. Its envelope names its id. */
const entryOf = (id: string, version: number, of: Partial<OutboxEntry> = {}): OutboxEntry => ({
  ...{ id, type: "workflow.started", version, sinceRealMs: 0 },
  ...{ envelope: { inline: `{"id":"${id}"}` }, ...of },
});
const eventOf = (id: string): FinalEvent => ({
  id,
  type: "workflow.started",
  clientId,
  envelope: `{"id":"${id}"}`,
});
const requestWith = (...outbox: OutboxEntry[]) => requestRecord(owner, { outbox });

/** Publishes the outboxes. The bus accepts the events, except those with other results. */
async function publish(
  requests: readonly RequestRecord[],
  results: Record<string, PublishResult | undefined> = {},
) {
  const calls: FinalEvent[][] = [];
  const resultOf = ({ id }: FinalEvent) => (id in results ? results[id] : ok);
  const publisher = {
    async publish(events: readonly FinalEvent[]) {
      calls.push([...events]);
      return events.map(resultOf) as PublishResult[];
    },
  };
  const tried = await publishInOrder({ texts, publisher }, requests);
  return { tried, calls, rounds: calls.map((events) => events.map(({ id }) => id)) };
}

const failed = (code: string, detail: string) => ({ kind: "failed", code, detail });
const complete = { failures: [], refused: new Set(), isHeldUp: false };

describe("The order of events", () => {
  test("Without requests, or without events, nothing is published", async () => {
    expect(await publish([])).toStrictEqual({ tried: [], calls: [], rounds: [] });
    const request = requestWith();
    const { tried, calls } = await publish([request]);
    expect(tried).toStrictEqual([{ request, published: [], ...complete }]);
    expect(calls).toEqual([]);
  });

  test("The events of each write are published by one call for all requests, those of later writes after them", async () => {
    const one = requestWith(entryOf("a1", 1), entryOf("a2", 4), entryOf("a3", 4));
    const other = requestWith(entryOf("b1", 7), entryOf("b2", 9), entryOf("b3", 12));
    const { tried, rounds } = await publish([one, other]);
    expect(rounds).toEqual([["a1", "b1"], ["a2", "a3", "b2"], ["b3"]]);
    expect(tried).toStrictEqual([
      { request: one, published: ["a1", "a2", "a3"].map(eventOf), ...complete },
      { request: other, published: ["b1", "b2", "b3"].map(eventOf), ...complete },
    ]);
  });

  test("Entries of one write are published together, also where others stand between them", async () => {
    const request = requestWith(entryOf("a1", 2), entryOf("a2", 3), entryOf("a3", 2));
    expect((await publish([request])).rounds).toEqual([["a1", "a3"], ["a2"]]);
  });

  test("An event is what was stored, with the exact bytes of its webhook", async () => {
    const raw = { inline: Buffer.from("exact é").toString("base64") };
    const large = entryOf("a2", 1, { envelope: { key: "a2" }, type: "workflow.completed" });
    const { calls } = await publish([requestWith(entryOf("a1", 1, { raw }), large)]);
    expect(calls).toStrictEqual([
      [
        { ...eventOf("a1"), raw: Buffer.from("exact é") },
        { ...eventOf("a2"), type: "workflow.completed" },
      ],
    ]);
  });
});

describe("An event that is not published", () => {
  /** Two requests, of which the first has an event more. */
  const two = (second: Partial<OutboxEntry> = {}) => [
    requestWith(entryOf("a1", 1), entryOf("a2", 2, second), entryOf("a3", 3)),
    requestWith(entryOf("b1", 1), entryOf("b2", 2)),
  ];
  const held = { refused: new Set(), isHeldUp: true };

  test("It holds up the later events of its own request only", async () => {
    const [one, other] = two() as [RequestRecord, RequestRecord];
    const { tried, rounds } = await publish([one, other], { a1: throttled });
    expect(rounds).toEqual([["a1", "b1"], ["b2"]]);
    const failures = [failed("PUBLISH_FAILED", "ThrottlingException")];
    expect(tried).toStrictEqual([
      { request: one, published: [], failures, ...held },
      { request: other, published: ["b1", "b2"].map(eventOf), ...complete },
    ]);
  });

  test("Those before it are published", async () => {
    const [one, other] = two() as [RequestRecord, RequestRecord];
    const { tried, rounds } = await publish([one, other], { a2: throttled });
    expect(rounds).toEqual([
      ["a1", "b1"],
      ["a2", "b2"],
    ]);
    const failures = [failed("PUBLISH_FAILED", "ThrottlingException")];
    expect(tried[0]).toStrictEqual({
      ...{ request: one, published: [eventOf("a1")], failures, ...held },
    });
  });

  test("One that the bus can never accept holds up nothing", async () => {
    const [one, other] = two() as [RequestRecord, RequestRecord];
    const { tried, rounds } = await publish([one, other], { a1: malformed });
    expect(rounds).toEqual([["a1", "b1"], ["a2", "b2"], ["a3"]]);
    expect(tried[0]).toStrictEqual({
      ...{ request: one, published: ["a2", "a3"].map(eventOf), isHeldUp: false },
      ...{ failures: [failed("PUBLISH_REFUSED", "MalformedDetail")], refused: new Set(["a1"]) },
    });
  });

  test("One without a result counts as not published", async () => {
    const request = requestWith(entryOf("a1", 1));
    const { tried } = await publish([request], { a1: undefined });
    const detail = "EventBridge returned no result for this event";
    const failures = [failed("PUBLISH_FAILED", detail)];
    expect(tried).toStrictEqual([{ request, published: [], failures, ...held }]);
  });

  test.each<Partial<OutboxEntry>>([{ envelope: { key: "down" } }, { raw: { key: "down" } }])(
    "One that cannot be read now, with %j, holds up the later events of its own request only",
    async (unreadable) => {
      const [one, other] = two(unreadable) as [RequestRecord, RequestRecord];
      const { tried, rounds } = await publish([one, other]);
      expect(rounds).toEqual([["a1", "b1"], ["b2"]]);
      const failures = [failed("DEPENDENCY_DOWN", "no bucket")];
      expect(tried).toStrictEqual([
        { request: one, published: [eventOf("a1")], failures, ...held },
        { request: other, published: ["b1", "b2"].map(eventOf), ...complete },
      ]);
    },
  );

  test("One whose text is gone holds up nothing", async () => {
    const [one, other] = two({ envelope: { key: "gone" } }) as [RequestRecord, RequestRecord];
    const { tried, rounds } = await publish([one, other]);
    expect(rounds).toEqual([["a1", "b1"], ["b2"], ["a3"]]);
    expect(tried[0]).toStrictEqual({
      ...{ request: one, published: ["a1", "a3"].map(eventOf), isHeldUp: false },
      ...{ failures: [failed("BODY_GONE", "there is no such text")], refused: new Set(["a2"]) },
    });
  });

  test("The bus is not called where no text can be read", async () => {
    const request = requestWith(entryOf("a1", 1, { envelope: { key: "down" } }));
    expect((await publish([request])).calls).toEqual([]);
  });

  test("A bus that throws is a failure of the whole call", async () => {
    const bug = new Error("a bug");
    const publisher = { publish: () => Promise.reject(bug) };
    const published = publishInOrder({ texts, publisher }, [requestWith(entryOf("a1", 1))]);
    await expect(published).rejects.toBe(bug);
  });
});
