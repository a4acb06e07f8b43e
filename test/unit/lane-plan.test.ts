import { describe, expect, test } from "vitest";
import type { SubmitMessage } from "../../shared/contracts/messages/submit.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { Lane, LanePause, RequestRecord } from "../../shared/core/requests/state/record.ts";
import {
  planWithoutWaiting,
  withJoining,
} from "../../shared/core/requests/submission/lane-plan.ts";
import {
  changeAfter,
  nextCheckAfter,
  withPause,
} from "../../shared/core/requests/submission/lane-run.ts";
import { acceptedOf, likelyTaken } from "../../shared/core/requests/submission/likely-taken.ts";
import type { Attempted } from "../../shared/core/requests/submission/submit-request.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const nowMs = Date.UTC(2026, 5, 25, 12);
const context = { nowMs, nowRealMs: nowMs, rules };
const MINUTE_MS = 60_000;
const normal = { category: "other", isHigh: false } as const;
const high = { category: "other", isHigh: true } as const;
const messages = { category: "stMessages", isHigh: false } as const;

const laneOf = (of: Partial<Lane> = {}): Lane => ({
  ...newOwner(),
  ...{ lane: "l1", lastPosition: nowMs, waitingCount: 1, nextSubmissionNotBeforeMs: 0 },
  ...{ categoryPauses: {}, counters: noCounters, subQueues: [normal, high] },
  ...{ plannedSubQueues: [], isMigratedToSubQueues: true, givenBack: [] },
  ...of,
});

describe("The plan of a lane in which no request was seen to wait", () => {
  test("A place whose request was seen plans nothing", () => {
    const lane = laneOf({ subQueues: [normal] });
    const plan = planWithoutWaiting(lane, [{ lanePosition: nowMs }], context);
    expect(plan).toEqual({ waitingSubQueues: [] });
  });

  test("Other sub-queues that were joined since the plan before stay known, because a request with an earlier place may not be stored yet", () => {
    const subQueues = [normal, high, messages];
    const seen = [{ lanePosition: nowMs }];
    const planOf = (of: Partial<Lane>) => planWithoutWaiting(laneOf(of), seen, context);
    expect(planOf({ subQueues })).toEqual({ waitingSubQueues: [high, messages] });
    const known = { subQueues, plannedSubQueues: [messages] };
    expect(planOf(known)).toEqual({ waitingSubQueues: [high] });
    const later = { ...context, nowMs: nowMs + MINUTE_MS };
    const plan = planWithoutWaiting(laneOf({ subQueues }), seen, later);
    expect(plan).toEqual({ waitingSubQueues: [] });
  });

  test.each([
    [MINUTE_MS - 1, { wakeUpAtMs: nowMs + 1, waitingSubQueues: [normal, high] }],
    [MINUTE_MS, { waitingSubQueues: [] }],
  ])("A place that was given %i ms ago to a request that nobody saw plans %j", (agoMs, plan) => {
    const lane = laneOf({ lastPosition: nowMs - agoMs });
    const seen = [{ lanePosition: nowMs - agoMs - 1 }, {}];
    expect(planWithoutWaiting(lane, seen, context)).toEqual(plan);
  });
});

describe("The plan of a lane in which a request may be joining", () => {
  const plan = { wakeUpAtMs: nowMs + 2 * MINUTE_MS, waitingSubQueues: [normal] };

  test("A sub-queue that was not seen is looked at when its request must be stored", () => {
    expect(withJoining(laneOf(), plan, context)).toEqual({
      ...{ wakeUpAtMs: nowMs + MINUTE_MS, waitingSubQueues: [normal, high] },
    });
    const sooner = { ...plan, wakeUpAtMs: nowMs + 1 };
    expect(withJoining(laneOf(), sooner, context)).toEqual({
      ...{ wakeUpAtMs: nowMs + 1, waitingSubQueues: [normal, high] },
    });
  });

  test("Sub-queues differ by their category and by their priority", () => {
    const subQueues = [messages, normal, high];
    const joining = withJoining(laneOf({ subQueues }), plan, context);
    expect(joining.waitingSubQueues).toEqual([normal, messages, high]);
  });

  test("A lane whose sub-queues were all seen keeps its plan", () => {
    expect(withJoining(laneOf({ subQueues: [normal] }), plan, context)).toBe(plan);
  });

  test("A place that was given a minute ago is not awaited any more", () => {
    const lastPosition = nowMs - MINUTE_MS;
    expect(withJoining(laneOf({ lastPosition }), plan, context)).toBe(plan);
    const later = withJoining(laneOf({ lastPosition: lastPosition + 1 }), plan, context);
    expect(later.wakeUpAtMs).toBe(nowMs + 1);
  });
});

describe("A lane after a submission", () => {
  const attempted = (of: Partial<RequestRecord>, pause?: LanePause, gapEndMs = nowMs + 5) => ({
    ...{ kind: "attempted" as const, request: requestRecord(newOwner(), of) },
    ...{ nextSubmissionNotBeforeMs: gapEndMs, pause },
  });
  const paused = { reason: "RATE_LIMITED", untilMs: nowMs + 7 };
  const checkAfter = (of: ReturnType<typeof attempted>, othersWait: boolean) =>
    nextCheckAfter(of as unknown as Attempted, othersWait);

  test("A lane in which nothing waits needs no check", () => {
    expect(checkAfter(attempted({ laneState: "holding" }), false)).toBeUndefined();
    expect(checkAfter(attempted({ laneState: undefined }), false)).toBeUndefined();
    expect(checkAfter(attempted({ laneState: "waiting" }), false)).toBe(nowMs + 5);
  });

  test.each<[string, Partial<RequestRecord>, LanePause | undefined, number]>([
    ["the gap where nothing holds it", { holdUntilMs: nowMs + 9 }, undefined, 5],
    ["the hold", { laneState: "holding", holdUntilMs: nowMs + 9 }, undefined, 9],
    ["the pause", {}, paused, 7],
    ["the gap where the pause has no end", {}, { reason: "WRONG_PASSWORD" }, 5],
    ["the gap of other categories", {}, { ...paused, category: "other" }, 5],
  ])("A lane in which others wait is checked at the end of %s", (_, of, pause, afterMs) => {
    expect(checkAfter(attempted(of, pause), true)).toBe(nowMs + afterMs);
  });

  test("A request that waits again goes on counting as one that waits in its lane", () => {
    const changeOf = (of: Partial<RequestRecord>) =>
      changeAfter(attempted(of) as unknown as Attempted, nowMs - 1);
    expect(changeOf({ laneState: "waiting" })).toMatchObject({ dequeuedCount: 0 });
    const change = changeOf({ laneState: "holding" });
    expect(change).toMatchObject({
      ...{ dequeuedCount: 1, nextSubmissionNotBeforeMs: nowMs + 5 },
      taken: { eligibleSinceMs: nowMs - 1 },
    });
  });

  test("A pause that is not stored yet is of its category, or of the whole lane", () => {
    const lane = laneOf({ categoryPauses: { stMessages: { reason: "before" } } });
    expect(withPause(lane, undefined)).toBe(lane);
    const whole = { reason: "RATE_LIMITED", untilMs: nowMs };
    expect(withPause(lane, whole)).toEqual({ ...lane, pause: whole });
    const ofCategory = { reason: "429", untilMs: nowMs, category: "other" } as const;
    expect(withPause(lane, ofCategory)).toEqual({
      ...lane,
      categoryPauses: { stMessages: { reason: "before" }, other: ofCategory },
    });
  });
});

describe("The requests that a batch of messages takes from their lanes", () => {
  const owner = newOwner();
  const [first, second] = [2, 1].map((lanePosition) => requestRecord(owner, { lanePosition })) as [
    RequestRecord,
    RequestRecord,
  ];
  const accepted = ({ requestId }: RequestRecord, wakesLane = true): SubmitMessage => ({
    v: 1,
    kind: "accepted",
    requestId,
    wakesLane,
  });
  const foundOf = (of: Partial<Lane> = {}, more: Partial<RequestRecord> = {}) =>
    new Map(
      [first, second].map((request) => [
        request.requestId,
        { request: { ...request, ...more }, lane: laneOf({ ...owner, ...of }) },
      ]),
    );
  const both = [accepted(first), accepted(second)];

  test("Of one lane it takes the request with the first place", () => {
    expect([...likelyTaken(both, foundOf(), context)]).toEqual([second.requestId]);
    const requestIds = [first.requestId, second.requestId];
    const batch = { v: 1, kind: "acceptedBatch", requestIds, wakesLane: true } as const;
    expect([...likelyTaken([batch, undefined], foundOf(), context)]).toEqual([second.requestId]);
  });

  test.each<[string, Partial<Lane>, boolean]>([
    ["another worker has", { owner: "w1" }, false],
    ["is paused without an end", { pause: { reason: "r" } }, false],
    ["is paused", { pause: { reason: "r", untilMs: nowMs + 1 } }, false],
    ["was paused until now", { pause: { reason: "r", untilMs: nowMs } }, true],
    ["has a gap", { nextSubmissionNotBeforeMs: nowMs + 1 }, false],
    ["had a gap until now", { nextSubmissionNotBeforeMs: nowMs }, true],
  ])("From a lane that %s it takes a request: %j, %s", (_, lane, isTaken) => {
    expect(likelyTaken(both, foundOf(lane), context).size).toBe(isTaken ? 1 : 0);
  });

  test("It takes nothing for messages that wake no lane, or of requests that do not wait", () => {
    const quiet = [accepted(first, false), accepted(second, false)];
    expect(likelyTaken(quiet, foundOf(), context).size).toBe(0);
    expect(likelyTaken(both, foundOf({}, { status: "RUNNING" }), context).size).toBe(0);
    expect(likelyTaken(both, new Map(), context).size).toBe(0);
    const wakeUp = { v: 1, kind: "wakeUp", lane: first.lane, dueMs: nowMs } as const;
    expect(likelyTaken([wakeUp], foundOf(), context).size).toBe(0);
  });

  test("A request that several messages name is accepted once, by the last of them", () => {
    const found = foundOf();
    const [request] = [...found.values()].map((one) => one.request);
    const twice = [accepted(first), undefined, accepted(first), accepted(requestRecord())];
    expect(acceptedOf(twice, found)).toEqual([{ index: 2, request }]);
  });
});
