import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import type { EventClaims, EventPublisher, PublishResult } from "../../shared/core/events/ports.ts";
import { makeSweepEventOutbox } from "../../shared/core/events/sweep-event-outbox.ts";
import { makeConsumeWebhooks } from "../../shared/core/inbound/consume-webhooks.ts";
import type { MatchOutcome } from "../../shared/core/inbound/match-webhooks.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { unjoined } from "../support/fakes/inbound-reader.ts";
import { makeMemoryEventClaims } from "../support/memory/memory-event-claims.ts";

const LEASE_MS = 30_000;

function setUp(
  over: {
    claims?: Partial<EventClaims>;
    publish?: EventPublisher["publish"];
    /** What matching says of each message; absent: that it belongs to no request. */
    outcomes?: readonly MatchOutcome[];
    /** Each event is in the outbox from its claim on, as those are that no queue delivers again. */
    inOutbox?: boolean;
  } = {},
) {
  const clock = makeTestClock();
  const stored = makeMemoryEventClaims({ clock, retentionMs: 86_400_000 });
  const claims: EventClaims = {
    ...stored,
    ...(over.inOutbox ? { claim: (event, lease) => stored.claim(event, lease) } : {}),
    ...over.claims,
  };
  const published: FinalEvent[] = [];
  const publisher: EventPublisher = {
    publish:
      over.publish ??
      (async (events) => {
        published.push(...events);
        return events.map((): PublishResult => ({ ok: true }));
      }),
  };
  const matching = over.outcomes && {
    matchWebhooks: async () => ({
      outcomes: [...(over.outcomes ?? [])],
      outbox: { published: 0, failures: [] },
    }),
  };
  let owners = 0;
  const common = {
    publisher,
    clock,
    newOwner: () => `owner-${++owners}`,
    claimLeaseMs: LEASE_MS,
    leaseMs: LEASE_MS,
  };
  return {
    clock,
    claims: stored,
    published,
    consume: outcomesOf(
      makeConsumeWebhooks({ ...common, claims, ...unjoined({ clock }), ...matching }),
    ),
    sweep: makeSweepEventOutbox({ ...common, claims: stored, graceMs: 30_000, limit: 100 }),
  };
}

const outcomesOf =
  (consume: ReturnType<typeof makeConsumeWebhooks>) =>
  async (...batch: Parameters<typeof consume>) =>
    (await consume(...batch)).messages;

const message = (requestId: string, over: object = {}) =>
  JSON.stringify({
    v: 1,
    provider: "we-link",
    clientId: "cl_1",
    connectionId: "cn_1",
    receivedAtMs: Date.UTC(2026, 5, 25, 12),
    bodyBase64: Buffer.from(
      JSON.stringify({ status: "SUCCESS", request_id: requestId, hash: "verified before" }),
    ).toString("base64"),
    ...over,
  });

const kinds = (outcomes: { kind: string; code?: string }[]) =>
  outcomes.map(({ kind, code }) => code ?? kind);

describe("a batch", () => {
  test("each webhook becomes one event, and its copies become none", async () => {
    const { consume, published } = setUp();
    expect(kinds(await consume([message("a"), message("b"), message("a")]))).toEqual([
      "published",
      "published",
      "duplicate",
    ]);
    expect(kinds(await consume([message("b")]))).toEqual(["duplicate"]);
    expect(published.map(({ id }) => id)).toEqual([
      expect.stringMatching(/^workflow.completed:cn_1:a:/),
      expect.stringMatching(/^workflow.completed:cn_1:b:/),
    ]);
  });

  test.each([
    ["not JSON", "garbage"],
    ["not our message", '{"v":2}'],
    ["a body that ingest would have refused", message("a", { bodyBase64: "W10=" })],
  ])("a poison message fails without the others of its batch: %s", async (_name, poison) => {
    const { consume } = setUp();
    expect(kinds(await consume([message("a"), poison, message("b")]))).toEqual([
      "published",
      "MESSAGE_MALFORMED",
      "published",
    ]);
  });

  test("two clients with the same provider ids do not see each other", async () => {
    const { consume } = setUp();
    const other = message("a", { clientId: "cl_2", connectionId: "cn_2" });
    expect(kinds(await consume([message("a"), other]))).toEqual(["published", "published"]);
  });
});

describe("A webhook of a request that may have been an event of its own at an earlier receive", () => {
  const earlierEvent: FinalEvent = {
    ...{ id: "workflow.started:cn_1:a", type: "workflow.started", clientId: "cl_1" },
    envelope: '{"id":"workflow.started:cn_1:a","createdAt":"1","data":{"n":1}}',
  };
  const matched = {
    kind: "matched",
    requestId: "rq_1",
    verdict: "late",
    hasPausedAccount: true,
    hasStoredUnclearReport: true,
  } as const;
  const outcomes = [
    { ...matched, earlierEvent },
    { ...matched, earlierEvent },
  ];
  const lease = (untilMs: number) => ({ owner: "dead", untilMs });

  test("That event is published if its worker ended before it recorded that, in the bytes of its claim", async () => {
    const { clock, claims, consume, published } = setUp({ outcomes });
    const first = { ...earlierEvent, envelope: earlierEvent.envelope.replace(":1}", ":2}") };
    await claims.claim(first, lease(clock.realMs()), { isRetriedByQueue: true });
    expect(await consume([message("a"), message("a")])).toStrictEqual([
      { ...matched, publishedEventId: earlierEvent.id },
      matched,
    ]);
    expect(published).toStrictEqual([first]);
    expect(await consume([message("a"), message("a")])).toStrictEqual([matched, matched]);
    expect(published).toHaveLength(1);
  });

  test("While another worker may be publishing that event, the message waits", async () => {
    const { clock, claims, consume, published } = setUp({ outcomes });
    await claims.claim(earlierEvent, lease(clock.realMs() + 1), { isRetriedByQueue: true });
    expect(await consume([message("a"), message("a")])).toStrictEqual([
      {
        ...{ kind: "failed", code: "CLAIM_HELD", detail: "another worker has claimed this event" },
        ...{ eventId: earlierEvent.id, retryAtMs: clock.realMs() + 1, matched },
      },
      matched,
    ]);
    expect(published).toEqual([]);
  });

  test("Nothing is published if there was no such event", async () => {
    const { consume, published } = setUp({ outcomes });
    expect(await consume([message("a"), message("a")])).toStrictEqual([matched, matched]);
    expect(published).toEqual([]);
  });

  test("The message stays while the events cannot be read", async () => {
    const claimStored = () => Promise.reject(new Failure("DEPENDENCY_DOWN", "no table"));
    const { consume } = setUp({ outcomes, claims: { claimStored } });
    expect(await consume([message("a"), message("a")])).toStrictEqual([
      {
        ...{ kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" },
        ...{ eventId: earlierEvent.id, matched },
      },
      matched,
    ]);
  });

  test("The message stays while the bus does not take that event, with what it did to its request", async () => {
    const { clock, claims, consume } = setUp({
      outcomes,
      publish: async () => [{ ok: false, reason: "InternalFailure", isFinal: false }],
    });
    await claims.claim(earlierEvent, lease(clock.realMs()), { isRetriedByQueue: true });
    expect(await consume([message("a"), message("a")])).toStrictEqual([
      {
        ...{ kind: "failed", code: "PUBLISH_FAILED", detail: "InternalFailure" },
        ...{ eventId: earlierEvent.id, matched },
      },
      matched,
    ]);
  });
});

test("another body under the same key in one batch is a conflict, and the first body is kept", async () => {
  const linkedApi = (result: number) =>
    message("", {
      provider: "linked-api",
      bodyBase64: Buffer.from(
        JSON.stringify({
          id: "workflow.completed:wf-1",
          type: "workflow.completed",
          createdAt: "2026-06-25T12:00:00Z",
          data: { workflowId: "wf-1", status: "completed", result },
        }),
      ).toString("base64"),
    });
  const { consume, published } = setUp();
  const outcomes = await consume([linkedApi(1), linkedApi(2), linkedApi(1)]);
  expect(outcomes).toMatchObject([
    { kind: "published" },
    { kind: "duplicate", contentDiffers: true },
    { kind: "duplicate", contentDiffers: false },
  ]);
  expect(published.map(({ envelope }) => envelope)).toEqual([
    expect.stringContaining('"result":1'),
  ]);
  expect(await consume([linkedApi(2)])).toMatchObject([
    { kind: "duplicate", contentDiffers: true },
  ]);
});

test("a message that is older than the dedupe window is parked, because it may be a copy of an expired claim's event", async () => {
  const { consume, clock } = setUp();
  clock.passBusiness(30 * 86_400_000);
  expect(kinds(await consume([message("a")]))).toEqual(["published"]);
  clock.passBusiness(1);
  expect(kinds(await consume([message("b")]))).toEqual(["MESSAGE_STALE"]);
});

describe("when publishing fails", () => {
  test("an event whose publish fails is retried, and its claim is free at once", async () => {
    let calls = 0;
    const { consume } = setUp({
      publish: async (events) =>
        events.map((event) =>
          event.id.includes(":b:") && calls++ === 0
            ? { ok: false, reason: "ThrottlingException", isFinal: false }
            : { ok: true },
        ),
    });
    expect(kinds(await consume([message("a"), message("b"), message("c")]))).toEqual([
      "published",
      "PUBLISH_FAILED",
      "published",
    ]);
    expect(kinds(await consume([message("b")]))).toEqual(["published"]);
  });

  test("an answer for fewer entries than were sent counts as failed", async () => {
    const { consume } = setUp({ publish: async () => [{ ok: true }] });
    expect(kinds(await consume([message("a"), message("b")]))).toEqual([
      "published",
      "PUBLISH_FAILED",
    ]);
  });
});

describe("when another worker holds the event", () => {
  test("the message of an event that another worker holds is reported as failed with the end of the lease", async () => {
    const { consume, claims, clock } = setUp({
      publish: () => new Promise(() => undefined),
    });
    void consume([message("a")]);
    await Promise.resolve();
    const [outcome] = await setUpWith(claims, clock).consume([message("a")]);
    expect(outcome).toMatchObject({ code: "CLAIM_HELD", retryAtMs: clock.realMs() + LEASE_MS });
  });

  test("after the lease of another worker the event is published with the same id and bytes", async () => {
    const sent: FinalEvent[] = [];
    const crashed = setUp({
      publish: (events) => {
        sent.push(...events);
        return new Promise(() => undefined);
      },
    });
    void crashed.consume([message("a")]);
    await expect.poll(() => sent).toHaveLength(1);
    crashed.clock.passReal(LEASE_MS);
    const second = setUpWith(crashed.claims, crashed.clock);
    const late = message("a", { receivedAtMs: Date.UTC(2027, 0, 1) });
    expect(kinds(await second.consume([late]))).toEqual(["published"]);
    expect(second.published).toEqual(sent);
  });

  function setUpWith(claims: EventClaims, clock: ReturnType<typeof makeTestClock>) {
    const published: FinalEvent[] = [];
    const publisher: EventPublisher = {
      publish: async (events) => {
        published.push(...events);
        return events.map(() => ({ ok: true }));
      },
    };
    const deps = { claims, publisher, ...unjoined({ clock }), clock, claimLeaseMs: LEASE_MS };
    const consume = makeConsumeWebhooks({ ...deps, newOwner: () => "second" });
    return { published, consume: outcomesOf(consume) };
  }
});

describe("when the store fails", () => {
  const down = async () => {
    throw new Failure("DEPENDENCY_DOWN", "DynamoDB PutItem failed: TimeoutError");
  };

  test("a message stays in the queue when the store fails while claiming", async () => {
    const { consume, published } = setUp({ claims: { claim: down } });
    expect(kinds(await consume([message("a")]))).toEqual(["DEPENDENCY_DOWN"]);
    expect(published).toEqual([]);
  });

  test("a message stays in the queue when the store fails while recording, and the event is published again with its id", async () => {
    const { consume, published } = setUp({ claims: { complete: down } });
    expect(kinds(await consume([message("a")]))).toEqual(["DEPENDENCY_DOWN"]);
    expect(published).toHaveLength(1);
  });

  test("the code is that of the failed publish when the store fails while releasing the claim", async () => {
    const { consume } = setUp({
      claims: { release: down },
      publish: async (events) =>
        events.map(() => ({ ok: false, reason: "InternalFailure", isFinal: false })),
    });
    expect(kinds(await consume([message("a")]))).toEqual(["PUBLISH_FAILED"]);
  });
});

test("B15 with too little time left no event is published that might not be recorded", async () => {
  const { consume, published } = setUp();
  const late = await consume([message("a"), message("b")], () => 1_999);
  expect(kinds(late)).toEqual(["OUT_OF_TIME", "OUT_OF_TIME"]);
  expect(published).toEqual([]);
  expect(kinds(await consume([message("a"), message("b")], () => 2_000))).toEqual([
    "published",
    "published",
  ]);
});

describe("the sweep publishes the events of crashed workers (G12)", () => {
  const enoughTime = () => 50_000;

  test("a crashed worker's message, which its queue delivers again, publishes the same bytes again", async () => {
    const { consume, clock, published } = setUp({ claims: { complete: async () => "lost" } });
    expect(kinds(await consume([message("a")]))).toEqual(["CLAIM_LOST"]);
    expect(kinds(await consume([message("a")]))).toEqual(["CLAIM_HELD"]);
    clock.passReal(LEASE_MS + 1);
    expect(kinds(await consume([message("a")]))).toEqual(["CLAIM_LOST"]);
    expect(published).toHaveLength(2);
    expect(published[0]).toEqual(published[1]);
  });

  test("the sweep publishes an event that the bus did not take at first, although its message is not delivered again", async () => {
    let isDown = true;
    const { consume, sweep, clock } = setUp({
      publish: async (events) =>
        events.map(() =>
          isDown ? { ok: false, reason: "InternalFailure", isFinal: false } : { ok: true },
        ),
    });
    expect(kinds(await consume([message("a")]))).toEqual(["PUBLISH_FAILED"]);
    isDown = false;
    expect(await sweep(enoughTime)).toEqual({ published: 0, held: 0, failures: [] });
    clock.passReal(LEASE_MS + 1);
    expect(await sweep(enoughTime)).toEqual({ published: 1, held: 0, failures: [] });
    expect(kinds(await consume([message("a")]))).toEqual(["duplicate"]);
  });

  test("the sweep publishes an event of a crashed worker once it is older than the grace period", async () => {
    const { consume, sweep, clock, published } = setUp({
      claims: { complete: async () => "lost" },
      inOutbox: true,
    });
    expect(kinds(await consume([message("a")]))).toEqual(["CLAIM_LOST"]);
    expect(await sweep(enoughTime)).toEqual({ published: 0, held: 0, failures: [] });
    clock.passReal(LEASE_MS + 1);
    expect(await sweep(enoughTime)).toEqual({ published: 1, held: 0, failures: [] });
    expect(published[0]).toEqual(published[1]);
    clock.passReal(LEASE_MS + 1);
    expect(await sweep(enoughTime)).toEqual({ published: 0, held: 0, failures: [] });
  });

  test("the sweep skips events that cannot be read and events that the bus permanently refuses", async () => {
    const refused = new Set<string>();
    const { consume, sweep, clock, claims } = setUp({
      claims: { complete: async () => "lost" },
      inOutbox: true,
      publish: async (events) =>
        events.map(({ id }): PublishResult => {
          const isBad = id.includes(":bad:");
          if (isBad) refused.add(id);
          return isBad ? { ok: false, reason: "MalformedDetail", isFinal: true } : { ok: true };
        }),
    });
    expect(kinds(await consume([message("bad"), message("unread"), message("good")]))).toEqual([
      "PUBLISH_REFUSED",
      "CLAIM_LOST",
      "CLAIM_LOST",
    ]);
    clock.passReal(LEASE_MS + 1);
    const { claimStored } = claims;
    claims.claimStored = async (id, lease) => {
      if (id.includes(":unread:")) throw new Error("an item of a later version");
      return claimStored(id, lease);
    };
    expect(await sweep(enoughTime)).toMatchObject({
      published: 1,
      held: 0,
      failures: [{ code: "INTERNAL_ERROR", error: { message: "an item of a later version" } }],
    });
    expect(refused.size).toBe(1);
  });

  test("the sweep begins no batch that it could not record in time", async () => {
    const { consume, sweep, clock } = setUp({
      claims: { complete: async () => "lost" },
      inOutbox: true,
    });
    await consume([message("a")]);
    clock.passReal(LEASE_MS + 1);
    expect(await sweep(() => 1_000)).toEqual({ published: 0, held: 0, failures: [] });
  });
});
