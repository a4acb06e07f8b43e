import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import type { EventClaims, PublishResult } from "../../shared/core/events/ports.ts";
import {
  makeSweepEventOutbox,
  type SweepEventOutboxDeps,
} from "../../shared/core/events/sweep-event-outbox.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const GRACE_MS = 30_000;
const LEASE_MS = 60_000;
const SHARDS = [0, 1, 2, 3];
const ok: PublishResult = { ok: true };
const throttled: PublishResult = { ok: false, reason: "throttled", isFinal: false };
const malformed: PublishResult = { ok: false, reason: "malformed", isFinal: true };

type Query = Parameters<EventClaims["unpublished"]>[0];

interface Given {
  /** Events of the first shard. */
  count?: number;
  limit?: number;
  /** The results of the batch with this number, from 0 on. */
  answer?: (events: readonly FinalEvent[], batch: number) => PublishResult[];
  claimStored?: EventClaims["claimStored"];
  complete?: EventClaims["complete"];
  unreadableShards?: number[];
}

function setUp({ count = 0, limit = 100, unreadableShards = [], ...given }: Given = {}) {
  const clock = makeTestClock();
  // The two clocks differ, so that each time shows of which one it is.
  clock.passReal(5_000);
  const stored = Array.from({ length: count }, (_, n) => ({ id: `e:${n}`, sinceMs: n }));
  const queries: Query[] = [];
  const leases: unknown[] = [];
  const batches: string[][] = [];
  let owners = 0;
  const eventOf = (id: string): FinalEvent => ({
    ...{ id, type: "workflow.completed", clientId: "cl_1", envelope: "{}" },
  });
  const claims = {
    async unpublished(of: Query) {
      queries.push(of);
      if (unreadableShards.includes(of.shard)) throw new Failure("DEPENDENCY_DOWN", "no index");
      if (of.shard !== 0) return [];
      const { sinceMs: afterMs } = of.after ?? { sinceMs: -1 };
      return stored.filter(({ sinceMs }) => sinceMs > afterMs).slice(0, of.limit);
    },
    async claimStored(id: string, lease: object) {
      leases.push([id, lease]);
      return { kind: "granted", event: eventOf(id) };
    },
    complete: async () => "completed",
    release: async () => undefined,
    removeFromOutbox: async () => undefined,
    ...(given.claimStored ? { claimStored: given.claimStored } : {}),
    ...(given.complete ? { complete: given.complete } : {}),
  } as unknown as EventClaims;
  const deps: SweepEventOutboxDeps = {
    ...{ claims, clock, limit, leaseMs: LEASE_MS, graceMs: GRACE_MS },
    publisher: {
      async publish(events) {
        batches.push(events.map(({ id }) => id));
        return given.answer?.(events, batches.length - 1) ?? events.map(() => ok);
      },
    },
    newOwner: () => `owner-${++owners}`,
  };
  return { sweep: makeSweepEventOutbox(deps), batches, clock, leases, queries };
}

const enoughTime = () => 10_000;
const nothing = { published: 0, held: 0, failures: [] };
const idsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, n) => `e:${first + n}`);

describe("A sweep of the outbox of events", () => {
  test("It looks in every shard for what is older than the grace period, in real time", async () => {
    const { sweep, clock, queries } = setUp({ limit: 7 });
    expect(await sweep(enoughTime)).toStrictEqual(nothing);
    const beforeMs = clock.realMs() - GRACE_MS;
    expect(queries).toStrictEqual(
      SHARDS.map((shard) => ({ shard, beforeMs, limit: 7, after: undefined })),
    );
  });

  test("It publishes ten events at a time, each batch with a claim of its own", async () => {
    const { sweep, batches, clock, leases } = setUp({ count: 21 });
    expect(await sweep(enoughTime)).toStrictEqual({ ...nothing, published: 21 });
    expect(batches).toEqual([idsFrom(0, 10), idsFrom(10, 10), idsFrom(20, 1)]);
    const leaseOf = (n: number) => ({ owner: `owner-${n}`, untilMs: clock.realMs() + LEASE_MS });
    expect(leases).toStrictEqual([
      ...idsFrom(0, 10).map((id) => [id, leaseOf(1)]),
      ...idsFrom(10, 10).map((id) => [id, leaseOf(2)]),
      ["e:20", leaseOf(3)],
    ]);
  });

  test("It reads page by page, each from the last event of the one before", async () => {
    const { sweep, queries } = setUp({ count: 5, limit: 2 });
    expect(await sweep(enoughTime)).toStrictEqual({ ...nothing, published: 5 });
    const ofFirst = queries.filter(({ shard }) => shard === 0);
    expect(ofFirst.map(({ after }) => after?.id)).toEqual([undefined, "e:1", "e:3"]);
  });

  test("It begins nothing with less than ten seconds left", async () => {
    const { sweep, batches, queries } = setUp({ count: 1 });
    expect(await sweep(() => 9_999)).toStrictEqual(nothing);
    expect([queries, batches]).toEqual([[], []]);
  });

  test("It ends between two batches when the time is over", async () => {
    const { sweep, batches } = setUp({ count: 30 });
    const remaining = () => (batches.length < 2 ? 10_000 : 9_999);
    expect(await sweep(remaining)).toStrictEqual({ ...nothing, published: 20 });
    expect(batches).toHaveLength(2);
  });

  test("A shard that cannot be read is reported, and the others are swept", async () => {
    const { sweep } = setUp({ count: 3, unreadableShards: [1, 3] });
    const failure = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no index" };
    expect(await sweep(enoughTime)).toStrictEqual({
      ...{ published: 3, held: 0, failures: [failure, failure] },
    });
  });

  test("Events that others hold, that are on the bus or that are gone are not published", async () => {
    const claimStored: EventClaims["claimStored"] = async (id) => {
      if (id === "e:0") return { kind: "held", untilMs: 1 };
      if (id === "e:1") return { kind: "done", envelope: "{}" };
      if (id === "e:2") return undefined;
      throw new Failure("DEPENDENCY_DOWN", "no item");
    };
    const { sweep, batches } = setUp({ count: 4, claimStored });
    expect(await sweep(enoughTime)).toStrictEqual({
      ...{ published: 0, held: 1 },
      failures: [{ kind: "failed", code: "DEPENDENCY_DOWN", detail: "no item" }],
    });
    expect(batches).toEqual([[]]);
  });
});

describe("A sweep while the bus is down", () => {
  const allAre = (result: PublishResult) => (events: readonly FinalEvent[]) =>
    events.map(() => result);

  test("After four batches of which nothing was taken it stops", async () => {
    const { sweep, batches } = setUp({ count: 100, answer: allAre(throttled) });
    const { failures, ...counts } = await sweep(enoughTime);
    expect(counts).toStrictEqual({ published: 0, held: 0 });
    expect([batches.length, failures.length]).toEqual([4, 40]);
    expect(failures[0]).toStrictEqual({
      ...{ kind: "failed", code: "PUBLISH_FAILED", detail: "throttled" },
    });
  });

  test("A batch of which one event was taken begins the count anew", async () => {
    const { sweep, batches } = setUp({
      count: 100,
      answer: (events, batch) => events.map((_, n) => (batch === 3 && n === 9 ? ok : throttled)),
    });
    expect(await sweep(enoughTime)).toMatchObject({ published: 1 });
    expect(batches).toHaveLength(8);
  });

  test("Events that the bus never takes do not stop it", async () => {
    const { sweep, batches } = setUp({ count: 60, answer: allAre(malformed) });
    const { failures } = await sweep(enoughTime);
    expect([batches.length, failures.length]).toEqual([6, 60]);
    expect(failures[0]).toMatchObject({ code: "PUBLISH_REFUSED" });
  });

  test("Events that were published and whose claim was lost do not stop it", async () => {
    const { sweep, batches } = setUp({ count: 60, complete: async () => "lost" });
    expect((await sweep(enoughTime)).failures).toHaveLength(60);
    expect(batches).toHaveLength(6);
  });

  test("Batches that others hold do not stop it", async () => {
    const { sweep, batches } = setUp({
      count: 60,
      claimStored: async () => ({ kind: "held", untilMs: 1 }),
    });
    expect(await sweep(enoughTime)).toStrictEqual({ ...nothing, held: 60 });
    expect(batches).toHaveLength(6);
  });
});
