import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { makeGroups } from "../../shared/core/requests/groups.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
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
