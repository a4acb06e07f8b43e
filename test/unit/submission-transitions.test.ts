import { describe, expect, test } from "vitest";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import type { ProviderClient } from "../../shared/core/providers/provider-client.ts";
import type { Consequence } from "../../shared/core/providers/vocabulary.ts";
import type { LanePause, RequestRecord } from "../../shared/core/requests/state/record.ts";
import {
  applySubmissionOutcome,
  claimForSubmission,
  hasBeenSubmitted,
  markUnknown,
  mergeLateAnswer,
  returnToPreviousState,
  type SendOutcome,
} from "../../shared/core/requests/state/submission-transitions.ts";
import { ms, NOON_MS } from "../support/noon.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const nowMs = ms(60);
const nowRealMs = ms(67);
const context = { nowMs, nowRealMs, rules };
/** When the gap after the answer ends. */
const gapEndMs = ms(100);
const FIVE_HOURS_MS = 5 * 3_600_000;

const consequences: Readonly<Record<string, Consequence>> = {
  BLOCKED: "pauseAccount",
  RESTRICTED: "pauseAccount",
  TOO_MANY: "pauseLane",
  FULL: "pauseCategory",
};

const providerWith = (of: Partial<ProviderClient> = {}): ProviderClient =>
  ({
    startsWhenAccepted: false,
    consequenceOf: (code: string) => consequences[code] ?? "end",
    isRestriction: (code: string) => code === "RESTRICTED",
    isLogin: (action: string) => action === "login",
    eventTypeOf: (action: string, outcome: string) => `${action} ${outcome}`,
    ...of,
  }) as unknown as ProviderClient;

const provider = providerWith();
const starting = providerWith({ startsWhenAccepted: true });
const prompting = {
  continuation: { promptEventType: "PIN_REQUIRED" },
} as unknown as ProviderClient;

/** A request that a worker is sending. */
const claimed = requestRecord(newOwner(), {
  ...{ status: "SUBMITTING", category: "stMessages", attempts: 1, polls: 3, version: 4 },
  ...{ owner: "w1", sendingUntilRealMs: nowRealMs + 1, takenMs: nowMs, laneState: "holding" },
  ...{ joinedMs: NOON_MS, lanePosition: 7, params: { inline: "{}" }, sealedParams: "sealed" },
});

/** What makes it one whose person's input a worker is sending. */
const ofInput: Partial<RequestRecord> = {
  ...{ submittedMs: NOON_MS, providerRequestId: "theirs", sealedInput: "sealed input" },
  ...{ actionDeadlineMs: nowMs + 1, prompts: ["d1"] },
};

/** What a request loses with each change of its state. */
const left = {
  ...{ owner: undefined, sendingUntilRealMs: undefined, holdUntilMs: undefined },
  ...{ pendingReason: undefined, endTries: undefined, sealedInput: undefined },
};
const erased = { params: undefined, sealedParams: undefined };

const apply = (outcome: SendOutcome, of: Partial<RequestRecord> = {}, by = provider) =>
  applySubmissionOutcome({ ...claimed, ...of }, outcome, context, {
    ...{ provider: by, nextSubmissionNotBeforeMs: gapEndMs },
  });

/** The events in the outbox, with their ids and data. */
const eventsOf = ({ outbox }: RequestRecord) =>
  outbox.map(({ id, envelope }) => {
    const { createdAt, data } = JSON.parse("inline" in envelope ? envelope.inline : "{}");
    return { id, createdAt, ...data };
  });

const dataOf = ({ requestId, accountId, action }: RequestRecord) => ({
  ...{ requestId, workflowId: requestId, accountId, provider: "we-link", action },
});

describe("A claim for a submission", () => {
  const by = { owner: "w2", untilRealMs: nowRealMs + 1_000 };
  const ofWorker = { owner: "w2", sendingUntilRealMs: nowRealMs + 1_000 };

  test("A request that waits is taken from its lane, and its attempt is counted", () => {
    const waiting = requestRecord(newOwner(), {
      ...{ joinedMs: NOON_MS, laneState: "waiting", attempts: 1, params: { inline: "{}" } },
    });
    expect(claimForSubmission(waiting, by, context)).toStrictEqual({
      ...{ ...waiting, ...left, ...ofWorker, status: "SUBMITTING", attempts: 2, takenMs: nowMs },
      ...{ laneState: "holding", dueMs: undefined, sweepAtRealMs: nowRealMs + 1_000 },
    });
  });

  test("A person's input is claimed without a further attempt, and keeps when its request was taken", () => {
    const given = { ...claimed, ...ofInput, owner: undefined, takenMs: NOON_MS };
    expect(claimForSubmission(given, by, context)).toStrictEqual({
      ...{ ...given, ...ofWorker, laneState: "holding" },
      ...{ dueMs: nowMs + 1, sweepAtRealMs: nowRealMs + 1_000 },
    });
  });

  test("A request has been submitted when it has the time of its submission", () => {
    expect(hasBeenSubmitted(claimed)).toBe(false);
    expect(hasBeenSubmitted({ ...claimed, submittedMs: 0 })).toBe(true);
  });
});

describe("A submission that did nothing at the provider", () => {
  const queued = {
    ...{ ...claimed, ...left, status: "QUEUED", laneState: "waiting", takenMs: undefined },
    ...{ nextSubmissionNotBeforeMs: gapEndMs, sweepAtRealMs: undefined },
    dueMs: NOON_MS + rules.queueTimeoutMs,
  };
  const limited = (pauseMs: number) => ({ reason: "RATE_LIMITED", untilMs: nowMs + pauseMs });
  const ofMessages = (pauseMs: number): LanePause => ({
    ...{ ...limited(pauseMs), category: "stMessages" },
  });
  const outage = (reason: string, pauseMs: number): LanePause => ({
    ...{ reason, untilMs: nowMs + pauseMs, isOutage: true },
  });
  const ofCategory = { kind: "rateLimited", isOfCategory: true } as const;
  const unavailable = { kind: "temporarilyUnavailable", code: "DOWN" } as const;

  test.each<[string, SendOutcome, LanePause]>([
    ["a limit", { kind: "rateLimited" }, limited(rules.rateLimitPauseMs)],
    ["a limit that is over", { kind: "rateLimited", retryAfterMs: 0 }, limited(1_000)],
    ["a limit with an end", { kind: "rateLimited", retryAfterMs: 1_001 }, limited(1_001)],
    ["a limit of its category", ofCategory, ofMessages(FIVE_HOURS_MS)],
    ["such a limit with an end", { ...ofCategory, retryAfterMs: 9_000 }, ofMessages(9_000)],
    ["an outage", unavailable, outage("DOWN", 60_000)],
    ["an outage that is over", { ...unavailable, retryAfterMs: 999 }, outage("DOWN", 1_000)],
    [
      "a refusal for a while",
      { ...unavailable, code: "TOO_MANY" },
      { reason: "TOO_MANY", untilMs: nowMs + 60_000 },
    ],
    ["a call that was not made", { kind: "notSent", code: "TOO_MANY" }, outage("TOO_MANY", 60_000)],
    ["a block of the account", { kind: "accountBlocked", code: "BLOCKED" }, { reason: "BLOCKED" }],
    [
      "a restriction of the account",
      { kind: "accountBlocked", code: "RESTRICTED" },
      { reason: "RESTRICTED", isRestriction: true },
    ],
  ])("After %s the request waits again, and its lane pauses", (_, outcome, pause) => {
    expect(apply(outcome)).toStrictEqual({ request: queued, pause });
  });

  test("A request without a category pauses the category of all others", () => {
    const { category: _, ...of } = claimed;
    const { pause } = applySubmissionOutcome(of, ofCategory, context, {
      ...{ provider, nextSubmissionNotBeforeMs: gapEndMs },
    });
    expect(pause).toMatchObject({ category: "other" });
  });

  test("Refused credentials pause the connection, and not the lane", () => {
    expect(apply({ kind: "credentialsRefused", code: "401" })).toStrictEqual({
      ...{ request: queued, pausesConnection: true },
    });
  });

  test("A call that the provider forbids is noted, and pauses the account without an end", () => {
    const error = { code: "FORBIDDEN", message: "No" };
    expect(apply({ kind: "forbidden", error })).toStrictEqual({
      request: { ...queued, wasForbidden: true },
      pause: { reason: "FORBIDDEN" },
    });
  });
});

describe("A submission that the provider refuses for good", () => {
  const error = { code: "NOT_FOUND", message: "No such profile" };
  const failed = {
    ...{ ...claimed, ...left, ...erased, status: "FAILED", error, takenMs: undefined },
    ...{ nextSubmissionNotBeforeMs: gapEndMs, laneState: undefined, dueMs: undefined },
    ...{ deadlineMs: undefined, finishedMs: nowMs, expiresMs: nowMs + rules.retentionMs },
    ...{ lastEventMs: nowMs, firstAfterStartMs: nowMs },
    ...{ sweepAtRealMs: nowRealMs + rules.outboxGraceMs, outbox: [expect.anything()] },
  };

  test("The request ends with the provider's error, and does not count as taken", () => {
    const decision = apply({ kind: "rejected", error });
    expect(decision).toStrictEqual({ request: failed });
    expect(eventsOf(decision.request)).toStrictEqual([
      {
        ...{ ...dataOf(claimed), id: `workflow.completed:${claimed.requestId}`, error },
        ...{ createdAt: new Date(nowMs).toISOString(), status: "failed" },
        eventType: "invite failed",
      },
    ]);
  });

  test("What is forbidden a second time ends the request", () => {
    const decision = apply({ kind: "forbidden", error }, { wasForbidden: true });
    expect(decision).toStrictEqual({ request: { ...failed, wasForbidden: true } });
  });

  test.each<[string, number | undefined, LanePause]>([
    ["TOO_MANY", undefined, { reason: "TOO_MANY", untilMs: nowMs + rules.rateLimitPauseMs }],
    ["TOO_MANY", 999, { reason: "TOO_MANY", untilMs: nowMs + 1_000 }],
    ["TOO_MANY", 1_001, { reason: "TOO_MANY", untilMs: nowMs + 1_001 }],
    ["FULL", undefined, { reason: "FULL", untilMs: nowMs + FIVE_HOURS_MS, category: "stMessages" }],
    ["FULL", 0, { reason: "FULL", untilMs: nowMs + 1_000, category: "stMessages" }],
    ["RESTRICTED", undefined, { reason: "RESTRICTED", isRestriction: true }],
  ])("The code %s, with a Retry-After of %s ms, pauses the lane as %j", (code, asked, pause) => {
    const refused = { kind: "rejected", error: { code, message: "r" } } as const;
    const outcome = asked === undefined ? refused : { ...refused, retryAfterMs: asked };
    const { request, ...rest } = apply(outcome);
    expect(request).toMatchObject({ status: "FAILED", error: { code } });
    expect(rest).toStrictEqual({ pause });
  });

  test("A refused input does not end its request: the person may try another, though the lane pauses", () => {
    const { request, ...rest } = apply(
      { kind: "rejected", error: { code: "TOO_MANY", message: "r" } },
      ofInput,
    );
    expect(rest).toStrictEqual({
      pause: { reason: "TOO_MANY", untilMs: nowMs + rules.rateLimitPauseMs },
    });
    expect(request).toMatchObject({ status: "ACTION_REQUIRED", prompts: ["d1", "d1"] });
    expect(request.error).toBeUndefined();
  });
});

describe("A submission whose outcome is not known", () => {
  const deadlineMs = nowMs + rules.unknownTimeoutMs;
  const unknown = {
    ...{ ...claimed, ...left, status: "UNKNOWN", laneState: "holding", polls: 0 },
    ...{ holdUntilMs: nowMs + rules.unknownHoldMs, deadlineMs, dueMs: deadlineMs },
    sweepAtRealMs: undefined,
  };

  test("The request is UNKNOWN, holds its lane, keeps its params, and ends at its deadline", () => {
    expect(markUnknown(claimed, context)).toStrictEqual(unknown);
    const answered = { ...unknown, nextSubmissionNotBeforeMs: gapEndMs };
    expect(apply({ kind: "unknown", code: "TIMEOUT" })).toStrictEqual({ request: answered });
  });

  test("The provider is asked at once where its id of the request is known", () => {
    const known = { ...claimed, providerRequestId: "theirs" };
    expect(markUnknown(known, context)).toStrictEqual({
      ...{ ...unknown, providerRequestId: "theirs", dueMs: nowMs },
    });
  });

  test("An answer that is not clear is kept on the request", () => {
    const unclear = { kind: "unrecognised", status: "HMM", body: "{}" } as const;
    const digest = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect(apply({ kind: "unknown", code: "HMM", unclear })).toStrictEqual({
      request: {
        ...{ ...unknown, nextSubmissionNotBeforeMs: gapEndMs },
        unclearReports: [{ ...unclear, atMs: nowMs, source: "answer", digest }],
      },
      hasStoredUnclearReport: true,
    });
  });
});

describe("A submission that the provider accepts", () => {
  const running = {
    ...{ ...claimed, ...left, ...erased, status: "RUNNING", laneState: "holding", polls: 0 },
    ...{ nextSubmissionNotBeforeMs: gapEndMs, providerRequestId: "theirs", submittedMs: nowMs },
    ...{ holdUntilMs: nowMs + rules.laneHoldMs, deadlineMs: nowMs + rules.resultTimeoutMs },
    ...{ dueMs: nowMs + rules.firstPollMs, sweepAtRealMs: undefined },
  };
  const accepted = { kind: "accepted", providerRequestId: "theirs" } as const;
  const ended = (data: Partial<ProviderEvent["data"]>): ProviderEvent => ({
    ...{ type: "workflow.completed", providerObjectId: "theirs" },
    data: { eventType: "UNKNOWN", ...data },
  });
  const completed = ended({ status: "completed", result: { n: 1 } });

  test("The request runs, holds its lane, is polled later, and has lost its params", () => {
    const pending = { ...accepted, pendingReason: "outsideWorkingHours" };
    expect(apply(pending)).toStrictEqual({
      request: { ...running, pendingReason: "outsideWorkingHours" },
    });
    expect(apply(accepted)).toStrictEqual({ request: running });
  });

  test("An accepted input changes neither the provider's id nor the time of the submission", () => {
    const { request } = apply({ kind: "accepted" }, ofInput);
    expect(request).toStrictEqual({ ...running, ...ofInput, sealedInput: undefined });
    expect(apply({ ...accepted, providerRequestId: "new" }, ofInput).request).toMatchObject({
      providerRequestId: "new",
    });
  });

  test("Where acceptance is the start, the same write starts the request, once", () => {
    const { request, ...rest } = apply(accepted, {}, starting);
    expect(rest).toStrictEqual({});
    expect(request).toStrictEqual({
      ...{ ...running, isStarted: true, lastEventMs: nowMs, outbox: [expect.anything()] },
      sweepAtRealMs: nowRealMs + rules.outboxGraceMs,
    });
    expect(eventsOf(request)).toMatchObject([
      { id: `workflow.started:${claimed.requestId}`, providerRequestId: "theirs" },
    ]);
    const again = apply(accepted, { isStarted: true }, starting).request;
    expect(again).toStrictEqual({ ...running, isStarted: true });
  });

  test("A result in the answer ends the request after its start", () => {
    const { request, ...rest } = apply({ ...accepted, resultEvent: completed }, {}, starting);
    expect(rest).toStrictEqual({});
    expect(request).toMatchObject({
      ...{ status: "SUCCEEDED", result: { inline: '{"n":1}' }, laneState: undefined },
      ...{ submittedMs: nowMs, providerRequestId: "theirs", nextSubmissionNotBeforeMs: gapEndMs },
    });
    expect(request).not.toHaveProperty("numbersAsText");
    expect(eventsOf(request).map(({ id }) => id)).toStrictEqual([
      ...[`workflow.started:${claimed.requestId}`, `workflow.completed:${claimed.requestId}`],
    ]);
  });

  test("A number of the result that is text is marked so", () => {
    const outcome = { ...accepted, resultEvent: completed, numbersAsText: true } as const;
    expect(apply(outcome).request).toMatchObject({ numbersAsText: true });
  });

  test("A login whose answer has its success ends the pause that waits for it", () => {
    const { request, ...rest } = apply(
      { ...accepted, resultEvent: completed },
      { action: "login" },
    );
    expect(request.status).toBe("SUCCEEDED");
    expect(rest).toStrictEqual({ endsLoginPause: true });
  });

  test("A failure in the answer pauses the account as a webhook with it does", () => {
    const error = { code: "BLOCKED", message: "r" };
    const resultEvent = ended({ status: "failed", error });
    const { request, ...rest } = apply({ ...accepted, resultEvent });
    expect(request).toMatchObject({ status: "FAILED", error });
    expect(rest).toStrictEqual({ pause: { reason: "BLOCKED" } });
  });

  test("A status in the answer that nobody knows is kept, and asks for no further poll", () => {
    const unclear = { kind: "unrecognised", status: "HMM", body: "{}" } as const;
    const type = "event.unrecognised";
    const resultEvent: ProviderEvent = { ...ended({ status: "HMM" }), type, unclear };
    const { request, ...rest } = apply({ ...accepted, resultEvent });
    expect(rest).toStrictEqual({ hasStoredUnclearReport: true });
    expect(request).toMatchObject({
      ...{ status: "RUNNING", dueMs: nowMs + rules.firstPollMs },
      unclearReports: [{ ...unclear, source: "answer" }],
    });
  });
});

describe("An input that was not sent", () => {
  const given = { ...claimed, ...ofInput };

  test("An event asks for the input again while there is time, with the digest of the last prompt", () => {
    const request = returnToPreviousState(given, context, prompting);
    expect(request).toStrictEqual({
      ...{ ...given, ...left, ...erased, status: "ACTION_REQUIRED", laneState: "holding" },
      ...{ deadlineMs: nowMs + 1, holdUntilMs: nowMs + 1, dueMs: nowMs + 1 },
      ...{ prompts: ["d1", "d1"], lastEventMs: nowMs, firstAfterStartMs: nowMs },
      ...{ sweepAtRealMs: nowRealMs + rules.outboxGraceMs, outbox: [expect.anything()] },
    });
    expect(eventsOf(request)).toStrictEqual([
      {
        ...{ ...dataOf(given), id: `workflow.actionRequired:${given.requestId}:2` },
        ...{ createdAt: new Date(nowMs).toISOString(), providerRequestId: "theirs" },
        ...{ status: "action_required", eventType: "PIN_REQUIRED" },
      },
    ]);
  });

  test("The event has no name where the provider says none, and the first prompt no digest", () => {
    const request = returnToPreviousState({ ...given, prompts: [] }, context, {});
    expect(request.prompts).toStrictEqual([""]);
    expect(eventsOf(request)).toMatchObject([
      { id: `workflow.actionRequired:${given.requestId}:1`, eventType: "UNKNOWN" },
    ]);
  });

  test.each([nowMs, nowMs - 1, undefined])(
    "An input whose deadline is %s is not asked for again",
    (actionDeadlineMs) => {
      const late = { ...given, actionDeadlineMs };
      const deadlineMs = actionDeadlineMs ?? nowMs;
      expect(returnToPreviousState(late, context, prompting)).toStrictEqual({
        ...{ ...late, ...left, ...erased, status: "ACTION_REQUIRED", laneState: "holding" },
        ...{ deadlineMs, holdUntilMs: deadlineMs, dueMs: deadlineMs, sweepAtRealMs: undefined },
      });
    },
  );
});

describe("An answer that comes after another write", () => {
  const running = requestRecord(newOwner(), {
    ...{ status: "RUNNING", deadlineMs: nowMs + 9, dueMs: nowMs + 3, holdUntilMs: nowMs + 5 },
  });
  const accepted = { kind: "accepted", providerRequestId: "theirs" } as const;
  const merge = (request: RequestRecord, outcome: SendOutcome = accepted, by = provider) =>
    mergeLateAnswer(request, outcome, context, {
      ...{ provider: by, nextSubmissionNotBeforeMs: gapEndMs },
    });

  test.each<SendOutcome>([
    { kind: "unknown", code: "TIMEOUT" },
    { kind: "notSent", code: "ECONNREFUSED" },
    { kind: "rateLimited" },
    { kind: "rejected", error: { code: "NO", message: "r" } },
    { kind: "credentialsRefused", code: "401" },
  ])("The answer %j adds nothing, whether the request runs or waits again", (outcome) => {
    expect(merge(running, outcome)).toBeUndefined();
    expect(merge({ ...running, status: "QUEUED" }, outcome)).toBeUndefined();
  });

  test("An acceptance adds the provider's id, the time and the gap", () => {
    expect(merge(running)).toStrictEqual({
      ...{ ...running, providerRequestId: "theirs", submittedMs: nowMs, laneState: "holding" },
      ...{ nextSubmissionNotBeforeMs: gapEndMs, sweepAtRealMs: undefined },
    });
  });

  test("What was known before the acceptance stays", () => {
    const known = { ...running, providerRequestId: "first", submittedMs: NOON_MS };
    expect(merge(known)).toMatchObject({ providerRequestId: "first", submittedMs: NOON_MS });
  });

  test("An acceptance starts the request where it is the start, unless the request is cancelled", () => {
    const started = merge(running, accepted, starting);
    expect(started).toMatchObject({ isStarted: true, providerRequestId: "theirs" });
    expect(started && eventsOf(started)).toMatchObject([
      { id: `workflow.started:${running.requestId}`, providerRequestId: "theirs" },
    ]);
    expect(merge(running)).toMatchObject({ isStarted: false, outbox: [] });
    const cancelled = { ...running, status: "CANCELLED", finishedMs: NOON_MS } as const;
    expect(merge(cancelled, accepted, starting)).toMatchObject({
      ...{ status: "CANCELLED", isStarted: false, outbox: [], providerRequestId: "theirs" },
    });
  });

  test("A request that a person returned to its lane, and that its provider has, runs and is not sent again", () => {
    const { takenMs: _, ...returned } = { ...claimed, owner: undefined, status: "QUEUED" } as const;
    const request = merge(returned, accepted, starting);
    expect(request).toMatchObject({
      ...{ status: "RUNNING", laneState: "holding", params: undefined, sealedParams: undefined },
      ...{ providerRequestId: "theirs", submittedMs: nowMs, nextSubmissionNotBeforeMs: gapEndMs },
      ...{ holdUntilMs: nowMs + rules.laneHoldMs, deadlineMs: nowMs + rules.resultTimeoutMs },
    });
    expect(request && eventsOf(request)).toMatchObject([
      { id: `workflow.started:${claimed.requestId}` },
    ]);
  });
});
