import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { unseal } from "../../shared/core/crypto/master-keys.ts";
import { keyedDigest } from "../../shared/core/requests/acceptance/body-digest.ts";
import { keyExpiresMs } from "../../shared/core/requests/acceptance/idempotency.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeClientRequests } from "../support/fakes/client-requests.ts";
import { ms, NOON_MS } from "../support/noon.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const PIN = "123456";
const DEADLINE_MS = ms(600);
const down = new Failure("DEPENDENCY_DOWN", "it is down");
const waitsForNoInput = { code: "CONFLICT", message: "the request waits for no input" };

const prompting: Partial<RequestRecord> = {
  ...{ status: "ACTION_REQUIRED", action: "login_v2", attempts: 1, prompts: ["first"] },
  ...{ providerRequestId: "theirs-1", submittedMs: ms(-60), isStarted: true },
  ...{ holdUntilMs: DEADLINE_MS, dueMs: DEADLINE_MS, laneState: "holding" },
  ...{ deadlineMs: DEADLINE_MS, actionDeadlineMs: DEADLINE_MS },
};

/** A login that waits for a PIN, and the keys that are reserved. */
async function setUp(
  of: Partial<RequestRecord> = {},
  change: Parameters<typeof makeClientRequests>[0] = () => ({}),
) {
  const reserved: unknown[] = [];
  const made = makeClientRequests(
    (its) => ({
      idempotency: {
        ...its.memory.idempotency,
        async reserve(entry: never) {
          reserved.push(entry);
          return its.memory.idempotency.reserve(entry);
        },
      },
      ...change(its),
    }),
    "we-link",
  );
  const { requestId, clientId } = await made.store({ ...prompting, ...of });
  const master = await made.masterKeys();
  return {
    ...{ ...made, requestId, master, reserved },
    sent: ["send", { v: 1, kind: "continue", requestId }, { clientId }],
    input: (input: string, key?: string) => made.requests.continue(clientId, requestId, input, key),
    now: () => made.stored(requestId),
    /** As a worker that has sent the input. */
    async answered(to: Partial<RequestRecord>) {
      const found = (await made.stored(requestId)) as RequestRecord;
      await made.memory.requests.replace({ ...found, ...to });
    },
  };
}

describe("A person's input", () => {
  test("It is stored sealed for its request, and a message starts its sending", async () => {
    const { input, now, requestId, master, calls, sent, reserved, ignored } = await setUp();
    const view = await input(PIN);
    expect(view).toMatchObject({ requestId, status: "SUBMITTING", waitsFor: undefined });
    const stored = await now();
    expect(stored).toMatchObject({
      ...{ status: "SUBMITTING", version: 2, attempts: 1, owner: undefined },
      ...{ dueMs: DEADLINE_MS, actionDeadlineMs: DEADLINE_MS, laneState: "holding" },
    });
    expect(stored?.sealedInput).not.toContain(PIN);
    expect(unseal(master, requestId, stored?.sealedInput ?? "")).toBe(PIN);
    expect(calls).toEqual([sent]);
    expect(reserved).toEqual([]);
    expect(ignored).toEqual([]);
  });

  test("It is taken until the last millisecond before the deadline", async () => {
    const { input, now } = await setUp({ deadlineMs: NOON_MS + 1 });
    await input(PIN);
    expect(await now()).toMatchObject({ status: "SUBMITTING" });
  });

  test.each<[string, Partial<RequestRecord>]>([
    ["at its deadline", { deadlineMs: NOON_MS }],
    ["without a deadline", { deadlineMs: undefined }],
    ["that the provider has not named", { providerRequestId: undefined }],
    ["that runs", { status: "RUNNING" }],
    ["whose input is being sent", { status: "SUBMITTING" }],
    ["that was cancelled", { status: "CANCELLED" }],
  ])("It is refused for a request %s", async (_, of) => {
    const { input, now, calls, reserved } = await setUp(of);
    const before = await now();
    await expect(input(PIN, "key")).rejects.toMatchObject(waitsForNoInput);
    expect(await now()).toEqual(before);
    expect([...calls, ...reserved]).toEqual([]);
  });

  test("It is refused where the provider takes none", async () => {
    const { requests, store, stored } = makeClientRequests(undefined, "linked-api");
    const { requestId, clientId } = await store(prompting);
    const continued = requests.continue(clientId, requestId, PIN);
    await expect(continued).rejects.toMatchObject(waitsForNoInput);
    expect(await stored(requestId)).toMatchObject({ status: "ACTION_REQUIRED", version: 1 });
  });

  test("It is not stored when it cannot be sealed", async () => {
    const made = makeClientRequests(() => ({ masterKeys: () => Promise.reject(down) }), "we-link");
    const { requestId, clientId } = await made.store(prompting);
    await expect(made.requests.continue(clientId, requestId, PIN)).rejects.toBe(down);
    const stored = await made.stored(requestId);
    expect(stored).toMatchObject({ status: "ACTION_REQUIRED", version: 1 });
    expect(made.calls).toEqual([]);
  });

  test("It is answered all the same when its message or its key fails", async () => {
    const lost = new Error("the message is lost");
    const { input, now, ignored } = await setUp({}, ({ memory }) => ({
      submitQueue: { send: () => Promise.reject(lost) },
      idempotency: { ...memory.idempotency, reserve: () => Promise.reject(down) },
    }));
    expect(await input(PIN, "key")).toMatchObject({ status: "SUBMITTING" });
    expect(await now()).toMatchObject({ status: "SUBMITTING" });
    expect(ignored).toEqual([lost, down]);
  });

  test("It is not found when its request is deleted meanwhile", async () => {
    let deleted: RequestRecord | undefined;
    const made = makeClientRequests(
      ({ memory }) => ({ requests: { ...memory.requests, find: async () => deleted } }),
      "we-link",
    );
    const elsewhere = await makeClientRequests(undefined, "we-link").store(prompting);
    deleted = { ...elsewhere, clientId: made.clientId };
    const continued = made.requests.continue(made.clientId, elsewhere.requestId, PIN);
    await expect(continued).rejects.toMatchObject({
      ...{ code: "NOT_FOUND", message: "there is no such request" },
    });
    expect(made.calls).toEqual([]);
  });
});

describe("A person's input with an idempotency key", () => {
  test("Its key is stored with a digest that only the master key can make", async () => {
    const { input, requestId, clientId, master, reserved, calls, sent, clock } = await setUp();
    clock.passReal(5_000);
    await input(PIN, "key");
    expect(calls).toEqual([sent]);
    const digest = keyedDigest(master, `continue ${requestId} ${PIN}`);
    expect(reserved).toStrictEqual([
      {
        ...{ clientId, key: "key", requestId, bodySha256: digest.text },
        // The first random number is that of the sealing.
        callId: "2".padStart(20, "0"),
        reservedRealMs: NOON_MS + 5_000,
        expiresMs: keyExpiresMs(NOON_MS, requestRules),
        insteadOf: undefined,
      },
    ]);
  });

  test("A repeated call returns the request as it is then, and sends nothing", async () => {
    const { input, now, calls, sent, reserved, answered } = await setUp();
    await input(PIN, "key");
    expect(await input(PIN, "key")).toMatchObject({ status: "SUBMITTING" });
    await answered({ status: "SUCCEEDED", result: { inline: "1.0" } });
    expect(await input(PIN, "key")).toMatchObject({ status: "SUCCEEDED", result: "1.0" });
    expect(await now()).toMatchObject({ version: 3 });
    expect(calls).toEqual([sent]);
    expect(reserved).toHaveLength(1);
  });

  test("A repeated call is refused when the request waits for input again", async () => {
    const { input, now, calls, sent, answered } = await setUp();
    await input(PIN, "key");
    await answered({ ...prompting, sealedInput: undefined });
    await expect(input(PIN, "key")).rejects.toMatchObject({
      code: "CONFLICT",
      message:
        "the input of this Idempotency-Key was taken before, and the request waits for input again: send it with a new key",
    });
    expect(await now()).toMatchObject({ status: "ACTION_REQUIRED", version: 3 });
    expect(calls).toEqual([sent]);
    await input(PIN, "another key");
    expect(calls).toEqual([sent, sent]);
  });

  test("Another input with the same key is refused, and not sent", async () => {
    const { input, calls, sent, answered } = await setUp();
    await input(PIN, "key");
    await answered({ ...prompting, sealedInput: undefined });
    await expect(input("654321", "key")).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
    expect(calls).toEqual([sent]);
  });

  test("A key whose call has stored no request in its time is taken over", async () => {
    const { input, clientId, memory, reserved, clock } = await setUp();
    const unstored = `rq_${"0".repeat(44)}`;
    await memory.idempotency.reserve({
      ...{ clientId, key: "key", requestId: unstored, callId: "a", bodySha256: "another" },
      ...{ reservedRealMs: clock.realMs(), expiresMs: ms(86_400) },
    });
    clock.passReal(60_000);
    await input(PIN, "key");
    expect(reserved).toMatchObject([{ key: "key", insteadOf: unstored }]);
  });
});
