import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { writeCursor } from "../../shared/core/input/cursor.ts";
import { type GroupsDeps, makeGroups } from "../../shared/core/requests/groups.ts";
import type { GroupEntry } from "../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { iso as isoAt, ms, NOON_MS } from "../support/noon.ts";
import { notingIn } from "../support/noting.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

/** The groups of one client, whose single cancels are recorded. */
function setUp() {
  const clock = makeTestClock();
  const { requests } = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const owner = newOwner();
  const asked: string[] = [];
  const expected: (readonly string[])[] = [];
  const ignored: unknown[] = [];
  const failing = new Map<string, Failure>();
  const { clientId } = owner;

  async function cancel(_: string, requestId: string) {
    asked.push(requestId);
    const failure = failing.get(requestId);
    if (failure) throw failure;
    const found = (await requests.find(requestId)) as RequestRecord;
    await requests.replace({ ...found, status: "CANCELLED", finishedMs: clock.businessMs() });
  }

  const groups = makeGroups(
    {
      requests,
      context: () => ({
        nowMs: clock.businessMs(),
        nowRealMs: clock.realMs(),
        rules: requestRules,
      }),
      async expectedEndOf(requestIds) {
        expected.push(requestIds);
        return clock.businessMs() + 1_000;
      },
      onNonFatalError: (error) => ignored.push(error),
    },
    cancel,
  );
  let created = 0;
  async function add(of: Partial<RequestRecord>, group = "g"): Promise<RequestRecord> {
    const request = requestRecord(owner, {
      group,
      createdMs: clock.businessMs() + ++created,
      version: 0,
      ...of,
    });
    await requests.create(request);
    return request;
  }
  return { ...groups, clock, clientId, add, asked, expected, ignored, failing };
}

const iso = (ms: number) => new Date(ms).toISOString();

describe("a group's counts", () => {
  test("A group counts its requests by status, and has its first and last times", async () => {
    const { get, clientId, add, clock, expected } = setUp();
    const nowMs = clock.businessMs();
    const statuses = ["QUEUED", "SUCCEEDED", "QUEUED", "FAILED", "RUNNING", "SCHEDULED"] as const;
    const added = [];
    for (const [n, status] of statuses.entries()) {
      const isSubmitted = ["SUCCEEDED", "FAILED", "RUNNING"].includes(status);
      const finishedMs = ["SUCCEEDED", "FAILED"].includes(status) ? nowMs + 100 + n : undefined;
      const submittedMs = isSubmitted ? nowMs + 10 + n : undefined;
      added.push(await add({ status, submittedMs, finishedMs }));
    }
    await add({ status: "QUEUED" }, "another");
    const counts = { QUEUED: 2, SCHEDULED: 1, RUNNING: 1, SUCCEEDED: 1, FAILED: 1 };
    const none = { SUBMITTING: 0, ACTION_REQUIRED: 0, UNKNOWN: 0, CANCELLED: 0 };
    expect(await get(clientId, "g")).toEqual({
      group: "g",
      total: 6,
      counts: { ...counts, ...none },
      isComplete: true,
      firstCreatedAt: iso(nowMs + 1),
      lastCreatedAt: iso(nowMs + 6),
      firstSubmittedAt: iso(nowMs + 11),
      lastSubmittedAt: iso(nowMs + 14),
      lastFinishedAt: iso(nowMs + 103),
      expectedAt: iso(nowMs + 1_000),
    });
    const waiting = [added[0], added[2], added[5]].map((one) => one?.requestId);
    expect(expected).toEqual([waiting]);
  });

  test("A group is found by its own client only, and a group without requests is not found", async () => {
    const { get, cancel, clientId, add } = setUp();
    await add({});
    for (const [who, group] of [
      ["cl_other", "g"],
      [clientId, "none"],
    ] as const) {
      await expect(get(who, group)).rejects.toMatchObject({ code: "NOT_FOUND" });
      await expect(cancel(who, group)).rejects.toMatchObject({ code: "NOT_FOUND" });
    }
  });

  test("A request that is forgotten is not counted, and a group without waiting requests has no expected end", async () => {
    const { get, clientId, add, clock, expected } = setUp();
    const nowMs = clock.businessMs();
    await add({ status: "SUCCEEDED", finishedMs: nowMs });
    await add({ status: "SUCCEEDED", finishedMs: nowMs + 1 });
    clock.passBusiness(requestRules.retentionMs);
    expect(await get(clientId, "g")).toMatchObject({ total: 1 });
    expect((await get(clientId, "g")).expectedAt).toBeUndefined();
    expect(expected).toEqual([]);
  });
});

describe("the cancel of a group", () => {
  test("A cancel cancels what was not submitted and what the provider confirms, and tells what was too late and what failed", async () => {
    const { cancel, get, clientId, add, failing, ignored, asked } = setUp();
    await add({ status: "QUEUED" });
    await add({ status: "SCHEDULED" });
    await add({ status: "RUNNING" });
    const refused = await add({ status: "RUNNING" });
    const unanswered = await add({ status: "RUNNING" });
    const sending = await add({ status: "SUBMITTING" });
    for (const status of ["UNKNOWN", "ACTION_REQUIRED"] as const) await add({ status });
    await add({ status: "SUCCEEDED" });
    await add({ status: "CANCELLED" });
    failing.set(refused.requestId, new Failure("CONFLICT", "too late"));
    failing.set(unanswered.requestId, new Failure("DEPENDENCY_DOWN", "no answer"));
    failing.set(sending.requestId, new Failure("DEPENDENCY_DOWN", "is being submitted"));
    const answer = { group: "g", cancelled: 3, tooLate: 3, failed: 2, remaining: 0 };
    expect(await cancel(clientId, "g")).toEqual(answer);
    expect(asked).toHaveLength(6);
    expect(ignored).toHaveLength(2);
    expect((await get(clientId, "g")).counts).toMatchObject({ CANCELLED: 4, RUNNING: 2 });

    failing.delete(unanswered.requestId);
    expect(await cancel(clientId, "g")).toMatchObject({ cancelled: 1, tooLate: 3, failed: 1 });
  });

  test("One call cancels at most 500 requests, and asks providers about at most 100; the next one goes on at its cursor", async () => {
    const { cancel, clientId, add, asked, failing } = setUp();
    for (let n = 0; n < 1_200; n++) await add({ status: "QUEUED" });
    for (let n = 0; n < 150; n++) {
      const { requestId } = await add({ status: "RUNNING" });
      failing.set(requestId, new Failure("CONFLICT", "too late"));
    }
    const answers = [];
    let cursor: string | undefined;
    do {
      const answer = await cancel(clientId, "g", cursor);
      answers.push([answer.cancelled, answer.tooLate, answer.remaining]);
      cursor = answer.nextCursor;
    } while (cursor !== undefined);
    expect(answers).toEqual([
      [500, 0, 850],
      [500, 0, 350],
      [200, 100, 50],
      [0, 50, 0],
    ]);
    expect(new Set(asked).size).toBe(1_350);
    await expect(cancel(clientId, "g", "not a cursor")).rejects.toMatchObject({
      code: "REQUEST_INVALID",
    });
  });
});

describe("a group as its index shows it", () => {
  const clientId = "cl_1";
  const idOf = (n: number) => `rq_${String(n).padStart(44, "0")}`;
  const placeOf = (n: number) => `${isoAt(n)}#${idOf(n)}`;
  const cursorAt = (n: number) => writeCursor({ list: "groups", clientId }, placeOf(n));

  /** Requests that were accepted one each second from noon. */
  const entriesOf = (all: readonly (Partial<GroupEntry> & Pick<GroupEntry, "status">)[]) =>
    all.map(
      (of, n): GroupEntry => ({
        ...{ requestId: idOf(n), createdMs: ms(n), place: placeOf(n), ...of },
      }),
    );
  const times = (count: number, status: GroupEntry["status"]) =>
    Array.from({ length: count }, () => ({ status }));

  /** The groups of one client. Their reads and single cancels are noted. */
  function setUpIndex(
    entries: readonly GroupEntry[],
    of: { hasMore?: boolean; cancel?: () => Promise<unknown>; deps?: Partial<GroupsDeps> } = {},
  ) {
    const calls: unknown[] = [];
    const ignored: unknown[] = [];
    const noting = notingIn(calls);
    const deps = {
      requests: { readGroup: noting("read", { entries, hasMore: of.hasMore ?? false }) },
      context: () => ({ nowMs: NOON_MS, nowRealMs: NOON_MS, rules: requestRules }),
      onNonFatalError: (error: unknown) => void ignored.push(error),
      ...of.deps,
    } as unknown as GroupsDeps;
    return { calls, ignored, ...makeGroups(deps, of.cancel ?? noting("cancel")) };
  }
  const none = { cancelled: 0, tooLate: 0, failed: 0, remaining: 0 };
  const noGroup = { code: "NOT_FOUND", message: "there is no such group" };

  test("One call reads 50,000 requests at most, and says whether there are more", async () => {
    const entries = entriesOf([{ status: "SUCCEEDED" }]);
    const { get, calls } = setUpIndex(entries, { hasMore: true });
    expect(await get(clientId, "g")).toMatchObject({ total: 1, isComplete: false });
    const { get: getAll } = setUpIndex(entries);
    expect(await getAll(clientId, "g")).toMatchObject({ total: 1, isComplete: true });
    expect(calls).toStrictEqual([
      ["read", { clientId, group: "g", limit: 50_000, after: undefined }],
    ]);
  });

  test("Its times are the earliest and the latest, in whatever order they come, and absent where there are none", async () => {
    const { get } = setUpIndex(
      entriesOf([
        { status: "SUCCEEDED", createdMs: ms(5), submittedMs: ms(8), finishedMs: ms(9) },
        { status: "FAILED", createdMs: ms(4), submittedMs: ms(6), finishedMs: ms(11) },
        { status: "CANCELLED", createdMs: ms(7), finishedMs: ms(10) },
        { status: "SUCCEEDED", createdMs: ms(6), submittedMs: ms(7), finishedMs: ms(8) },
      ]),
    );
    expect(await get(clientId, "g")).toMatchObject({
      ...{ firstCreatedAt: isoAt(4), lastCreatedAt: isoAt(7), lastFinishedAt: isoAt(11) },
      ...{ firstSubmittedAt: isoAt(6), lastSubmittedAt: isoAt(8) },
    });
    const { get: getNew } = setUpIndex(entriesOf([{ status: "QUEUED" }]));
    const counts = { SCHEDULED: 0, QUEUED: 1, SUBMITTING: 0, RUNNING: 0, ACTION_REQUIRED: 0 };
    expect(await getNew(clientId, "g")).toStrictEqual({
      ...{ group: "g", total: 1, isComplete: true },
      counts: { ...counts, UNKNOWN: 0, SUCCEEDED: 0, FAILED: 0, CANCELLED: 0 },
      ...{ firstCreatedAt: isoAt(0), lastCreatedAt: isoAt(0) },
      ...{ firstSubmittedAt: undefined, lastSubmittedAt: undefined, lastFinishedAt: undefined },
    });
  });

  test("It has no expected end where that is not known", async () => {
    const deps = { expectedEndOf: async () => undefined };
    const { get } = setUpIndex(entriesOf([{ status: "QUEUED" }]), { deps });
    expect(await get(clientId, "g")).not.toHaveProperty("expectedAt");
  });

  test("It is not found without requests, and a cancel behind its last one finds nothing more", async () => {
    const { get, cancel, calls } = setUpIndex([]);
    await expect(get(clientId, "g")).rejects.toMatchObject(noGroup);
    await expect(cancel(clientId, "g")).rejects.toMatchObject(noGroup);
    expect(await cancel(clientId, "g", cursorAt(3))).toStrictEqual({ group: "g", ...none });
    expect(calls.at(-1)).toStrictEqual([
      ...["read", { clientId, group: "g", limit: 50_000, after: placeOf(3) }],
    ]);
  });

  test("A cancel goes on behind the requests that one call reads, though none of these remains", async () => {
    const entries = entriesOf([...times(3, "SUCCEEDED"), { status: "QUEUED" }]);
    const { cancel, calls } = setUpIndex(entries, { hasMore: true });
    expect(await cancel(clientId, "g")).toStrictEqual({
      ...{ group: "g", ...none, cancelled: 1, nextCursor: cursorAt(3) },
    });
    expect(calls.slice(1)).toEqual([["cancel", clientId, idOf(3)]]);
    const { cancel: cancelLast } = setUpIndex(entries);
    expect(await cancelLast(clientId, "g")).toStrictEqual({ group: "g", ...none, cancelled: 1 });
  });

  test.each([
    [500, "QUEUED", 0],
    [501, "QUEUED", 1],
    [500, "SUBMITTING", 0],
    [501, "SUBMITTING", 1],
    [100, "RUNNING", 0],
    [101, "RUNNING", 1],
  ] as const)(
    "Of %i requests that are %s, %i remain for the next cancel",
    async (count, status, remaining) => {
      const { cancel } = setUpIndex(entriesOf(times(count, status)));
      const cancelled = count - remaining;
      const goesOn = remaining > 0 ? { nextCursor: cursorAt(cancelled - 1) } : {};
      expect(await cancel(clientId, "g")).toStrictEqual({
        ...{ group: "g", ...none, cancelled, remaining, ...goesOn },
      });
    },
  );

  test("Those remain that the next cancel may cancel, of whatever status", async () => {
    const all = ["SCHEDULED", "QUEUED", "SUBMITTING", "RUNNING", "UNKNOWN", "SUCCEEDED"] as const;
    const { cancel } = setUpIndex(
      entriesOf([...times(500, "QUEUED"), ...all.map((status) => ({ status }))]),
    );
    expect(await cancel(clientId, "g")).toMatchObject({ cancelled: 500, remaining: 4 });
  });

  test("A request that is gone when it is cancelled is not counted, and an unexpected error ends the call", async () => {
    const entries = entriesOf([{ status: "QUEUED" }]);
    const gone = new Failure("NOT_FOUND", "there is no such request");
    const { cancel, ignored } = setUpIndex(entries, { cancel: () => Promise.reject(gone) });
    expect(await cancel(clientId, "g")).toStrictEqual({ group: "g", ...none });
    const bug = new TypeError("a bug");
    const broken = setUpIndex(entries, { cancel: () => Promise.reject(bug) });
    await expect(broken.cancel(clientId, "g")).rejects.toBe(bug);
    expect([...ignored, ...broken.ignored]).toEqual([]);
  });

  test("A failed cancel is reported with its error, and one that comes too late is not", async () => {
    const entries = entriesOf([{ status: "RUNNING" }]);
    const down = new Failure("DEPENDENCY_DOWN", "no answer");
    const failed = setUpIndex(entries, { cancel: () => Promise.reject(down) });
    expect(await failed.cancel(clientId, "g")).toStrictEqual({ group: "g", ...none, failed: 1 });
    expect(failed.ignored).toEqual([down]);
    const conflict = new Failure("CONFLICT", "too late");
    const late = setUpIndex(entries, { cancel: () => Promise.reject(conflict) });
    expect(await late.cancel(clientId, "g")).toStrictEqual({ group: "g", ...none, tooLate: 1 });
    expect(late.ignored).toEqual([]);
  });

  test.each([
    ["a place without a time", `#${idOf(1)}`],
    ["a place with something before it", `1#2#${idOf(1)}`],
    ["a place whose time is too long", `${"1".repeat(33)}#${idOf(1)}`],
    ["a place whose id is too long", `${placeOf(1)}0`],
    ["a place without an id", `${isoAt(1)}#`],
  ])("A cursor of %s is refused", async (_, place) => {
    const { cancel, calls } = setUpIndex([]);
    const cursor = writeCursor({ list: "groups", clientId }, place);
    await expect(cancel(clientId, "g", cursor)).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    expect(calls).toEqual([]);
  });

  test("A cursor of another client or another list is refused", async () => {
    const { cancel } = setUpIndex([]);
    for (const of of [
      { list: "groups", clientId: "cl_2" } as const,
      { list: "requests", clientId } as const,
    ]) {
      const cursor = writeCursor(of, placeOf(1));
      const cancelled = cancel(clientId, "g", cursor);
      await expect(cancelled).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    }
  });
});
