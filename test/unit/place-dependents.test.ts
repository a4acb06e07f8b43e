import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { placeDependents } from "../../shared/core/requests/acceptance/place-dependents.ts";
import type {
  PreparedRequest,
  StoreRequestDeps,
} from "../../shared/core/requests/acceptance/store-request.ts";
import type { Dependency, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { NOON_MS as nowMs } from "../support/noon.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const owner = newOwner();
const noTable = new Failure("DEPENDENCY_DOWN", "no table");
const full = { code: "CONFLICT", message: "100 requests depend on that request already" };

type Decide = (request: RequestRecord) => RequestRecord | undefined;

/** Who depends on each stored request. What `down` names throws that error. */
function setUp(stored: Record<string, string[]>, down: Record<string, unknown> = {}) {
  const calls: unknown[][] = [];
  const ignored: unknown[] = [];
  const deps = {
    writer: {
      async change(requestId: string, decide: Decide, maxAttempts: number) {
        calls.push(["change", requestId, maxAttempts]);
        if (down[requestId]) throw down[requestId];
        const next = decide(requestRecord(owner, { requestId, dependents: stored[requestId] }));
        if (next?.dependents) stored[requestId] = [...next.dependents];
      },
    },
    idempotency: {
      async releaseReservation(reservation: { key: string }) {
        calls.push(["release", reservation]);
        if (down[reservation.key]) throw down[reservation.key];
      },
    },
    onNonFatalError: (error: unknown) => ignored.push(error),
  } as unknown as StoreRequestDeps;
  const place = async (...prepared: PreparedRequest[]) => {
    const refused = await placeDependents(deps, prepared);
    return Object.fromEntries(
      [...refused].map(([id, { code, message }]) => [id, { code, message }]),
    );
  };
  return { calls, ignored, stored, place };
}

/** A request that depends on another one; its key is that of its id. */
function dependent(requestId: string, on?: string, { hasKey = true } = {}): PreparedRequest {
  const dependsOn = on === undefined ? undefined : dependencyOf(on);
  const reservation = { clientId: owner.clientId, key: `key of ${requestId}` };
  return {
    request: requestRecord(owner, { requestId, status: "SCHEDULED", dependsOn }),
    ...(hasKey ? { reservation: { ...reservation, requestId, callId: "call" } } : {}),
    context: { nowMs, nowRealMs: nowMs, rules },
  };
}

const dependencyOf = (requestId: string): Dependency => ({
  ...{ requestId, on: "succeeded", untilMs: nowMs + 1, afterMs: 0 },
  ...{ eventSinceMs: 0, unlessSinceMs: 0, ancestors: [requestId], keys: [] },
});
const some = (count: number) => Array.from({ length: count }, (_, n) => `earlier ${n}`);

test("Requests that depend on none cause no write", async () => {
  const { calls, place } = setUp({});
  expect(await place(dependent("a"), dependent("b"))).toEqual({});
  expect(await place()).toEqual({});
  expect(calls).toEqual([]);
});

test("Requests are registered in order, by one write for each request that they depend on", async () => {
  const { calls, stored, place } = setUp({ first: ["earlier"], second: [] });
  const refused = await place(
    dependent("a", "first"),
    dependent("b", "second"),
    dependent("c", "first"),
    dependent("d"),
  );
  expect(refused).toEqual({});
  expect(stored).toEqual({ first: ["earlier", "a", "c"], second: ["b"] });
  // As many other calls as there are places may come first.
  expect(calls).toEqual([
    ["change", "first", 100],
    ["change", "second", 100],
  ]);
});

test("The first requests get the places that are left, and the keys of the others are released", async () => {
  const { calls, stored, place } = setUp({ first: some(99), second: [] });
  const third = dependent("c", "first");
  const refused = await place(
    ...[dependent("a", "first"), dependent("b", "second"), third],
    dependent("d", "first", { hasKey: false }),
  );
  expect(refused).toEqual({ c: full, d: full });
  expect(stored).toEqual({ first: [...some(99), "a"], second: ["b"] });
  expect(calls.filter(([name]) => name === "release")).toEqual([["release", third.reservation]]);
});

test("A request is refused although its key cannot be released, which is reported", async () => {
  const { ignored, place } = setUp({ first: some(100) }, { "key of a": noTable });
  expect(await place(dependent("a", "first"))).toEqual({ a: full });
  expect(ignored).toEqual([noTable]);
});

test("Where the write fails, all of its requests are refused and keep their keys, and the others are placed", async () => {
  const { calls, stored, ignored, place } = setUp({ first: [], second: [] }, { first: noTable });
  const refused = await place(
    ...[dependent("a", "first"), dependent("b", "second"), dependent("c", "first")],
  );
  const failure = { code: "DEPENDENCY_DOWN", message: "no table" };
  expect(refused).toEqual({ a: failure, c: failure });
  expect(stored).toEqual({ first: [], second: ["b"] });
  expect(calls.map(([name]) => name)).toEqual(["change", "change"]);
  expect(ignored).toEqual([]);
});

test("An error that is no failure of the requests is thrown", async () => {
  const bug = new TypeError("a bug");
  const { place } = setUp({ first: [] }, { first: bug });
  await expect(place(dependent("a", "first"))).rejects.toBe(bug);
});
