import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import {
  makeResolveRequest,
  type Resolution,
} from "../../shared/core/requests/results/resolve-request.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { ms, NOON_MS } from "../support/noon.ts";
import { notingIn } from "../support/noting.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const outcomeIsKnown = { code: "CONFLICT", message: "the outcome of this request is known" };
const notSubmitted: Resolution = { as: "not-submitted" };
const submitted = (providerRequestId?: string): Resolution => ({
  as: "submitted",
  ...(providerRequestId === undefined ? {} : { providerRequestId }),
});

/** Its submission has got no answer since a minute. */
const unknown: Partial<RequestRecord> = {
  ...{ status: "UNKNOWN", attempts: 1, polls: 3, category: "stConnectionRequests" },
  ...{ joinedMs: ms(-600), lanePosition: 5, takenMs: ms(-61), params: { inline: "{}" } },
  ...{ laneState: "holding", holdUntilMs: ms(-60) + rules.unknownHoldMs },
  ...{ deadlineMs: ms(-60) + rules.unknownTimeoutMs },
};

/** A stored request. The calls of the ports and the writes are noted in order. */
async function setUp(
  of: Partial<RequestRecord> = {},
  { bound, provider = "we-link" }: { bound?: unknown; provider?: ProviderId } = {},
) {
  const owner = newOwner({ provider });
  const memory = makeMemoryRequests({ clock: makeTestClock(), retentionMs: 1e12 });
  const before = requestRecord(owner, { ...unknown, ...of });
  await memory.requests.create(before);
  const calls: unknown[] = [];
  const noting = notingIn(calls);
  const requests = {
    ...memory.requests,
    async replace(request: RequestRecord) {
      calls.push(["write", request.status]);
      return memory.requests.replace(request);
    },
  };
  const bind = bound instanceof Error ? () => Promise.reject(bound) : noting("bind", bound);
  const resolve = makeResolveRequest({
    writer: makeRequestWriter({ requests, texts: makeRequestParts(owner).texts }),
    references: { bind },
    lanes: { giveBack: noting("giveBack") },
    laneScheduler: { ensureSweep: noting("ensureSweep"), wakeUp: noting("wakeUp") },
    providerClients,
    context: () => ({ nowMs: NOON_MS, nowRealMs: NOON_MS, rules }),
  } as unknown as Parameters<typeof makeResolveRequest>[0]);
  const { requestId, connectionId, lane } = before;
  const binding = (providerRequestId: string) => [
    ...["bind", { connectionId, providerRequestId, requestId }],
  ];
  return {
    ...{ before, requestId, lane, calls, binding },
    /** @param seen the request as it was read before */
    resolve: (as: Resolution, seen = before) => resolve(seen, as),
    now: () => memory.requests.find(requestId),
  };
}

describe("A request that a person resolves as submitted", () => {
  test("The provider's id is bound to it before it is stored as running, and it is polled at once", async () => {
    const { resolve, now, calls, binding } = await setUp();
    const resolved = await resolve(submitted("theirs"));
    expect(resolved).toMatchObject({
      ...{ status: "RUNNING", providerRequestId: "theirs", submittedMs: ms(-60) },
      ...{ deadlineMs: NOON_MS + rules.resultTimeoutMs, dueMs: NOON_MS, polls: 0 },
      ...{ laneState: "holding", holdUntilMs: ms(-60) + rules.laneHoldMs },
      ...{ isStarted: true, outbox: [{ type: "workflow.started" }], params: undefined },
    });
    expect(await now()).toEqual(resolved);
    expect(calls).toEqual([binding("theirs"), ["write", "RUNNING"]]);
  });

  test("Without an id it waits for its result, and its time limit is the next look at it", async () => {
    const { resolve, calls } = await setUp();
    const deadlineMs = NOON_MS + rules.resultTimeoutMs;
    expect(await resolve(submitted())).toMatchObject({
      ...{ status: "RUNNING", providerRequestId: undefined, deadlineMs, dueMs: deadlineMs },
    });
    expect(calls).toEqual([["write", "RUNNING"]]);
  });

  test("The id that it has stays, unless the person names another", async () => {
    const own = { providerRequestId: "own" };
    const kept = await setUp(own);
    expect(await kept.resolve(submitted())).toMatchObject({ ...own, dueMs: NOON_MS });
    expect(kept.calls).toEqual([["write", "RUNNING"]]);
    const named = await setUp(own);
    expect(await named.resolve(submitted("other"))).toMatchObject({ providerRequestId: "other" });
    expect(named.calls).toEqual([named.binding("other"), ["write", "RUNNING"]]);
  });

  test.each([
    ["that the hold would end now", -rules.laneHoldMs, undefined, undefined],
    ["that the hold ends next", 1 - rules.laneHoldMs, NOON_MS + 1, "holding"],
  ])("It was submitted so long ago %s", async (_, agoMs, holdUntilMs, laneState) => {
    const { resolve } = await setUp({ deadlineMs: NOON_MS + agoMs + rules.unknownTimeoutMs });
    expect(await resolve(submitted())).toMatchObject({
      ...{ submittedMs: NOON_MS + agoMs, holdUntilMs, laneState },
    });
  });

  test("One that had been submitted before keeps that time, and one without a deadline was submitted now", async () => {
    const earlier = await setUp({ submittedMs: ms(-900) });
    expect(await earlier.resolve(submitted())).toMatchObject({
      ...{ submittedMs: ms(-900), holdUntilMs: ms(-60) + rules.laneHoldMs },
    });
    const undated = await setUp({ deadlineMs: undefined });
    expect(await undated.resolve(submitted())).toMatchObject({
      ...{ submittedMs: NOON_MS, holdUntilMs: NOON_MS + rules.laneHoldMs },
    });
  });

  test("It has not started where the provider says itself when it starts", async () => {
    const { resolve } = await setUp({}, { provider: "linked-api" });
    expect(await resolve(submitted("theirs"))).toMatchObject({
      ...{ status: "RUNNING", isStarted: false, outbox: [] },
    });
  });

  test("An id that belongs to another request is refused, and nothing is stored", async () => {
    const bound = { requestId: "rq_2" };
    const { resolve, now, before, calls, binding } = await setUp({}, { bound });
    await expect(resolve(submitted("theirs"))).rejects.toMatchObject({
      code: "CONFLICT",
      message: "this provider's id belongs to another request",
    });
    expect(await now()).toEqual(before);
    expect(calls).toEqual([binding("theirs")]);
  });

  test("An id that is bound to it already, or that an unmatched event named, is taken", async () => {
    const { before, resolve, calls } = await setUp({}, { bound: { eventId: "ev_1" } });
    expect(await resolve(submitted("theirs"))).toMatchObject({ status: "RUNNING" });
    expect(calls).toHaveLength(2);
    const bound = { requestId: before.requestId, eventId: "ev_1" };
    const again = await setUp({ requestId: before.requestId }, { bound });
    expect(await again.resolve(submitted("theirs"))).toMatchObject({ status: "RUNNING" });
  });

  test("It stays as it is when the id cannot be bound", async () => {
    const down = new Failure("DEPENDENCY_DOWN", "no references");
    const { resolve, now, before } = await setUp({}, { bound: down });
    await expect(resolve(submitted("theirs"))).rejects.toBe(down);
    expect(await now()).toEqual(before);
  });
});

describe("A request that a person resolves as not submitted", () => {
  test("It returns to its lane, which knows of it and whose sweep is planned before, and which is woken after that", async () => {
    const { resolve, now, before, lane, calls } = await setUp();
    const resolved = await resolve(notSubmitted);
    expect(resolved).toMatchObject({
      ...{ status: "QUEUED", joinedMs: NOON_MS, lanePosition: 5, laneState: "waiting" },
      ...{ takenMs: undefined, holdUntilMs: undefined },
      ...{ dueMs: NOON_MS + rules.queueTimeoutMs, params: { inline: "{}" }, outbox: [] },
    });
    expect(await now()).toEqual(resolved);
    const category = "stConnectionRequests";
    const subQueue = { category, isHigh: false };
    expect(calls).toEqual([
      ["ensureSweep", before],
      ["giveBack", lane, { subQueue }],
      ["write", "QUEUED"],
      ["giveBack", lane, { take: { category, atMs: ms(-61) }, subQueue }],
      ["wakeUp", resolved],
    ]);
  });

  test("One without a category is given back as another action, in the sub-queue of its priority", async () => {
    const { resolve, lane, calls } = await setUp({ category: undefined, isHigh: true });
    await resolve(notSubmitted);
    const subQueue = { category: "other", isHigh: true };
    expect(calls).toContainEqual([
      ...["giveBack", lane, { take: { category: "other", atMs: ms(-61) }, subQueue }],
    ]);
  });

  test.each<[string, Partial<RequestRecord>]>([
    ["A request that was not counted", { takenMs: undefined }],
    ["A login, which counts against no limit,", { isLogin: true }],
  ])("%s gives no take back, and its lane knows of it and is woken", async (_, of) => {
    const { resolve, before, lane, calls } = await setUp(of);
    const resolved = await resolve(notSubmitted);
    const subQueue = { category: "stConnectionRequests", isHigh: false };
    expect(calls).toStrictEqual([
      ["ensureSweep", before],
      ["giveBack", lane, { subQueue }],
      ["write", "QUEUED"],
      ["giveBack", lane, { take: undefined, subQueue }],
      ["wakeUp", resolved],
    ]);
  });

  test("An input that was not sent is asked for again, and its request stays out of its lane's queue", async () => {
    const { resolve, before, calls } = await setUp({
      ...{ submittedMs: ms(-300), actionDeadlineMs: ms(600), prompts: ["p"], isStarted: true },
    });
    expect(await resolve(notSubmitted)).toMatchObject({
      ...{ status: "ACTION_REQUIRED", deadlineMs: ms(600), takenMs: ms(-61) },
      ...{ joinedMs: ms(-600), outbox: [{ type: "workflow.actionRequired" }] },
    });
    expect(calls).toEqual([
      ["ensureSweep", before],
      ["write", "ACTION_REQUIRED"],
    ]);
  });
});

describe("A request whose outcome is known", () => {
  const each = [submitted("theirs"), notSubmitted];

  test.each(["RUNNING", "QUEUED", "SUCCEEDED"] as const)(
    "One that is %s is not resolved, and nothing is bound or woken",
    async (status) => {
      for (const as of each) {
        const { resolve, now, before, calls } = await setUp({ status });
        await expect(resolve(as)).rejects.toMatchObject(outcomeIsKnown);
        expect(await now()).toEqual(before);
        expect(calls).toEqual([]);
      }
    },
  );

  test("One whose outcome becomes known meanwhile is not changed", async () => {
    for (const as of each) {
      const { resolve, now, before, calls } = await setUp({ status: "SUCCEEDED" });
      const seen = { ...before, status: "UNKNOWN" as const };
      await expect(resolve(as, seen)).rejects.toMatchObject(outcomeIsKnown);
      expect(await now()).toEqual(before);
      expect(calls).toHaveLength(as === notSubmitted ? 2 : 1);
    }
  });

  test("One that is deleted meanwhile is not found", async () => {
    for (const as of each) {
      const { resolve, before } = await setUp();
      const seen = { ...before, requestId: `rq_${"0".repeat(44)}` };
      await expect(resolve(as, seen)).rejects.toMatchObject({
        ...{ code: "NOT_FOUND", message: "there is no such request" },
      });
    }
  });
});
