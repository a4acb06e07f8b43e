import { describe, expect, test } from "vitest";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import type { CallResult } from "../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeClientRequests } from "../support/fakes/client-requests.ts";
import { ms, NOON_MS } from "../support/noon.ts";
import { answered } from "../support/simulations/workers-simulation.ts";

type Given = Partial<RequestRecord>;

const confirmed = answered(200, { success: true, result: { cancelled: true } });
const submitted = { submittedMs: ms(-60), attempts: 1, providerRequestId: "theirs-1" };
const running: Given = {
  ...{ ...submitted, status: "RUNNING", isStarted: true },
  ...{ holdUntilMs: ms(600), deadlineMs: ms(3_600), laneState: "holding" },
};
const tooLate = {
  code: "CONFLICT",
  message: "the request was submitted and can no longer be cancelled",
};
const beingSubmitted = {
  code: "DEPENDENCY_DOWN",
  message: "the request is being submitted at this moment: repeat the call",
};

/** A stored request, and a provider that answers a cancel like this. */
async function setUp(of: Given, answer: CallResult = confirmed, provider?: ProviderId) {
  const made = makeClientRequests(
    ({ noting }) => ({ calls: { send: noting("ask", answer) } }),
    provider,
  );
  const { requestId, clientId } = await made.store(of);
  const call = { method: "DELETE", path: "/workflows/theirs-1", headers: {} };
  const asked = ["ask", "linked-api", call, 3_000];
  return {
    ...{ ...made, requestId, asked },
    cancel: () => made.requests.cancel(clientId, requestId),
    now: () => made.stored(requestId),
  };
}

describe("A request that was not submitted", () => {
  test("It is cancelled with its unpublished events, and nobody is asked, told or woken", async () => {
    const event = { id: "e", type: "workflow.created", version: 1, sinceRealMs: NOON_MS } as const;
    const { cancel, now, requestId, calls, ignored } = await setUp({
      ...{ joinedMs: ms(-60), lanePosition: 7, laneState: "waiting", params: { inline: "{}" } },
      outbox: [{ ...event, envelope: { inline: "{}" } }],
    });
    expect(await cancel()).toStrictEqual({ requestId, status: "CANCELLED" });
    expect(await now()).toMatchObject({
      ...{ status: "CANCELLED", finishedMs: NOON_MS, outbox: [], version: 2 },
      ...{ laneState: undefined, params: undefined },
    });
    expect(calls).toEqual([]);
    expect(ignored).toEqual([]);
  });

  test.each<[string, Given, boolean]>([
    ["one that waits for its time", { status: "SCHEDULED", scheduledMs: ms(7_200) }, true],
    ["one that has joined its lane", { scheduledMs: ms(-60), joinedMs: NOON_MS }, false],
    ["one that has none", { status: "SCHEDULED" }, false],
  ])("Its schedule is deleted only while it waits for its time: %s", async (_, of, isDeleted) => {
    const { cancel, now, requestId, calls } = await setUp(of);
    await cancel();
    expect(await now()).toMatchObject({ status: "CANCELLED" });
    expect(calls).toEqual(isDeleted ? [["unschedule", requestId]] : []);
  });

  test("A repeated call changes nothing, and tells the requests that depend on it once more", async () => {
    const { cancel, now, requestId, clientId, calls } = await setUp({
      dependents: ["rq_first", "rq_second"],
    });
    const told = ["rq_first", "rq_second"].map((id) => [
      ...["send", { v: 1, kind: "dependency", requestId: id }, { clientId }],
    ]);
    await cancel();
    const cancelled = await now();
    expect(calls).toEqual(told);
    expect(await cancel()).toStrictEqual({ requestId, status: "CANCELLED" });
    expect(await now()).toEqual(cancelled);
    expect(calls).toEqual([...told, ...told]);
  });
});

describe("A request that runs", () => {
  test("It is cancelled when its provider confirms that, and its lane is woken", async () => {
    const { cancel, now, requestId, calls, asked, ignored } = await setUp(running);
    expect(await cancel()).toStrictEqual({ requestId, status: "CANCELLED" });
    const cancelled = await now();
    expect(cancelled).toMatchObject({
      ...{ status: "CANCELLED", finishedMs: NOON_MS, version: 2 },
      ...{ laneState: undefined, holdUntilMs: undefined },
    });
    expect(calls).toEqual([asked, ["wakeFreedLane", cancelled]]);
    expect(ignored).toEqual([]);
  });

  test("A repeated call asks the provider nothing, and wakes the lane, which the first call may not have done", async () => {
    const { cancel, now, requestId, calls } = await setUp({
      ...{ ...submitted, status: "CANCELLED", finishedMs: ms(-1) },
    });
    const cancelled = await now();
    expect(await cancel()).toStrictEqual({ requestId, status: "CANCELLED" });
    expect(calls).toEqual([["wakeFreedLane", cancelled]]);
    expect(await now()).toEqual(cancelled);
  });

  const unconfirmed = {
    code: "DEPENDENCY_DOWN",
    message: "linked-api did not confirm the cancellation",
  };
  test.each<[string, CallResult, object]>([
    ["refuses", answered(200, { success: true, result: { cancelled: false } }), tooLate],
    ["answers something else to", answered(500, {}), unconfirmed],
    ["does not answer", { kind: "incomplete", reason: "TIMEOUT" }, unconfirmed],
  ])("It stays as it is when its provider %s the cancel", async (_, answer, failure) => {
    const { cancel, now, calls, asked } = await setUp(running, answer);
    await expect(cancel()).rejects.toMatchObject(failure);
    expect(await now()).toMatchObject({ status: "RUNNING", version: 1 });
    expect(calls).toEqual([asked]);
  });

  test("It stays as it is while its connection is paused, whose provider is not asked", async () => {
    const made = makeClientRequests(({ noting }) => ({
      calls: { send: noting("ask", confirmed) },
      connections: { read: async () => ({ settings: { status: "paused" } }) },
    }));
    const { requestId, clientId } = await made.store(running);
    await expect(made.requests.cancel(clientId, requestId)).rejects.toMatchObject({
      code: "CONFLICT",
      message: "the connection is paused: the provider cannot be asked to cancel",
    });
    expect(await made.stored(requestId)).toMatchObject({ status: "RUNNING", version: 1 });
    expect(made.calls).toEqual([]);
  });

  test("It stays as it is where its provider cannot cancel", async () => {
    const { cancel, now, calls } = await setUp(running, confirmed, "we-link");
    await expect(cancel()).rejects.toMatchObject(tooLate);
    expect(await now()).toMatchObject({ status: "RUNNING", version: 1 });
    expect(calls).toEqual([]);
  });
});

test.each<[string, Given, object]>([
  ["being submitted", { status: "SUBMITTING" }, beingSubmitted],
  ["sent a person's input", { ...submitted, status: "SUBMITTING" }, tooLate],
  ["waiting for a person's input", { ...submitted, status: "ACTION_REQUIRED" }, tooLate],
  ["of unknown outcome", { ...submitted, status: "UNKNOWN" }, tooLate],
  ["that has succeeded", { ...submitted, status: "SUCCEEDED" }, tooLate],
  ["that has failed", { status: "FAILED" }, tooLate],
])("A request %s is not cancelled, and its provider is not asked", async (_, of, failure) => {
  const { cancel, now, calls } = await setUp(of);
  await expect(cancel()).rejects.toMatchObject(failure);
  expect(await now()).toMatchObject({ status: of.status, version: 1 });
  expect(calls).toEqual([]);
});

test("What a cancel does after its write may fail: it is answered all the same", async () => {
  const failures = ["send", "unschedule", "wake"].map((name) => new Error(name));
  const [send, unschedule, wake] = failures.map((error) => () => Promise.reject(error));
  const made = makeClientRequests(({ noting }) => ({
    calls: { send: noting("ask", confirmed) },
    submitQueue: { send },
    schedules: { delete: unschedule },
    laneScheduler: { wakeFreedLane: wake },
  }));
  const { requestId, clientId } = await made.store({
    ...{ ...running, dependents: ["rq_1"], scheduledMs: ms(-600) },
  });
  const answer = await made.requests.cancel(clientId, requestId);
  expect(answer).toStrictEqual({ requestId, status: "CANCELLED" });
  expect(await made.stored(requestId)).toMatchObject({ status: "CANCELLED" });
  expect(made.ignored).toEqual(failures);
});

describe("A request that another writer changes while it is cancelled", () => {
  /** @param seen the request as the cancel reads it, before it writes the one that is stored */
  async function raced(seen: Given, stored: Given) {
    let found: RequestRecord | undefined;
    const made = makeClientRequests(({ memory, noting }) => ({
      requests: { ...memory.requests, find: async () => found },
      calls: { send: noting("ask", confirmed) },
    }));
    const request = await made.store(stored);
    found = { ...request, status: "QUEUED", ...seen };
    const { requestId, clientId } = request;
    return {
      requestId,
      cancel: () => made.requests.cancel(clientId, requestId),
      now: () => made.stored(requestId),
    };
  }

  test.each<[string, Given, Given, object]>([
    ["is being submitted", {}, { status: "SUBMITTING" }, beingSubmitted],
    ["was submitted", {}, running, tooLate],
    ["has ended at its provider", running, { ...submitted, status: "SUCCEEDED" }, tooLate],
    ["waits for input", running, { ...submitted, status: "ACTION_REQUIRED" }, tooLate],
  ])("One that %s then is not cancelled", async (_, seen, stored, failure) => {
    const { cancel, now } = await raced(seen, stored);
    await expect(cancel()).rejects.toMatchObject(failure);
    expect(await now()).toMatchObject({ status: stored.status, version: 1 });
  });

  test.each<[string, Given, Given, number]>([
    ["has joined its lane", { status: "SCHEDULED", scheduledMs: NOON_MS }, {}, 2],
    ["is cancelled", running, { ...submitted, status: "CANCELLED" }, 1],
  ])("One that %s then ends cancelled", async (_, seen, stored, version) => {
    const { cancel, now, requestId } = await raced(seen, stored);
    expect(await cancel()).toStrictEqual({ requestId, status: "CANCELLED" });
    expect(await now()).toMatchObject({ status: "CANCELLED", version });
  });
});

test("A request that is deleted while it is cancelled is not found", async () => {
  let deleted: RequestRecord | undefined;
  const made = makeClientRequests(({ memory }) => ({
    requests: { ...memory.requests, find: async () => deleted },
  }));
  const elsewhere = await makeClientRequests().store();
  deleted = { ...elsewhere, clientId: made.clientId };
  const cancelled = made.requests.cancel(made.clientId, elsewhere.requestId);
  await expect(cancelled).rejects.toMatchObject({
    ...{ code: "NOT_FOUND", message: "there is no such request" },
  });
});
