import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import type { PollOutcome } from "../../shared/core/providers/provider-client.ts";
import { makePollRequest } from "../../shared/core/requests/results/poll-request.ts";
import type { CallResult } from "../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { ms, NOON_MS } from "../support/noon.ts";
import { notingIn } from "../support/noting.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";
import { answered } from "../support/simulations/workers-simulation.ts";

type Given = Partial<RequestRecord>;

const answer = answered(200, { says: "something" });
const down = new Failure("DEPENDENCY_DOWN", "the store is down");

/** What a poll shows that neither pauses nor keeps anything. */
const nothing = {
  ...{ hasPausedConnection: false, hasPausedAccount: false },
  ...{ hasStoredUnclearReport: false, unpublished: [] },
};
const notAsked = { ...nothing, availability: { kind: "notAsked" } };
const gotAnswer = { ...nothing, availability: { kind: "answered" } };
const declined = { ...nothing, availability: { kind: "declined" } };

const running: Given = {
  ...{ status: "RUNNING", attempts: 1, isStarted: true, providerRequestId: "theirs-1" },
  ...{ submittedMs: ms(-900), deadlineMs: ms(80_000), dueMs: NOON_MS },
};

/** When the first poll of a request is followed by the next one: twice the first delay. */
const NEXT_MS = NOON_MS + 2 * rules.firstPollMs;

/**
 * A running request, and a provider whose answer means `outcome`. Reads of what is stored, and all
 * that is done, are noted in order.
 */
async function setUp(
  outcome: PollOutcome,
  {
    of = {},
    result = answer,
    status = "active",
    seen = {},
    ...world
  }: {
    of?: Given;
    /** What becomes of the call. */
    result?: CallResult;
    /** Of the connection; absent: active. */
    status?: "active" | "paused" | "deleted";
    /** What the poll was started with, where that is older than what is stored. */
    seen?: Given;
    isStored?: boolean;
    /** Happens during the call. */
    meanwhile?: (stored: RequestRecord) => RequestRecord;
    /** The account's token as it is stored; absent: as the cache has it. */
    storedToken?: string;
    isForbiddenForOthers?: boolean;
    isPausedNow?: boolean;
    applied?: object;
    failures?: object[];
    /** The name of a call that fails. */
    fails?: string;
  } = {},
) {
  const owner = newOwner({ provider: "linked-api" });
  const memory = makeMemoryRequests({ clock: makeTestClock(), retentionMs: 1e12 });
  const { connection, texts } = makeRequestParts(owner);
  const request = requestRecord(owner, { ...running, ...of });
  if (world.isStored !== false) await memory.requests.create(request);
  const { requestId } = request;
  const calls: unknown[] = [];
  const ignored: unknown[] = [];
  const noting = (name: string, value?: unknown): ((...of: unknown[]) => Promise<unknown>) =>
    world.fails === name ? () => Promise.reject(down) : notingIn(calls)(name, value);
  const found = { ...connection, settings: { ...connection.settings, status } };
  const read = status === "deleted" ? undefined : found;
  const account = (token = "cached") => ({ identificationToken: token });
  const cached = { account: account() };
  const requests = {
    ...memory.requests,
    async replace(next: RequestRecord) {
      calls.push(["write", next.polls, next.dueMs]);
      return memory.requests.replace(next);
    },
  };
  const poll = makePollRequest({
    writer: makeRequestWriter({ requests, texts }),
    lanes: { pause: noting("pause") },
    references: {
      bind: noting("bind"),
      noteForbidden: noting("noteForbidden", world.isForbiddenForOthers ?? false),
    },
    accounts: {
      find: async () => cached.account,
      async findUncached(...which: unknown[]) {
        await noting("findUncached")(...which);
        cached.account = account(world.storedToken);
        return cached.account;
      },
    },
    connections: { read: noting("read", read), readUncached: noting("readUncached", read) },
    calls: {
      async send(...call: unknown[]) {
        await noting("send")(...call);
        const stored = await memory.requests.find(requestId);
        if (stored && world.meanwhile) await memory.requests.replace(world.meanwhile(stored));
        return result;
      },
    },
    providerClients: {
      "linked-api": {
        pollCall: (id: string, headers: object) => ({ method: "GET", path: `/${id}`, headers }),
        readPoll(...of: unknown[]) {
          calls.push(["readPoll", ...of]);
          return outcome;
        },
        isRestriction: (code: string) => code === "RESTRICTED",
      },
    },
    applyProviderUpdate: noting("apply", world.applied),
    publishOutboxes: noting("publish", { published: 0, failures: world.failures ?? [] }),
    pauseConnection: noting("pauseConnection", world.isPausedNow ?? true),
    context: () => ({ nowMs: NOON_MS, nowRealMs: NOON_MS, rules }),
    onNonFatalError: (error: unknown) => void ignored.push(error),
  } as unknown as Parameters<typeof makePollRequest>[0]);
  const { connectionId, accountId } = owner;
  const headers = { "identification-token": "cached" };
  return {
    ...{ request, requestId, lane: request.lane, connectionId, calls, ignored },
    poll: () => poll({ ...request, ...seen }),
    now: () => memory.requests.find(requestId),
    /** The calls of a poll that is answered. */
    asked: [
      ["write", 1, NEXT_MS],
      ["read", connectionId],
      ["send", "linked-api", { method: "GET", path: "/theirs-1", headers }, 5_000],
      ["readPoll", "theirs-1", result.kind === "answered" ? result.answer : undefined],
    ],
    reread: [
      ["readUncached", connectionId],
      ["findUncached", connectionId, accountId],
    ],
  };
}

describe("Before a poll", () => {
  test("The next one is planned, at twice the delay of the one before", async () => {
    const { poll, now, calls, asked } = await setUp({ kind: "noChange" });
    expect(await poll()).toStrictEqual({ request: await now(), ...gotAnswer });
    expect(await now()).toMatchObject({ polls: 1, dueMs: NEXT_MS, version: 2 });
    expect(calls).toEqual(asked);
  });

  test("The next one is not planned behind the time limit of the request", async () => {
    const of = { polls: 3, deadlineMs: ms(60) };
    const { poll, now } = await setUp({ kind: "noChange" }, { of });
    await poll();
    expect(await now()).toMatchObject({ polls: 4, dueMs: ms(60) });
  });

  test("A request that has ended meanwhile is neither written nor asked about", async () => {
    const of: Given = { status: "SUCCEEDED", finishedMs: NOON_MS };
    const { poll, now, calls } = await setUp({ kind: "noChange" }, { of, seen: running });
    expect(await poll()).toStrictEqual({ request: await now(), ...notAsked });
    expect(await now()).toMatchObject({ status: "SUCCEEDED", version: 1 });
    expect(calls).toEqual([]);
  });

  test("A request that is not stored any more is asked about as it was found", async () => {
    const { poll, request, calls, asked } = await setUp({ kind: "noChange" }, { isStored: false });
    expect(await poll()).toStrictEqual({ request, ...gotAnswer });
    expect(calls).toEqual(asked.slice(1));
  });

  test.each<[string, { status?: "paused" | "deleted"; of?: Given }]>([
    ["whose connection is paused", { status: "paused" }],
    ["whose connection is deleted", { status: "deleted" }],
    ["whose id at the provider is not known", { of: { providerRequestId: undefined } }],
  ])("Nothing is asked about a request %s, and its next poll is planned", async (_, world) => {
    const { poll, now, calls, asked } = await setUp({ kind: "noChange" }, world);
    expect(await poll()).toStrictEqual({ request: await now(), ...notAsked });
    expect(await now()).toMatchObject({ polls: 1, dueMs: NEXT_MS });
    expect(calls).toEqual(asked.slice(0, 2));
  });

  test("A poll that comes before its time binds the provider's id again, which the submission may not have bound", async () => {
    const early = await setUp({ kind: "noChange" }, { of: { submittedMs: ms(-899) } });
    const { poll, calls, asked, connectionId, requestId } = early;
    await poll();
    const [planned, ...others] = asked;
    const bound = { connectionId, providerRequestId: "theirs-1", requestId };
    expect(calls).toEqual([planned, ["bind", bound], ...others]);
  });

  test.each<[string, Given]>([
    ["a later poll", { submittedMs: NOON_MS, polls: 1 }],
    ["a poll in time", {}],
    ["a poll without the provider's id", { submittedMs: NOON_MS, providerRequestId: undefined }],
  ])("Nothing is bound by %s", async (_, of) => {
    const { poll, calls } = await setUp({ kind: "noChange" }, { of });
    await poll();
    expect(calls).not.toContainEqual(expect.arrayContaining(["bind"]));
  });

  test("A provider's id that cannot be bound does not keep its request from being polled", async () => {
    const { poll, calls, asked, ignored } = await setUp(
      { kind: "noChange" },
      { of: { submittedMs: ms(-899) }, fails: "bind" },
    );
    await poll();
    expect(calls).toEqual(asked);
    expect(ignored).toEqual([down]);
  });

  test("A poll fails when the connection cannot be read, and the next one is planned", async () => {
    const { poll, now } = await setUp({ kind: "noChange" }, { fails: "read" });
    await expect(poll()).rejects.toBe(down);
    expect(await now()).toMatchObject({ polls: 1, dueMs: NEXT_MS });
  });
});

describe("A poll that says nothing about the request", () => {
  test.each<CallResult>([
    { kind: "notSent", reason: "ECONNREFUSED" },
    { kind: "incomplete", reason: "TIMEOUT" },
  ])("A call that ends with %j was not answered", async (result) => {
    const { poll, now, calls, asked } = await setUp({ kind: "noChange" }, { result });
    const availability = { kind: "unanswered" };
    expect(await poll()).toStrictEqual({ request: await now(), ...nothing, availability });
    expect(calls).toEqual(asked.slice(0, 3));
  });

  test("An answer that cannot be read declines the connection", async () => {
    const { poll, now, calls, asked } = await setUp({ kind: "failed", code: "HTTP_500" });
    expect(await poll()).toStrictEqual({ request: await now(), ...declined });
    expect(calls).toEqual(asked);
  });

  test.each([
    ["later than planned", NEXT_MS + 1 - NOON_MS, NEXT_MS + 1],
    ["earlier than planned", NEXT_MS - 1 - NOON_MS, NEXT_MS],
    ["at no time", undefined, NEXT_MS],
  ])(
    "A provider that asks to be called again %s is called again at the later time",
    async (_, retryAfterMs, dueMs) => {
      const outcome = {
        kind: "rateLimited",
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      } as const;
      const { poll, now, calls, asked } = await setUp(outcome);
      const availability = { kind: "declined", retryAfterMs };
      expect(await poll()).toStrictEqual({ request: await now(), ...nothing, availability });
      expect(await now()).toMatchObject({ polls: 1, dueMs, version: 3 });
      expect(calls).toEqual([...asked, ["write", 1, dueMs]]);
    },
  );

  test("A request that another write changes meanwhile is not postponed, and is returned as it was planned", async () => {
    const { poll, now } = await setUp(
      { kind: "rateLimited", retryAfterMs: 1e7 },
      { meanwhile: (stored) => ({ ...stored, pendingReason: "queued" }) },
    );
    const { request } = await poll();
    expect(request).toMatchObject({ dueMs: NEXT_MS, version: 2 });
    expect(await now()).toMatchObject({ dueMs: NEXT_MS, pendingReason: "queued", version: 3 });
  });
});

describe("A poll that is refused", () => {
  test.each([true, false])(
    "Refused credentials pause the connection, and the poll says whether it did: %s",
    async (isPausedNow) => {
      const outcome = { kind: "credentialsRefused", code: "HTTP_401" } as const;
      const { poll, now, calls, asked, reread, connectionId } = await setUp(outcome, {
        isPausedNow,
      });
      const hasPausedConnection = isPausedNow;
      const polled = await poll();
      const request = await now();
      expect(polled).toStrictEqual({ request, ...declined, hasPausedConnection });
      expect(calls).toEqual([...asked, ...reread, ["pauseConnection", connectionId]]);
    },
  );

  test.each([true, false])(
    "A forbidden call pauses the connection if one was forbidden for another account: %s",
    async (isForbiddenForOthers) => {
      const { poll, now, calls, asked, reread, connectionId } = await setUp(
        { kind: "forbidden", code: "HTTP_403" },
        { isForbiddenForOthers },
      );
      const hasPausedConnection = isForbiddenForOthers;
      const polled = await poll();
      const request = await now();
      expect(polled).toStrictEqual({ request, ...gotAnswer, hasPausedConnection });
      expect(calls).toEqual([
        ...asked,
        ...reread,
        ["noteForbidden", request],
        ...(isForbiddenForOthers ? [["pauseConnection", connectionId]] : []),
      ]);
    },
  );

  test.each([
    ["BLOCKED", { reason: "BLOCKED" }],
    ["RESTRICTED", { reason: "RESTRICTED", isRestriction: true }],
  ])("An account that is %s is paused until a person resumes it", async (code, pause) => {
    const { poll, now, calls, asked, reread, lane } = await setUp({ kind: "accountBlocked", code });
    const polled = await poll();
    const request = await now();
    expect(polled).toStrictEqual({ request, ...gotAnswer, hasPausedAccount: true });
    expect(calls).toEqual([...asked, ...reread, ["pause", lane, request, pause]]);
  });

  test.each<PollOutcome>([
    { kind: "credentialsRefused", code: "HTTP_401" },
    { kind: "forbidden", code: "HTTP_403" },
    { kind: "accountBlocked", code: "BLOCKED" },
  ])("Nothing is paused by %j where the credentials were replaced meanwhile", async (outcome) => {
    const { poll, now, calls, asked, reread } = await setUp(outcome, {
      ...{ storedToken: "replaced", isForbiddenForOthers: true },
    });
    expect(await poll()).toStrictEqual({ request: await now(), ...declined });
    expect(calls).toEqual([...asked, ...reread]);
  });

  test("Refused credentials pause the connection where it cannot be found out whether they were replaced", async () => {
    const { poll, ignored } = await setUp(
      { kind: "credentialsRefused", code: "HTTP_401" },
      { fails: "readUncached", storedToken: "replaced" },
    );
    expect(await poll()).toMatchObject({ hasPausedConnection: true });
    expect(ignored).toEqual([down]);
  });
});

describe("A poll that says that the request waits", () => {
  test("Its time limit is counted from now, and the provider's reason is kept", async () => {
    const outcome = { kind: "waiting", pendingReason: "outsideWorkingHours" } as const;
    const { poll, now, calls, asked } = await setUp(outcome);
    const polled = await poll();
    const request = await now();
    expect(polled).toStrictEqual({ request, ...gotAnswer });
    expect(request).toMatchObject({
      ...{ status: "RUNNING", pendingReason: "outsideWorkingHours", version: 3 },
      ...{ deadlineMs: NOON_MS + rules.resultTimeoutMs, dueMs: NEXT_MS },
    });
    expect(calls).toEqual([...asked, ["write", 1, NEXT_MS]]);
  });

  test("A request that ends meanwhile is returned as it ended", async () => {
    const { poll, now } = await setUp(
      { kind: "waiting", pendingReason: "queued" },
      { meanwhile: (stored) => ({ ...stored, status: "SUCCEEDED" }) },
    );
    const polled = await poll();
    expect(polled).toStrictEqual({ request: await now(), ...gotAnswer });
    expect(polled.request).toMatchObject({ status: "SUCCEEDED", version: 3 });
  });

  test("A request that is not stored is returned as it was found", async () => {
    const { poll, request } = await setUp({ kind: "waiting" }, { isStored: false });
    expect(await poll()).toStrictEqual({ request, ...gotAnswer });
  });
});

describe("A poll that reports a state", () => {
  const event: ProviderEvent = {
    ...{ type: "workflow.completed", providerObjectId: "theirs-1" },
    data: { status: "completed", eventType: "UNKNOWN", result: 1 },
  };
  const outcome = { kind: "update", event, numbersAsText: true } as const;
  const ended = requestRecord(newOwner(), { status: "SUCCEEDED" });

  test.each([true, false])(
    "It is applied as the current state, and its events are published, with numbers as text: %s",
    async (numbersAsText) => {
      const failures = [{ kind: "failed", code: "PUBLISH_FAILED", detail: "the bus is down" }];
      const marks = { hasPausedAccount: true, hasStoredUnclearReport: true };
      const { poll, now, calls, asked } = await setUp(
        { ...outcome, numbersAsText },
        { applied: { request: ended, isChanged: true, verdict: "applied", ...marks }, failures },
      );
      const polled = await poll();
      const unpublished = failures;
      expect(polled).toStrictEqual({ request: ended, ...gotAnswer, ...marks, unpublished });
      expect(calls).toEqual([
        ...asked,
        ["apply", await now(), { event, numbersAsText, isCurrentState: true }],
        ["publish", [ended]],
      ]);
    },
  );

  test("When its lane cannot be woken, what it did is told, and its outbox is left to the sweep, which wakes the lane", async () => {
    const marks = { hasPausedAccount: true, hasStoredUnclearReport: true };
    const stored = { request: ended, isChanged: true, verdict: "applied", ...marks };
    const applied = { ...stored, wakeError: down };
    const { poll, calls, asked, ignored } = await setUp(outcome, { applied });
    expect(await poll()).toStrictEqual({ request: ended, ...gotAnswer, ...marks });
    expect(calls).toHaveLength(asked.length + 1);
    expect(ignored).toEqual([down]);
  });

  test("Nothing is published where it changes nothing", async () => {
    const marks = { hasPausedAccount: false, hasStoredUnclearReport: false };
    const { poll, calls, asked } = await setUp(outcome, {
      ...{ applied: { request: ended, isChanged: false, verdict: "duplicate", ...marks } },
      failures: [{ kind: "failed" }],
    });
    expect(await poll()).toStrictEqual({ request: ended, ...gotAnswer });
    expect(calls).toHaveLength(asked.length + 1);
  });

  test("A request that is not the connection's any more is returned as it was planned", async () => {
    const { poll, now, calls, asked } = await setUp(outcome);
    expect(await poll()).toStrictEqual({ request: await now(), ...gotAnswer });
    expect(await now()).toMatchObject({ status: "RUNNING", polls: 1, version: 2 });
    expect(calls).toHaveLength(asked.length + 1);
  });
});
