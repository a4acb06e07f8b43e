import { beforeAll, describe, expect, test } from "vitest";
import { REQUEST_SHARD_COUNT } from "../../../shared/contracts/tables.ts";
import type { LaneStore } from "../../../shared/core/requests/state/lane-ports.ts";
import type {
  DueEntry,
  RequestStore,
  StaleEntry,
} from "../../../shared/core/requests/state/ports.ts";
import type {
  OutboxEntry,
  RequestRecord,
  SubQueue,
} from "../../../shared/core/requests/state/record.ts";
import { subQueueOf } from "../../../shared/core/requests/state/sub-queue.ts";
import type { DueWork, StaleWork } from "../../../shared/core/requests/state/sweep-work.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { newOwner, requestRecord } from "../../support/payloads/request-records.ts";

type Clock = ReturnType<typeof makeTestClock>;
type Stores = { requests: RequestStore; lanes: LaneStore };

const shards = Array.from({ length: REQUEST_SHARD_COUNT }, (_, shard) => shard);

/** A record that has every member there is. */
export function fullRecord(): RequestRecord {
  return requestRecord(newOwner(), {
    status: "FAILED",
    group: "spring # 1",
    isHigh: true,
    scheduledMs: 1,
    dependsOn: {
      ...{ requestId: "rq_1", on: "event", event: "connection.accepted", untilMs: 1, afterMs: 2 },
      ...{ unless: "message.reply", eventSinceMs: 3, unlessSinceMs: 4, metMs: 5 },
      ancestors: ["rq_1", "rq_0"],
      keys: ["key"],
    },
    dependents: ["rq_2"],
    recurringId: "weekly",
    correlationKeys: ["one", "other"],
    joinedMs: 2,
    submittedMs: 3,
    finishedMs: 4,
    lanePosition: 5,
    laneState: "holding",
    holdUntilMs: 6,
    params: { inline: '{"text":"\\ud800 ü"}' },
    sealedParams: "sealed",
    sealedInput: "sealed too",
    isLogin: true,
    attempts: 7,
    owner: "worker",
    sendingUntilRealMs: 8,
    providerRequestId: "provider's \ud83d\ude00",
    result: { key: "requests/r/digest" },
    error: { code: "CODE", message: "" },
    lateResult: { inline: "null" },
    earlierLateResults: [{ inline: "1" }, { key: "requests/r/late" }],
    lateResultDigests: ["one", "two"],
    unclearReports: [
      { kind: "unrecognised", status: "HMM", body: "{}", source: "webhook", atMs: 1, digest: "d" },
      {
        ...{ kind: "contradictory", status: "FAILED", eventType: "CONNECTION_SENT" },
        ...{ body: "{}", source: "answer", atMs: 2, digest: "e" },
      },
    ],
    wasForbidden: true,
    outcomeDigest: "digest",
    deadlineMs: 9,
    actionDeadlineMs: 10,
    dueMs: 11,
    sweepAtRealMs: 12,
    polls: 13,
    isStarted: true,
    prompts: ["one", "other"],
    nextSubmissionNotBeforeMs: 14,
    outbox: [
      {
        id: "workflow.created:r",
        type: "workflow.created",
        version: 1,
        sinceRealMs: 15,
        envelope: { inline: "{}" },
        raw: { inline: "AA==" },
      },
      {
        id: "workflow.started:r",
        type: "workflow.started",
        version: 2,
        sinceRealMs: 16,
        envelope: { key: "requests/r/other" },
      },
    ],
    expiresMs: Date.UTC(2027, 0, 1),
  });
}

/** What every store of requests promises; each one's test file is a call of this. */
export function requestStoreSuite(
  name: string,
  open: (options: { clock: Clock }) => Promise<Stores>,
): void {
  describe(`requests: ${name}`, () => {
    const clock = makeTestClock();
    let requests: RequestStore;
    let lanes: LaneStore;
    beforeAll(async () => {
      ({ requests, lanes } = await open({ clock }));
    });

    async function stored(...args: Parameters<typeof requestRecord>): Promise<RequestRecord> {
      const request = requestRecord(...args);
      expect(await requests.create(request)).toBe("created");
      return request;
    }

    const subQueue: SubQueue = { category: "other", isHigh: false };
    const subQueues = [subQueue];

    /** The head of a lane that may have requests in these sub-queues, and some of an earlier version. */
    const headOf = (lane: string) =>
      requests.readLaneHead({
        lane,
        isMigratedToSubQueues: false,
        subQueues: [
          subQueue,
          { category: "stMessages", isHigh: false },
          { category: "stMessages", isHigh: true },
          { category: "stPosts", isHigh: false },
        ],
      });

    test("a request is read as it was written, by every operation", async () => {
      const full = fullRecord();
      expect(await requests.create(full)).toBe("created");
      expect(await requests.find(full.requestId)).toEqual(full);
      const { requestId } = full;
      const found = await requests.findWithLanes([requestId]);
      expect(found.get(requestId)).toEqual({ request: full, lane: undefined });
      expect(await headOf(full.lane)).toMatchObject({ holders: [full], firsts: [] });
    });

    test("a group is its client's, is read oldest first from any place, and shows each request as it was last written", async () => {
      const owner = newOwner();
      const group = "spring # 1";
      const atMs = Date.UTC(2026, 5, 25, 12);
      const added = [];
      for (const n of [2, 0, 1]) {
        added.push(await stored(owner, { group, createdMs: atMs + n, status: "QUEUED" }));
      }
      await stored(owner, { group: "other", createdMs: atMs });
      await stored(newOwner(), { group, createdMs: atMs });
      await stored(owner, { createdMs: atMs });
      const [third, first, second] = added as [RequestRecord, RequestRecord, RequestRecord];
      await requests.replace({ ...first, status: "SUCCEEDED", submittedMs: 7, finishedMs: 8 });
      const of = { clientId: owner.clientId, group };
      const all = await requests.readGroup({ ...of, limit: 10 });
      expect(all.hasMore).toBe(false);
      expect(all.entries).toMatchObject([
        { requestId: first.requestId, status: "SUCCEEDED", submittedMs: 7, finishedMs: 8 },
        { requestId: second.requestId, status: "QUEUED", createdMs: atMs + 1 },
        { requestId: third.requestId, status: "QUEUED" },
      ]);
      expect(await requests.readGroup({ ...of, limit: 2 })).toEqual({
        entries: all.entries.slice(0, 2),
        hasMore: true,
      });
      const after = all.entries[0]?.place;
      expect((await requests.readGroup({ ...of, limit: 10, after })).entries).toEqual(
        all.entries.slice(1),
      );
      expect((await requests.readGroup({ ...of, limit: 10, group: "none" })).entries).toEqual([]);
    });

    test("the list of a group has its requests alone, newest first, and is filtered and paged like that of a client", async () => {
      const owner = newOwner();
      const atMs = Date.UTC(2026, 5, 25, 12);
      const inGroup = [];
      for (const n of [0, 1, 2, 3]) {
        const status = n === 1 ? "FAILED" : "QUEUED";
        inGroup.push(await stored(owner, { group: "g", createdMs: atMs + n, status }));
      }
      await stored(owner, { createdMs: atMs + 9 });
      await stored(newOwner(), { group: "g", createdMs: atMs });
      const ids = inGroup.map(({ requestId }) => requestId).reverse();
      const of = { clientId: owner.clientId, group: "g", limit: 3 };
      const page = await requests.list(of);
      expect(page.requests.map(({ requestId }) => requestId)).toEqual(ids.slice(0, 3));
      const next = await requests.list({ ...of, before: page.before });
      expect(next.requests.map(({ requestId }) => requestId)).toEqual(ids.slice(3));
      expect(next.before).toBeUndefined();
      const failed = await requests.list({ ...of, status: "FAILED" });
      expect(failed.requests.map(({ requestId }) => requestId)).toEqual([ids[2]]);
    });

    test("a member that a write omits is removed", async () => {
      const owner = newOwner();
      const full = { ...fullRecord(), ...requestRecord(owner) };
      await requests.create(full);
      const bare = { ...requestRecord(owner), requestId: full.requestId };
      const written = await requests.replace(bare);
      expect(written).toEqual({ ...bare, version: 2 });
      expect(await requests.find(full.requestId)).toEqual({ ...bare, version: 2 });
      expect(await headOf(full.lane)).toMatchObject({ holders: [], firsts: [] });
      const due = await Promise.all(
        shards.map((shard) =>
          requests.findDue({ work: "end", shard, untilMs: 1e15, limit: 1_000 }),
        ),
      );
      expect(due.flat().map(({ requestId }) => requestId)).not.toContain(full.requestId);
    });

    test("a request is created once, and a second creation returns the stored request", async () => {
      const first = await stored();
      expect(await requests.create({ ...first, action: "other" })).toEqual(first);
    });

    test("find returns undefined for an unknown id and for a text that cannot be an id", async () => {
      expect(await requests.find(requestRecord().requestId)).toBeUndefined();
      for (const id of ["", "rq_", "nothing", "#lane", `rq_${"G".repeat(44)}`]) {
        expect(await requests.find(id)).toBeUndefined();
      }
      expect(await requests.findWithLanes([])).toEqual(new Map());
      expect(await requests.findWithLanes(["", "nothing"])).toEqual(new Map());
    });

    test("of two writers at one version one succeeds (G4)", async () => {
      const request = await stored();
      const writes = Array.from({ length: 10 }, (_, n) =>
        requests.replace({ ...request, action: `action_${n}` }),
      );
      const written = (await Promise.all(writes)).filter((one) => one !== undefined);
      expect(written).toHaveLength(1);
      expect(written[0]?.version).toBe(2);
      expect(await requests.find(request.requestId)).toEqual(written[0]);
    });

    test("a request that was never stored cannot be replaced", async () => {
      expect(await requests.replace(requestRecord())).toBeUndefined();
    });

    test("requests are found together with their lanes, each lane once", async () => {
      const [one, other] = [newOwner(), newOwner()];
      const first = await stored(one);
      const second = await stored(one);
      const third = await stored(other);
      await lanes.join(first.lane, one, { nowMs: 5, dueMs: 6, subQueues });
      const ids = [third, first, second, first].map(({ requestId }) => requestId);
      const found = await requests.findWithLanes([...ids, requestRecord().requestId]);
      expect([...found.keys()].sort()).toEqual([...new Set(ids)].sort());
      expect(found.get(first.requestId)).toMatchObject({
        request: first,
        lane: { lastPosition: 5 },
      });
      expect(found.get(second.requestId)?.lane).toEqual(await lanes.find(second.lane));
      expect(found.get(third.requestId)?.lane).toBeUndefined();
    });

    test("more requests than one call returns are found too", async () => {
      const ids: string[] = [];
      for (let n = 0; n < 60; n++) ids.push((await stored()).requestId);
      expect([...(await requests.findWithLanes(ids)).keys()].sort()).toEqual(ids.sort());
    });

    test("a lane's head is its holders and the first of each sub-queue, by position", async () => {
      const owner = newOwner();
      const add = (lanePosition: number, laneState?: "waiting" | "holding") =>
        stored(owner, { lanePosition, ...(laneState ? { laneState } : {}) });
      const late = await add(1_782_388_800_001, "waiting");
      const early = await add(999, "waiting");
      const holder = await add(1_782_388_800_002, "holding");
      await add(1, undefined);
      await stored(newOwner(), { lanePosition: 2, laneState: "waiting" });
      const head = { holders: [holder], hasMoreHolders: false };
      expect(await headOf(late.lane)).toEqual({ ...head, firsts: [early], hasMoreWaiting: true });
      expect(await requests.countWaiting(late.lane, 10)).toBe(2);
      expect(await requests.countWaiting(late.lane, 1)).toBe(1);
      const message = await stored(owner, {
        ...{ lanePosition: 5_000, laneState: "waiting", category: "stMessages" },
      });
      const urgent = await stored(owner, {
        ...{ lanePosition: 6_000, laneState: "waiting", category: "stMessages", isHigh: true },
      });
      const firsts = [early, message, urgent];
      expect(await headOf(late.lane)).toEqual({ ...head, firsts, hasMoreWaiting: true });
      await requests.replace({ ...early, laneState: undefined });
      expect(await headOf(late.lane)).toEqual({
        ...head,
        firsts: [message, urgent, late],
        hasMoreWaiting: false,
      });
      const { holders, waiting } = await requests.readQueue(late.lane, 10);
      expect(holders).toEqual(head.holders.map(({ requestId }) => requestId));
      expect(waiting.toSorted((one, other) => one.position - other.position)).toEqual([
        ...[message, urgent, late].map(({ requestId, lanePosition, ...of }) => ({
          ...{ requestId, position: lanePosition, ...subQueueOf(of) },
        })),
      ]);
    });

    test("a request that was taken and holds its lane no more is found by the time of its taking", async () => {
      const owner = newOwner();
      const taken = async (takenMs: number, laneState?: "holding") =>
        stored(owner, { takenMs, ...(laneState ? { laneState, lanePosition: 1 } : {}) });
      const first = await taken(1_000);
      const second = await taken(2_000.5);
      await taken(3_000, "holding");
      const since = async (ms: number) =>
        (await requests.findTakenSince(first.lane, ms))
          .map(({ requestId }) => requestId)
          .toSorted();
      const both = [first, second].map(({ requestId }) => requestId).toSorted();
      expect(await since(0)).toEqual(both);
      expect(await since(1_000)).toEqual(both);
      expect(await since(1_000.5)).toEqual([second.requestId]);
      expect(await since(2_001)).toEqual([]);
    });

    test("the scheduled requests of a lane are listed in the order in which they join, and not in its queue", async () => {
      const owner = newOwner();
      const scheduled = (scheduledMs: number, createdMs: number) =>
        stored(owner, { status: "SCHEDULED", scheduledMs, createdMs });
      const last = await scheduled(900, 1);
      const third = await scheduled(800, 3);
      const second = await scheduled(800, 2.75);
      const first = await scheduled(800, 2.5);
      await scheduled(1_000, 0);
      // It has no time yet, and must not keep the others from joining.
      const { dependsOn } = fullRecord();
      await stored(owner, { status: "SCHEDULED", dependsOn });
      await stored(newOwner(), { status: "SCHEDULED", scheduledMs: 1, createdMs: 1 });
      const waiting = await stored(owner, {
        status: "QUEUED",
        laneState: "waiting",
        lanePosition: 1,
        scheduledMs: 100,
      });
      const earlier = (limit: number) => requests.findScheduledBefore(last, limit);
      const ids = [first, second, third].map(({ requestId }) => requestId);
      expect(await earlier(10)).toEqual(ids);
      expect(await earlier(3)).toEqual(ids);
      expect(await earlier(2)).toEqual(ids.slice(0, 2));
      expect(await requests.findScheduledBefore(first, 10)).toEqual([]);
      expect(await headOf(waiting.lane)).toMatchObject({ holders: [], firsts: [waiting] });
      expect(await requests.countWaiting(waiting.lane, 10)).toBe(1);
    });

    test("the first waiting login is found behind other requests, and a login that holds the lane is not", async () => {
      const owner = newOwner();
      const { lane } = await stored(owner, { lanePosition: 1, laneState: "waiting" });
      expect(await requests.firstLogin(lane)).toBeUndefined();
      await stored(owner, { lanePosition: 2, laneState: "holding", isLogin: true });
      expect(await requests.firstLogin(lane)).toBeUndefined();
      const second = await stored(owner, { lanePosition: 4, laneState: "waiting", isLogin: true });
      const first = await stored(owner, { lanePosition: 3, laneState: "waiting", isLogin: true });
      expect(await requests.firstLogin(lane)).toEqual(first);
      await requests.replace({ ...first, laneState: "holding" });
      expect(await requests.firstLogin(lane)).toEqual(second);
    });

    describe("a list", () => {
      const createdMs = clock.businessMs();

      async function pages(of: Omit<Parameters<RequestStore["list"]>[0], "before">) {
        const all: string[][] = [];
        let before: string | undefined;
        do {
          const page = await requests.list({ ...of, before });
          all.push(page.requests.map(({ requestId }) => requestId));
          before = page.before;
        } while (before !== undefined && all.length < 50);
        return all;
      }

      test("a client's list has the newest request first, each once, and no page after the last", async () => {
        const owner = newOwner();
        const ids: string[] = [];
        for (let n = 0; n < 6; n++) {
          // Two came in the same millisecond: their ids order them.
          const at = createdMs + Math.floor(n / 2);
          ids.push((await stored(owner, { createdMs: at })).requestId);
        }
        await stored();
        const { clientId } = owner;
        const all = await pages({ clientId, limit: 100 });
        expect(all).toHaveLength(1);
        expect(all.flat().sort()).toEqual(ids.toSorted());
        for (const [n, id] of all.flat().entries()) {
          expect(ids.slice(4 - (n - (n % 2)), 6 - (n - (n % 2)))).toContain(id);
        }
        for (const limit of [1, 3, 4, 5, 6]) {
          expect((await pages({ clientId, limit })).flat()).toEqual(all.flat());
        }
        expect((await pages({ clientId, limit: 3 })).length).toBe(2);
      });

      test("a client's list can be filtered by account and current status", async () => {
        const owner = newOwner();
        const { clientId, accountId } = owner;
        const other = { ...owner, accountId: "other" };
        const [queued, ended, ofOther] = [
          await stored(owner, { createdMs }),
          await stored(owner, { createdMs: createdMs + 1 }),
          await stored(other, { createdMs: createdMs + 2, status: "SUCCEEDED" }),
        ].map(({ requestId }) => requestId);
        const before = await requests.find(ended ?? "");
        if (before) await requests.replace({ ...before, status: "SUCCEEDED" });
        const list = async (of: object) => (await pages({ clientId, limit: 2, ...of })).flat();
        expect(await list({ accountId })).toEqual([ended, queued]);
        expect(await list({ status: "SUCCEEDED" })).toEqual([ofOther, ended]);
        expect(await list({ status: "SUCCEEDED", accountId })).toEqual([ended]);
        expect(await list({ status: "CANCELLED" })).toEqual([]);
      });
    });

    /** Everything of one kind that is due, by page and shard. */
    async function dueOf(work: DueWork, untilMs: number, limit = 1_000): Promise<DueEntry[][]> {
      return Promise.all(
        shards.map(async (shard) => {
          const entries: DueEntry[] = [];
          for (let after: DueEntry | undefined; ; ) {
            const page = await requests.findDue({ work, shard, untilMs, limit, after });
            expect(page.length).toBeLessThanOrEqual(limit);
            entries.push(...page);
            after = page.at(-1);
            if (page.length < limit) return entries;
          }
        }),
      );
    }

    test("due requests and lanes are listed, oldest first, each in one shard", async () => {
      const owner = newOwner();
      const base = 5_000_000;
      const second = await stored(owner, { dueMs: base + 2 });
      const first = await stored(owner, { dueMs: base + 1 });
      const never = await stored(owner, {});
      const later = await stored(owner, { dueMs: base + 4 });
      for (const limit of [1_000, 1]) {
        const listed = await dueOf("end", base + 3, limit);
        const ours = listed.flat().filter(({ lane }) => lane === first.lane);
        const key = ({ lane, requestId, dueMs = 0 }: RequestRecord) => ({
          lane,
          requestId,
          dueMs,
        });
        expect(ours).toHaveLength(2);
        expect(ours).toEqual(expect.arrayContaining([key(first), key(second)]));
        expect(ours).not.toContainEqual(key(later));
        expect(ours).not.toContainEqual(key(never));
        for (const shard of listed) {
          const times = shard.map(({ dueMs }) => dueMs);
          expect(times).toEqual(times.toSorted((one, other) => one - other));
        }
      }
    });

    test("each kind of due work is listed apart from the others", async () => {
      const owner = newOwner();
      const dueMs = 5_500_000;
      const add = (of: Partial<RequestRecord>) => stored(owner, { ...of, dueMs });
      const polled = { providerRequestId: "theirs" } as const;
      const expected = {
        start: [await add({ status: "SCHEDULED" })],
        end: [
          await add({ status: "QUEUED", ...polled }),
          await add({ status: "RUNNING" }),
          await add({ status: "SUBMITTING", ...polled }),
          await add({ status: "UNKNOWN" }),
        ],
        poll: [
          await add({ status: "RUNNING", ...polled }),
          await add({ status: "ACTION_REQUIRED", ...polled }),
          await add({ status: "UNKNOWN", ...polled }),
        ],
      };
      const { lane, provider } = expected.start[0] as RequestRecord;
      await lanes.join(lane, owner, { nowMs: 1, dueMs, subQueues });
      const listed = async (work: DueWork) =>
        (await dueOf(work, dueMs))
          .flat()
          .filter((entry) => entry.lane === lane && entry.dueMs === dueMs)
          .map(({ requestId = "the lane" }) => requestId)
          .sort();
      const ids = (all: RequestRecord[]) => all.map(({ requestId }) => requestId);
      expect(await listed("start")).toEqual([...ids(expected.start), "the lane"].sort());
      expect(await listed("end")).toEqual(ids(expected.end).sort());
      expect(await listed({ poll: provider })).toEqual(ids(expected.poll).sort());
      expect(await listed({ poll: "linked-api" })).toEqual([]);
      // A lane that is only checked is listed with the time limits until it can be worked.
      const held = { owner: "w", untilMs: clock.realMs() + 60_000 };
      const acquired = await lanes.acquire(lane, held, dueMs + 1);
      if (!acquired) throw new Error("the lane was not acquired");
      await lanes.release(acquired, { dueMs, isOnlyCheck: true });
      expect(await listed("start")).not.toContain("the lane");
      expect(await listed("end")).toContain("the lane");
      await lanes.join(lane, owner, { nowMs: 2, dueMs: 1, subQueues });
      expect(await listed("end")).toContain("the lane");
      await lanes.endAllPauses(lane, dueMs);
      expect(await listed("start")).toContain("the lane");
      expect(await listed("end")).not.toContain("the lane");
    });

    test("a postponed request or lane is due later, if its time was not changed since it was read", async () => {
      const owner = newOwner();
      const dueMs = 5_700_000;
      const request = await stored(owner, { dueMs });
      const { lane, requestId } = request;
      await lanes.join(lane, owner, { nowMs: 1, dueMs, subQueues });
      for (const of of [{ lane, requestId }, { lane }]) {
        const work = "requestId" in of ? "end" : "start";
        const times = async () =>
          (await dueOf(work, dueMs + 9))
            .flat()
            .filter((entry) => entry.lane === lane && entry.requestId === of.requestId)
            .map((entry) => entry.dueMs);
        const { clientId } = owner;
        expect(await requests.postponeSweep({ ...of, dueMs }, dueMs + 5)).toEqual({
          clientId,
        });
        expect(await times()).toEqual([dueMs + 5]);
        const again = await requests.postponeSweep({ ...of, dueMs }, dueMs + 6);
        expect(again).toBeUndefined();
        expect(await times()).toEqual([dueMs + 5]);
      }
      // Whoever read the request before can still write it.
      expect(await requests.replace({ ...request, dueMs: undefined })).toBeDefined();
      const seen = { lane, requestId, dueMs: dueMs + 5 };
      expect(await requests.postponeSweep(seen, dueMs + 7)).toBeUndefined();
    });

    test("requests whose writer may be dead are listed until they are written again, outboxes that were taken over apart from the others", async () => {
      const stale = async (beforeRealMs: number, work: StaleWork = "recent") => {
        const pages = shards.map((shard) =>
          requests.findStale({ work, shard, beforeRealMs, limit: 1_000 }),
        );
        return (await Promise.all(pages)).flat().map(({ requestId }) => requestId);
      };
      const request = await stored(newOwner(), { sweepAtRealMs: 700_000 });
      const [, entry] = fullRecord().outbox;
      const outbox = [{ ...(entry as OutboxEntry), claimedInVersion: 1 }];
      const taken = await stored(newOwner(), { outbox, sweepAtRealMs: 700_000 });
      expect(await stale(699_999)).not.toContain(request.requestId);
      expect(await stale(700_001)).toContain(request.requestId);
      expect(await stale(700_001)).not.toContain(taken.requestId);
      expect(await stale(700_001, "outbox")).toEqual([taken.requestId]);
      await requests.replace({ ...request, sweepAtRealMs: undefined });
      expect(await stale(700_001)).not.toContain(request.requestId);
    });

    test("stale requests are read page by page, each once", async () => {
      const base = 900_000;
      const all = await Promise.all(
        [1, 2, 2, 3, 4, 5, 6].map((n) => stored(newOwner(), { sweepAtRealMs: base + n })),
      );
      const seen: string[] = [];
      for (const shard of shards) {
        for (let after: StaleEntry | undefined; ; ) {
          const of = { work: "recent", shard, beforeRealMs: base + 6, limit: 2, after } as const;
          const page = await requests.findStale(of);
          seen.push(...page.map(({ requestId }) => requestId));
          after = page.at(-1);
          if (page.length < 2) break;
        }
      }
      const ids = all.map(({ requestId }) => requestId);
      expect(seen.filter((id) => ids.includes(id)).sort()).toEqual(ids.toSorted());
    });

    test("a request whose time is over is gone, although TTL deletes it later", async () => {
      const owner = newOwner();
      const expiresMs = clock.businessMs() + 10_000;
      const request = await stored(owner, { expiresMs });
      clock.passBusiness(9_000);
      expect(await requests.find(request.requestId)).toEqual(request);
      clock.passBusiness(1_000);
      expect(await requests.find(request.requestId)).toBeUndefined();
      expect(await requests.findWithLanes([request.requestId])).toEqual(new Map());
      const { clientId } = owner;
      expect(await requests.list({ clientId, limit: 10 })).toMatchObject({ requests: [] });
    });
  });
}
