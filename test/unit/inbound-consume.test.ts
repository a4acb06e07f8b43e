import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { limits } from "../../shared/contracts/limits.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import type { PublishResult } from "../../shared/core/events/ports.ts";
import {
  type ConsumeDeps,
  makeConsumeWebhooks,
} from "../../shared/core/inbound/consume-webhooks.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const LEASE_MS = 30_000;
const noTable = new Failure("DEPENDENCY_DOWN", "no table");
const outbox = { published: 3, failures: [] };

/** An event whose envelope has this data, and a time of receipt. */
const eventOf = (id: string, data = '{"n":1}', receipt = "1"): FinalEvent => ({
  ...{ id, type: "workflow.completed", clientId: "cl_1" },
  envelope: `{"id":"${id}","createdAt":"${receipt}","data":${data}}`,
});

interface Given {
  /** What matching says of each message that was loaded; absent: its own event. */
  outcomes?: object[];
  /** The report of each message is not clear. */
  isUnclear?: boolean;
  claim?: (event: FinalEvent) => object;
  publish?: (event: FinalEvent) => PublishResult;
  /** What becomes of the events of the requests. */
  outbox?: object;
  /** Ports that do not answer. */
  down?: ("match" | "put" | "claim" | "release")[];
}

/** Each message is the text of an event's envelope; one that is empty cannot be loaded. */
function setUp({ down = [], ...given }: Given = {}) {
  const clock = makeTestClock();
  clock.passBusiness(86_400_000);
  const calls: unknown[][] = [];
  const noting =
    (name: "match" | "put" | "claim" | "release" | "complete", answer?: unknown) =>
    async (...of: unknown[]) => {
      calls.push([name, ...of]);
      if ((down as string[]).includes(name)) throw noTable;
      return answer;
    };
  const consume = makeConsumeWebhooks({
    async loadWebhook(envelope: string) {
      if (envelope === "") throw new Failure("MESSAGE_MALFORMED", "empty");
      const { id } = JSON.parse(envelope);
      return { whole: { ...eventOf(id), envelope }, event: given.isUnclear ? { unclear: {} } : {} };
    },
    async matchWebhooks(webhooks: readonly { whole: FinalEvent }[]) {
      const own = webhooks.map(({ whole: event }) => ({ kind: "unmatched", event }));
      await noting("match")(webhooks.length);
      return { outcomes: given.outcomes ?? own, outbox: given.outbox ?? outbox };
    },
    bodies: { put: noting("put") },
    claims: {
      claim: async (event: FinalEvent, ...of: unknown[]) => {
        await noting("claim")(event.id, ...of);
        return given.claim?.(event) ?? { kind: "granted", event };
      },
      complete: noting("complete", "completed"),
      release: noting("release"),
    },
    publisher: {
      publish: async (events: readonly FinalEvent[]) => {
        calls.push(["publish", events.map(({ id }) => id)]);
        return events.map((event) => given.publish?.(event) ?? { ok: true });
      },
    },
    clock,
    newOwner: () => "worker",
    claimLeaseMs: LEASE_MS,
  } as unknown as ConsumeDeps);
  const run = (events: FinalEvent[], leftMs = 10_000) =>
    consume(
      events.map(({ envelope }) => envelope),
      () => leftMs,
    );
  const messages = async (...of: Parameters<typeof run>) => (await run(...of)).messages;
  const named = (name: string) =>
    calls.filter(([one]) => one === name).map((call) => call.slice(1));
  return { clock, messages, named, run };
}

const noAnswer = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" };
const published = (eventId: string) => ({ kind: "published", eventId });
const unreadable: FinalEvent = { ...eventOf("x"), envelope: "" };
const malformed = { kind: "failed", code: "MESSAGE_MALFORMED", detail: "empty" };

describe("A batch of webhooks", () => {
  test("What belongs to requests is as it was matched, and the rest is published", async () => {
    const matched = { kind: "matched", requestId: "rq_1" };
    const waiting = { kind: "waiting", connectionId: "cn_1" };
    const unmatched = { kind: "unmatched", event: eventOf("c") };
    const { run, named } = setUp({ outcomes: [matched, waiting, unmatched] });
    const batch = [eventOf("a"), unreadable, eventOf("b"), eventOf("c")];
    expect(await run(batch)).toStrictEqual({
      messages: [matched, malformed, waiting, published("c")],
      outbox,
    });
    expect([named("match"), named("publish")]).toEqual([[[3]], [[["c"]]]]);
  });

  test("A message of which matching says nothing is a bug, and stays in its queue", async () => {
    const { messages } = setUp({ outcomes: [{ kind: "waiting", connectionId: "cn_1" }] });
    expect((await messages([eventOf("a"), eventOf("b")]))[1]).toStrictEqual({
      ...{ kind: "failed", code: "INTERNAL_ERROR" },
      detail: "no step set an outcome for this message",
    });
  });

  test("While nothing can be matched, every message that was loaded fails", async () => {
    const { run, named } = setUp({ down: ["match"] });
    expect(await run([eventOf("a"), unreadable, eventOf("b")])).toStrictEqual({
      messages: [noAnswer, malformed, noAnswer],
      outbox: { published: 0, failures: [] },
    });
    expect(named("claim")).toEqual([]);
  });

  test("Where no message can be loaded, nothing is matched", async () => {
    const { run, named } = setUp();
    expect(await run([unreadable])).toStrictEqual({
      messages: [malformed],
      outbox: { published: 0, failures: [] },
    });
    expect(named("match")).toEqual([]);
  });

  test("A report that is not clear is told of an event that is published, and of no other", async () => {
    const { messages } = setUp({ isUnclear: true });
    expect(await messages([eventOf("a"), eventOf("a")])).toStrictEqual([
      { ...published("a"), isUnclear: true },
      { kind: "duplicate", eventId: "a", contentDiffers: false },
    ]);
  });

  test("An event whose whole envelope cannot be stored fails alone", async () => {
    const large = eventOf("a", `{"result":"${"x".repeat(limits.maxPutEventsBytes)}"}`);
    const { messages } = setUp({ down: ["put"] });
    expect(await messages([large, eventOf("b")])).toStrictEqual([
      { ...noAnswer, eventId: "a" },
      published("b"),
    ]);
  });

  test("An event that the bus does not take names itself", async () => {
    const publish = () => ({ ok: false, reason: "throttled", isFinal: false }) as const;
    expect(await setUp({ publish }).messages([eventOf("a")])).toStrictEqual([
      { kind: "failed", code: "PUBLISH_FAILED", detail: "throttled", eventId: "a" },
    ]);
  });
});

describe("The claim of an event", () => {
  test("It lasts as long as the lease, in real time, and its message is delivered again", async () => {
    const { clock, messages, named } = setUp();
    await messages([eventOf("a")]);
    const lease = { owner: "worker", untilMs: clock.realMs() + LEASE_MS };
    expect(named("claim")).toStrictEqual([["a", lease, { isRetriedByQueue: true }]]);
  });

  test("One that cannot be made fails its event", async () => {
    const { messages } = setUp({ down: ["claim"] });
    expect(await messages([eventOf("a")])).toStrictEqual([{ ...noAnswer, eventId: "a" }]);
  });

  test("One of another worker is waited for until its end", async () => {
    const { messages, named } = setUp({ claim: () => ({ kind: "held", untilMs: 77 }) });
    expect(await messages([eventOf("a")])).toStrictEqual([
      {
        ...{ kind: "failed", code: "CLAIM_HELD", eventId: "a", retryAtMs: 77 },
        detail: "another worker has claimed this event",
      },
    ]);
    expect(named("publish")).toEqual([[[]]]);
  });

  test.each([
    ["the same content", '{"n":1}', false],
    ["the same content of an unknown account", '{"n":1,"accountUnknown":true}', false],
    ["other content", '{"n":2}', true],
  ])("A copy of a published event with %s is a duplicate", async (_, data, contentDiffers) => {
    const { envelope } = eventOf("a", data, "2");
    const { messages } = setUp({ claim: () => ({ kind: "done", envelope }) });
    expect(await messages([eventOf("a")])).toStrictEqual([
      { kind: "duplicate", eventId: "a", contentDiffers },
    ]);
  });
});

describe("Two messages of one event in a batch", () => {
  const batch = [eventOf("a"), eventOf("a", '{"n":2}'), eventOf("a", '{"n":1}', "2")];

  test("The first one is published, and the others are duplicates of it", async () => {
    const { messages, named } = setUp();
    expect(await messages(batch)).toStrictEqual([
      published("a"),
      { kind: "duplicate", eventId: "a", contentDiffers: true },
      { kind: "duplicate", eventId: "a", contentDiffers: false },
    ]);
    expect(named("publish")).toEqual([[["a"]]]);
  });

  test("When the first one is not published, all of them have its outcome", async () => {
    const { messages } = setUp({ down: ["claim"] });
    const outcome = { ...noAnswer, eventId: "a" };
    expect(await messages(batch)).toStrictEqual([outcome, outcome, outcome]);
  });
});

describe("A batch without enough time to publish", () => {
  test("With two seconds left it is published", async () => {
    const { messages, named } = setUp();
    expect(await messages([eventOf("a")], 2_000)).toStrictEqual([published("a")]);
    expect(named("release")).toEqual([]);
  });

  test("With less, its claims are released, so that the next worker need not wait for them", async () => {
    const { messages, named } = setUp();
    const detail = "less than 2000 ms left";
    expect(await messages([eventOf("a")], 1_999)).toStrictEqual([
      { kind: "failed", code: "OUT_OF_TIME", detail, eventId: "a" },
    ]);
    expect(named("release")).toStrictEqual([["a", "worker"]]);
    expect(named("publish")).toEqual([]);
  });

  const refused = { kind: "failed", code: "PUBLISH_FAILED", detail: "TimeoutError" };
  const stuck = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no archive" };

  test("While the bus took nothing of the requests, no other event is tried, and its claim is released into the outbox", async () => {
    const { messages, named } = setUp({ outbox: { published: 0, failures: [stuck, refused] } });
    const detail = "the bus took no event of the requests";
    expect(await messages([eventOf("a")])).toStrictEqual([
      { kind: "failed", code: "PUBLISH_FAILED", detail, eventId: "a" },
    ]);
    expect(named("release")).toStrictEqual([["a", "worker"]]);
    expect(named("publish")).toEqual([]);
  });

  test.each([
    ["the bus took one of its events", { published: 1, failures: [refused] }],
    ["what failed was not the bus", { published: 0, failures: [stuck] }],
  ])("Where %s, the other events are published", async (_, outbox) => {
    expect(await setUp({ outbox }).messages([eventOf("a")])).toStrictEqual([published("a")]);
  });

  test("A claim that cannot be released fails its event", async () => {
    const { messages } = setUp({ down: ["release"] });
    expect(await messages([eventOf("a")], 0)).toStrictEqual([{ ...noAnswer, eventId: "a" }]);
  });
});
