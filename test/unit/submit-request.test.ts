import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { seal } from "../../shared/core/crypto/master-keys.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import type { SubmissionOutcome } from "../../shared/core/providers/provider-client.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { Reference } from "../../shared/core/requests/state/ports.ts";
import type {
  LaneCounters,
  RequestError,
  RequestRecord,
} from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import {
  makeSubmitRequest,
  type SubmitRequestDeps,
} from "../../shared/core/requests/submission/submit-request.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { ms } from "../support/noon.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const START_MS = ms(60);
const START_REAL_MS = ms(67);
/** The call takes so long (business and real), and the outcome is stored then. */
const CALL_MS = 700;
const CALL_REAL_MS = 70;
const STORED_MS = START_MS + CALL_MS;
const GAP_MS = 5_000;

const owner = newOwner();
const { connectionId, accountId } = owner;
const parts = makeRequestParts(owner);
const connectionWith = (credentials: Record<string, string>) => ({
  ...{ ...parts.connection, secrets: { webhookSecrets: [], credentials } },
});
const connection = connectionWith({ "x-api-key": "k" });
const call = { method: "POST", path: "/p", headers: {}, body: "{}" } as const;
const down = new Failure("DEPENDENCY_DOWN", "no answer");
const accepted = { kind: "accepted", providerRequestId: "theirs" } as const;
const rateLimited = { kind: "rateLimited" } as const;
const forbidden = { kind: "forbidden", error: { code: "FORBIDDEN", message: "No" } } as const;
const rejected = { kind: "rejected", error: { code: "NOT_FOUND", message: "No" } } as const;
const refused = { kind: "credentialsRefused", code: "401" } as const;
const completed: ProviderEvent = {
  ...{ type: "workflow.completed", providerObjectId: "theirs" },
  data: { status: "completed", eventType: "UNKNOWN", result: {} },
};

const provider = {
  startsWhenAccepted: false,
  consequenceOf: () => "end",
  isRestriction: () => false,
  isLogin: (action: string) => action === "login",
  eventTypeOf: () => "UNKNOWN",
  submitCall: () => call,
  continuation: { promptEventType: "PIN_REQUIRED", call: () => call },
};

interface World {
  record?: Partial<RequestRecord>;
  /** The request waits with a person's input. */
  isInput?: true;
  /** What the provider's answer means. Default: it accepts the request. */
  outcome?: SubmissionOutcome;
  /** What another writer changes of the request during the call. */
  meanwhile?: Partial<RequestRecord>;
  /** How often another write comes first when the outcome is stored. */
  conflicts?: number;
  /** The dependency that is down. `store`: the first write of the outcome. */
  failing?: string;
  /** Why a dependent request is stopped. */
  stop?: RequestError;
  /** How long (real) that is looked up. */
  stopTakesMs?: number;
  leaseMs?: number;
  /** The stored connection, where it is not the one that is known. */
  storedConnection?: "gone" | typeof connection;
  isConnectionForbidden?: true;
  isConnectionPausedAlready?: true;
  /** What the provider's id referred to before. */
  previous?: Reference;
}

/** One submission, with what it calls, in order. */
async function setUp(of: World = {}) {
  const clock = makeTestClock(START_MS);
  clock.passReal(START_REAL_MS - START_MS);
  const memory = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const calls: [string, ...unknown[]][] = [];
  const noting =
    (name: string, answer?: unknown) =>
    async (...args: unknown[]) => {
      calls.push([name, ...args]);
      if (of.failing === name) throw down;
      return answer;
    };
  const waiting = requestRecord(owner, {
    ...{ joinedMs: START_MS - 1_000, lanePosition: 3, laneState: "waiting" },
    ...{ category: "stMessages", params: { inline: "{}" }, ...of.record },
  });
  const { requestId, lane } = waiting;
  const randomHex = (bytes: number) => "0".repeat(2 * bytes);
  const masterKeys = await parts.masterKeys();
  const input: Partial<RequestRecord> = {
    ...{ status: "SUBMITTING", submittedMs: 1, actionDeadlineMs: STORED_MS + 1, prompts: ["d1"] },
    sealedInput: seal({ masterKeys, randomHex }, requestId, "123456"),
  };
  const request = { ...waiting, ...(of.isInput ? input : {}) };
  await memory.requests.create(request);
  const stored = () => memory.requests.find(requestId);
  let writes = 0;
  let conflicts = of.conflicts ?? 0;
  const { storedConnection = connection } = of;
  const deps = {
    ...{ texts: parts.texts, masterKeys: parts.masterKeys },
    providerClients: {
      "we-link": { ...provider, readSubmission: () => of.outcome ?? accepted },
    },
    context: () => ({ nowMs: clock.businessMs(), nowRealMs: clock.realMs(), rules }),
    calls: {
      async send(...args: unknown[]) {
        calls.push(["send", ...args]);
        clock.passBusiness(CALL_MS);
        clock.passReal(CALL_REAL_MS);
        const now = await stored();
        if (now && of.meanwhile) await memory.requests.replace({ ...now, ...of.meanwhile });
        return { kind: "answered", answer: { status: 200, headers: {}, body: Buffer.from("") } };
      },
    },
    writer: makeRequestWriter({
      texts: parts.texts,
      requests: {
        ...memory.requests,
        async replace(next) {
          calls.push(["replace", next.status]);
          writes++;
          if (writes === 2 && of.failing === "store") throw down;
          return writes > 1 && conflicts-- > 0 ? undefined : memory.requests.replace(next);
        },
      },
    }),
    references: {
      extendSubmittingUntil: noting("extendSubmittingUntil"),
      bind: noting("bind", of.previous),
      noteForbidden: noting("noteForbidden", of.isConnectionForbidden === true),
    },
    lanes: {
      pause: noting("pause"),
      endLoginPause: noting("endLoginPause"),
      giveBack: noting("giveBack"),
    },
    accounts: { find: noting("findAccount"), findUncached: noting("refreshAccount") },
    connections: {
      readUncached: noting(
        "readConnection",
        storedConnection === "gone" ? undefined : storedConnection,
      ),
    },
    async findStop(...args: unknown[]) {
      clock.passReal(of.stopTakesMs ?? 0);
      return noting("findStop", of.stop)(...args);
    },
    pauseConnection: noting("pauseConnection", !of.isConnectionPausedAlready),
    onNonFatalError: (error: unknown) => void calls.push(["nonFatal", error]),
  } as unknown as SubmitRequestDeps;
  const sender = { owner: "w1", leaseUntilRealMs: START_REAL_MS + (of.leaseMs ?? 60_000) };
  const submit = (counters?: LaneCounters) =>
    makeSubmitRequest(deps)({
      ...{ request, connection, sender, gapMs: GAP_MS },
      ...(counters ? { lane: { counters } } : {}),
    });
  const names = () => calls.map(([name]) => name);
  const callsOf = (name: string) => calls.filter(([one]) => one === name);
  return { ...{ calls, names, callsOf, submit, stored, memory, request, requestId, lane, sender } };
}

describe("A submission", () => {
  test("A submission records how long its call may take, claims, asks what stops it, sends, binds and stores, in this order", async () => {
    const { calls, submit, stored, requestId, sender } = await setUp();
    const result = await submit();
    expect(calls).toStrictEqual([
      ["findAccount", connectionId, accountId],
      ["extendSubmittingUntil", connectionId, START_REAL_MS + rules.submitTimeoutMs + 20_000],
      ["replace", "SUBMITTING"],
      [
        "findStop",
        expect.objectContaining({
          ...{ requestId, version: 2, owner: "w1", sendingUntilRealMs: sender.leaseUntilRealMs },
          ...{ attempts: 1, takenMs: START_MS },
        }),
      ],
      ["send", "we-link", call, rules.submitTimeoutMs],
      ["bind", { connectionId, providerRequestId: "theirs", requestId }],
      ["replace", "RUNNING"],
    ]);
    expect(result).toStrictEqual({
      ...{ kind: "attempted", outcome: accepted, request: await stored(), mustPublish: true },
      ...{ nextSubmissionNotBeforeMs: STORED_MS + GAP_MS, pause: undefined },
      ...{ hasPausedConnection: false, hasStoredUnclearReport: false },
      call: {
        ...{ attempts: 1, startedMs: START_MS, startedRealMs: START_REAL_MS },
        endedRealMs: START_REAL_MS + CALL_REAL_MS,
      },
    });
    expect(await stored()).toMatchObject({
      ...{ status: "RUNNING", version: 3, submittedMs: STORED_MS, takenMs: START_MS },
      ...{ dueMs: STORED_MS + rules.firstPollMs, nextSubmissionNotBeforeMs: STORED_MS + GAP_MS },
    });
  });

  test.each(["findAccount", "extendSubmittingUntil"])(
    "Nothing is claimed while %s fails, and its failure is thrown",
    async (failing) => {
      const { names, submit } = await setUp({ failing });
      await expect(submit()).rejects.toBe(down);
      expect(names()).not.toContain("replace");
    },
  );

  test("A request whose call cannot be built is not claimed, and says why", async () => {
    const { names, submit, request } = await setUp({ record: { params: { key: "gone" } } });
    expect(await submit()).toStrictEqual({
      ...{ kind: "unsubmittable", request, cause: expect.any(Error) },
      error: { code: "CANNOT_BE_SENT", message: expect.any(String) },
    });
    expect(names()).toStrictEqual(["findAccount"]);
  });

  test("A request whose time is up is not claimed", async () => {
    const { names, submit, request } = await setUp({ record: { notAfterMs: START_MS } });
    expect(await submit()).toStrictEqual({
      ...{ kind: "unsubmittable", request },
      error: { code: "EXPIRED_NOT_AFTER", message: expect.any(String) },
    });
    expect(names()).toStrictEqual(["findAccount", "extendSubmittingUntil"]);
  });

  test("The time for which its lane was blocked does not count as its wait", async () => {
    const record = { joinedMs: START_MS - rules.queueTimeoutMs - 1 };
    const blocked = { stMessages: { totalMs: 1, sinceMs: 0, untilMs: 0 } };
    const inTime = await setUp({ record });
    expect(await inTime.submit({ ...noCounters, blocked })).toMatchObject({ kind: "attempted" });
    const late = await setUp({ record });
    expect(await late.submit(noCounters)).toMatchObject({
      ...{ kind: "unsubmittable", error: { code: "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED" } },
    });
  });

  test("A request that another write has changed is not sent", async () => {
    const { names, submit, memory, request } = await setUp();
    await memory.requests.replace(request);
    expect(await submit()).toStrictEqual({ kind: "conflict" });
    expect(names()).toStrictEqual(["findAccount", "extendSubmittingUntil", "replace"]);
  });

  test.each<[string, World, string]>([
    ["whose claim is 5 s old", { stopTakesMs: 5_000 }, "accepted"],
    ["whose claim is older than 5 s", { stopTakesMs: 5_001 }, "notSent"],
    ["whose lease is as long as the call may take", { leaseMs: rules.submitTimeoutMs }, "accepted"],
    ["whose lease is shorter", { leaseMs: rules.submitTimeoutMs - 1 }, "notSent"],
  ])("The submission of a worker %s: %j is %s", async (_, of, kind) => {
    const { submit, names } = await setUp(of);
    expect(await submit()).toMatchObject({ kind: "attempted", outcome: { kind } });
    expect(names().includes("send")).toBe(kind === "accepted");
  });
});

describe("The stop of a dependent request", () => {
  test("A request that an event has stopped is not sent, and does not count as taken", async () => {
    const stop = { code: "DEPENDENCY_STOPPED", message: "r" };
    const { names, submit, stored } = await setUp({ stop });
    const result = await submit();
    const claimed = await stored();
    expect(claimed).toMatchObject({ status: "SUBMITTING", takenMs: START_MS });
    expect(result).toStrictEqual({
      ...{ kind: "unsubmittable", request: { ...claimed, takenMs: undefined }, error: stop },
    });
    expect(names()).not.toContain("send");
  });

  test("A request of which that cannot be read is not sent, and waits again behind a pause", async () => {
    const { calls, names, submit, stored, requestId, lane } = await setUp({ failing: "findStop" });
    const pause = {
      ...{ reason: "PREDECESSOR_NOT_READ", untilMs: START_MS + 60_000, isOutage: true },
    };
    expect(await submit()).toStrictEqual({
      ...{ kind: "attempted", outcome: { kind: "notSent", code: "PREDECESSOR_NOT_READ" } },
      ...{ request: await stored(), mustPublish: true, pause, call: undefined },
      ...{ nextSubmissionNotBeforeMs: START_MS + GAP_MS, hasPausedConnection: false },
      hasStoredUnclearReport: false,
    });
    expect(await stored()).toMatchObject({ status: "QUEUED", takenMs: undefined });
    expect(names()).not.toContain("send");
    expect(calls.slice(-3)).toStrictEqual([
      ["nonFatal", down],
      ["pause", lane, expect.objectContaining({ requestId, status: "SUBMITTING" }), pause],
      ["replace", "QUEUED"],
    ]);
  });

  test("A person's input is not stopped", async () => {
    const stop = { code: "DEPENDENCY_STOPPED", message: "r" };
    const { names, submit } = await setUp({ isInput: true, stop });
    expect(await submit()).toMatchObject({ kind: "attempted", request: { status: "RUNNING" } });
    expect(names()).not.toContain("findStop");
  });
});

describe("A call that the provider refuses", () => {
  const blocked = { kind: "accountBlocked", code: "BLOCKED" } as const;
  const refusals: [string, SubmissionOutcome][] = [
    ["the credentials", refused],
    ["the call", forbidden],
    ["the account", blocked],
  ];

  test.each(refusals)(
    "When %s was refused with credentials that a person has replaced, nothing is paused for longer than a second",
    async (_, outcome) => {
      const storedConnection = connectionWith({ "x-api-key": "new" });
      const { names, callsOf, submit } = await setUp({ outcome, storedConnection });
      const changed = { kind: "temporarilyUnavailable", code: "CREDENTIALS_CHANGED" } as const;
      expect(await submit()).toMatchObject({
        ...{ outcome: { ...changed, retryAfterMs: 1_000 }, hasPausedConnection: false },
        pause: { reason: "CREDENTIALS_CHANGED", untilMs: STORED_MS + 1_000, isOutage: true },
        request: { status: "QUEUED" },
      });
      expect(callsOf("readConnection")).toStrictEqual([["readConnection", connectionId]]);
      expect(callsOf("refreshAccount")).toStrictEqual([
        ["refreshAccount", connectionId, accountId],
      ]);
      expect(names()).not.toContain("noteForbidden");
      expect(names()).not.toContain("pauseConnection");
    },
  );

  test.each(refusals)(
    "When %s was refused with credentials that are still stored, the refusal stands",
    async (_, outcome) => {
      expect(await (await setUp({ outcome })).submit()).toMatchObject({ outcome });
      const gone = await setUp({ outcome, storedConnection: "gone" });
      expect(await gone.submit()).toMatchObject({ outcome });
      const unread = await setUp({ outcome, failing: "readConnection" });
      expect(await unread.submit()).toMatchObject({ outcome });
      expect(unread.callsOf("nonFatal")).toStrictEqual([["nonFatal", down]]);
    },
  );

  test("The credentials are not looked at after another answer", async () => {
    const { names, submit } = await setUp({ outcome: rateLimited });
    await submit();
    expect(names()).not.toContain("readConnection");
  });

  test("Refused credentials pause the connection when the outcome is stored, and not the lane", async () => {
    const { calls, submit } = await setUp({ outcome: refused });
    expect(await submit()).toMatchObject({
      ...{ hasPausedConnection: true, pause: undefined, request: { status: "QUEUED" } },
    });
    expect(calls.slice(-2)).toStrictEqual([
      ["replace", "QUEUED"],
      ["pauseConnection", connectionId],
    ]);
    const again = await setUp({ outcome: refused, isConnectionPausedAlready: true });
    expect(await again.submit()).toMatchObject({ hasPausedConnection: false });
  });

  test("A call that is forbidden for one account pauses that account", async () => {
    const { names, callsOf, submit, requestId } = await setUp({ outcome: forbidden });
    expect(await submit()).toMatchObject({
      ...{ outcome: forbidden, pause: { reason: "FORBIDDEN" }, hasPausedConnection: false },
      request: { status: "QUEUED", wasForbidden: true },
    });
    const noted = ["noteForbidden", expect.objectContaining({ requestId, connectionId })];
    expect(callsOf("noteForbidden")).toStrictEqual([noted]);
    expect(names()).not.toContain("pauseConnection");
  });

  test("A call that is forbidden for a second account is forbidden for the connection", async () => {
    const { callsOf, submit, stored } = await setUp({
      ...{ outcome: forbidden, isConnectionForbidden: true },
    });
    expect(await submit()).toMatchObject({
      ...{ outcome: { kind: "credentialsRefused", code: "FORBIDDEN" }, pause: undefined },
      hasPausedConnection: true,
    });
    expect(callsOf("pauseConnection")).toHaveLength(1);
    expect((await stored())?.wasForbidden).toBeUndefined();
  });

  test("A forbidden call of which that cannot be noted pauses the account", async () => {
    const { callsOf, submit } = await setUp({ outcome: forbidden, failing: "noteForbidden" });
    expect(await submit()).toMatchObject({ outcome: forbidden, pause: { reason: "FORBIDDEN" } });
    expect(callsOf("nonFatal")).toStrictEqual([["nonFatal", down]]);
  });

  test("A call that is forbidden for the second time is not noted, and ends its request", async () => {
    const record = { wasForbidden: true } as const;
    const { names, submit } = await setUp({
      ...{ outcome: forbidden, record, isConnectionForbidden: true },
    });
    expect(await submit()).toMatchObject({ request: { status: "FAILED" }, outcome: forbidden });
    expect(names()).not.toContain("noteForbidden");
  });

  test("Only a forbidden call is noted as one", async () => {
    const { names, submit } = await setUp({ outcome: rejected, isConnectionForbidden: true });
    expect(await submit()).toMatchObject({ outcome: rejected });
    expect(names()).not.toContain("noteForbidden");
  });
});

describe("The provider's id of a request", () => {
  const later = STORED_MS + rules.firstPollMs;

  test.each<[string, World, number]>([
    ["named nothing before", {}, later],
    ["named an event that matched no request", { previous: { eventId: "e" } }, STORED_MS],
    ["named a request", { previous: { requestId: "rq_1", eventId: "e" } }, later],
    ["cannot be bound", { failing: "bind" }, STORED_MS],
  ])("A request whose id %s runs, and is polled in time", async (_, of, dueMs) => {
    const { callsOf, submit } = await setUp(of);
    const request = { status: "RUNNING", providerRequestId: "theirs", dueMs };
    expect(await submit()).toMatchObject({ request, mustPublish: true });
    expect(callsOf("bind")).toHaveLength(1);
    expect(callsOf("nonFatal")).toStrictEqual(of.failing ? [["nonFatal", down]] : []);
  });

  test("A request whose answer has its result is not polled, although its event came before", async () => {
    const outcome = { ...accepted, resultEvent: completed };
    const { submit, stored } = await setUp({ outcome, previous: { eventId: "e" } });
    expect(await submit()).toMatchObject({ request: { status: "SUCCEEDED" } });
    expect((await stored())?.dueMs).toBeUndefined();
  });

  test.each<SubmissionOutcome>([{ kind: "accepted" }, { kind: "unknown", code: "TIMEOUT" }])(
    "Nothing is bound after %j",
    async (outcome) => {
      const { names, submit } = await setUp({ outcome, previous: { eventId: "e" } });
      const { request } = (await submit()) as { request: RequestRecord };
      expect(request.dueMs).toBe(
        outcome.kind === "accepted" ? later : STORED_MS + rules.unknownTimeoutMs,
      );
      expect(names()).not.toContain("bind");
    },
  );
});

describe("The effect of an answer on the lane", () => {
  const pause = { reason: "RATE_LIMITED", untilMs: STORED_MS + rules.rateLimitPauseMs };

  test("A pause is stored before the request waits again", async () => {
    const { calls, submit, requestId, lane } = await setUp({ outcome: rateLimited });
    expect(await submit()).toMatchObject({ pause, outcome: rateLimited });
    expect(calls.slice(-2)).toStrictEqual([
      ["pause", lane, expect.objectContaining({ requestId, status: "SUBMITTING" }), pause],
      ["replace", "QUEUED"],
    ]);
  });

  test("A pause that cannot be stored is told to the worker, and the request waits again", async () => {
    const { callsOf, submit } = await setUp({ outcome: rateLimited, failing: "pause" });
    expect(await submit()).toMatchObject({ pause, request: { status: "QUEUED" } });
    expect(callsOf("nonFatal")).toStrictEqual([["nonFatal", down]]);
  });

  test("A login that succeeds at once ends the pause that waits for it", async () => {
    const of: World = {
      ...{ record: { action: "login" }, outcome: { ...accepted, resultEvent: completed } },
    };
    const { calls, submit, lane } = await setUp(of);
    expect(await submit()).toMatchObject({ request: { status: "SUCCEEDED" }, pause: undefined });
    expect(calls.slice(-2)).toStrictEqual([
      ["endLoginPause", lane, STORED_MS],
      ["replace", "SUCCEEDED"],
    ]);
    const broken = await setUp({ ...of, failing: "endLoginPause" });
    expect(await broken.submit()).toMatchObject({ request: { status: "SUCCEEDED" } });
    expect(broken.callsOf("nonFatal")).toStrictEqual([["nonFatal", down]]);
  });

  test("An answer that is not clear is told as kept", async () => {
    const unclear = { kind: "unrecognised", status: "HMM", body: "{}" } as const;
    const { submit } = await setUp({ outcome: { kind: "unknown", code: "HMM", unclear } });
    expect(await submit()).toMatchObject({ hasStoredUnclearReport: true });
  });
});

describe("An outcome that is stored after another write", () => {
  /** What the sweep makes of a request whose worker counts as dead. */
  const unknown: Partial<RequestRecord> = {
    ...{ status: "UNKNOWN", owner: undefined, sendingUntilRealMs: undefined },
    ...{ deadlineMs: STORED_MS + 1, dueMs: STORED_MS + 1 },
  };
  const notOwned = { owner: undefined, sendingUntilRealMs: undefined };

  test("While the worker still has the request, the outcome is decided anew, and the other change stays", async () => {
    const meanwhile = { dependents: ["rq_2"] };
    const { submit, stored, names } = await setUp({ meanwhile });
    const result = await submit();
    expect(await stored()).toMatchObject({
      ...{ ...meanwhile, status: "RUNNING", providerRequestId: "theirs", version: 4 },
    });
    expect(result).toMatchObject({ request: await stored(), mustPublish: true });
    expect(names()).not.toContain("giveBack");
  });

  test("A store that does not answer is asked again", async () => {
    const { submit, stored, callsOf } = await setUp({ failing: "store" });
    expect(await submit()).toMatchObject({ request: { status: "RUNNING" }, mustPublish: true });
    expect((await stored())?.status).toBe("RUNNING");
    expect(callsOf("nonFatal")).toStrictEqual([["nonFatal", down]]);
  });

  test("The outcome is stored although sixty other writes come first, and not after more", async () => {
    const { submit, callsOf } = await setUp({ conflicts: 60 });
    expect(await submit()).toMatchObject({ request: { status: "RUNNING" }, mustPublish: true });
    expect(callsOf("replace")).toHaveLength(62);
    const more = await setUp({ conflicts: 61 });
    await expect(more.submit()).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  });

  test.each<[string, SubmissionOutcome, object]>([
    ["accepted", accepted, { status: "RUNNING", providerRequestId: "theirs" }],
    ["rejected", rejected, { status: "FAILED", error: rejected.error }],
    ["rateLimited", rateLimited, { status: "QUEUED", takenMs: undefined }],
  ])("A request that became UNKNOWN meanwhile is what its answer %s says", async (_, ...of) => {
    const [outcome, expected] = of;
    const { submit, stored } = await setUp({ outcome, meanwhile: unknown });
    expect(await submit()).toMatchObject({ request: expected, mustPublish: true });
    expect(await stored()).toMatchObject(expected);
  });

  test.each<[string, SubmissionOutcome, Partial<RequestRecord>]>([
    ["UNKNOWN, by an answer that says no more", { kind: "unknown", code: "TIMEOUT" }, unknown],
    ["UNKNOWN, by the answer to an earlier attempt", rejected, { ...unknown, attempts: 2 }],
    ["RUNNING, by a late refusal", rejected, { ...unknown, status: "RUNNING" }],
    ["QUEUED, by a late refusal", rejected, { ...notOwned, status: "QUEUED", takenMs: undefined }],
  ])("A request stays %s", async (_, outcome, meanwhile) => {
    const { submit, stored, names } = await setUp({ outcome, meanwhile });
    const result = await submit();
    expect(result).toMatchObject({ mustPublish: false, outcome });
    expect(result).toHaveProperty("request", await stored());
    expect(await stored()).toMatchObject({ status: meanwhile.status, version: 3 });
    expect(names()).not.toContain("giveBack");
  });

  test("A late acceptance adds the provider's id to a request that has ended", async () => {
    const meanwhile = { ...notOwned, status: "SUCCEEDED", finishedMs: STORED_MS } as const;
    const { submit, stored } = await setUp({ meanwhile, previous: { eventId: "e" } });
    expect(await submit()).toMatchObject({ mustPublish: true, request: { status: "SUCCEEDED" } });
    expect(await stored()).toMatchObject({
      ...{ status: "SUCCEEDED", providerRequestId: "theirs", submittedMs: STORED_MS },
      dueMs: undefined,
    });
  });

  test.each(["RUNNING", "UNKNOWN"] as const)(
    "A request that became %s meanwhile is polled at once when its event came before its id",
    async (status) => {
      const meanwhile = { ...unknown, status };
      const { submit, stored } = await setUp({ meanwhile, previous: { eventId: "e" } });
      expect(await submit()).toMatchObject({ mustPublish: true });
      expect(await stored()).toMatchObject({ status: "RUNNING", dueMs: STORED_MS });
    },
  );

  test("A request that a person returned to its lane before the provider's acceptance came runs, and its take is not given back once more", async () => {
    const meanwhile: Partial<RequestRecord> = {
      ...{ ...notOwned, status: "QUEUED", laneState: "waiting", takenMs: undefined },
    };
    const { submit, stored, names } = await setUp({ meanwhile });
    expect(await submit()).toMatchObject({ mustPublish: true, request: { status: "RUNNING" } });
    expect(await stored()).toMatchObject({
      ...{ status: "RUNNING", providerRequestId: "theirs", submittedMs: STORED_MS },
      ...{ laneState: "holding", params: undefined, takenMs: START_MS },
    });
    expect(names()).not.toContain("giveBack");
  });

  test("Of a request that is gone, what was decided is told, and nothing is published", async () => {
    const { submit, stored } = await setUp({ meanwhile: { expiresMs: 1 } });
    expect(await submit()).toMatchObject({ mustPublish: false, request: { status: "RUNNING" } });
    expect(await stored()).toBeUndefined();
  });
});

describe("What was not sent after all", () => {
  const meanwhile = { dependents: ["rq_2"] };

  test.each<[string, Partial<RequestRecord>, object]>([
    ["its category", {}, { category: "stMessages", isHigh: false }],
    ["its priority", { isHigh: true }, { category: "stMessages", isHigh: true }],
    ["the other category", { category: undefined }, { category: "other", isHigh: false }],
  ])("A take that was not sent is given back to the lane, for %s", async (_, record, subQueue) => {
    const { submit, callsOf, lane } = await setUp({ outcome: rateLimited, record, meanwhile });
    expect(await submit()).toMatchObject({ request: { status: "QUEUED", takenMs: undefined } });
    const { category } = subQueue as { category: string };
    expect(callsOf("giveBack")).toStrictEqual([
      ["giveBack", lane, { take: { category, atMs: START_MS }, subQueue }],
    ]);
  });

  test("A request that was not sent after all waits again although it cannot be given back", async () => {
    const of: World = { outcome: rateLimited, meanwhile, failing: "giveBack" };
    const { submit, callsOf } = await setUp(of);
    expect(await submit()).toMatchObject({ request: { status: "QUEUED" }, mustPublish: true });
    expect(callsOf("nonFatal")).toStrictEqual([["nonFatal", down]]);
  });

  test("Nothing is given back without another write, because the worker counts what it has taken", async () => {
    const { submit, names } = await setUp({ outcome: rateLimited });
    expect(await submit()).toMatchObject({ request: { status: "QUEUED" } });
    expect(names()).not.toContain("giveBack");
  });

  test("A login counts against no limit: no take is given back, and its lane knows that it waits again", async () => {
    const of: World = { outcome: rateLimited, record: { isLogin: true }, meanwhile };
    const { submit, callsOf, lane } = await setUp(of);
    expect(await submit()).toMatchObject({ request: { status: "QUEUED" } });
    const subQueue = { category: "stMessages", isHigh: false };
    expect(callsOf("giveBack")).toStrictEqual([["giveBack", lane, { take: undefined, subQueue }]]);
  });

  test("An input, for which nothing was taken, gives nothing back", async () => {
    const { submit, names } = await setUp({ outcome: rateLimited, isInput: true, meanwhile });
    expect(await submit()).toMatchObject({ request: { status: "ACTION_REQUIRED" } });
    expect(names()).not.toContain("giveBack");
  });
});
