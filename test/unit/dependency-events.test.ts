import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { requestKey } from "../../shared/core/providers/correlation.ts";
import {
  findReleasingEvent,
  findStoppingEvent,
  makeFindStop,
} from "../../shared/core/requests/dependencies/dependency-events.ts";
import type {
  CorrelationStore,
  FoundEvent,
} from "../../shared/core/requests/state/correlation-ports.ts";
import type { Dependency, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const owner = newOwner();
const { connectionId, accountId } = owner;
const dependsOn: Dependency = {
  ...{ requestId: "rq_2", on: "event", event: "connection.accepted", unless: "message.reply" },
  ...{ untilMs: 1_000, afterMs: 0, eventSinceMs: 22, unlessSinceMs: 11 },
  ...{ ancestors: ["rq_2", "rq_1", "rq_gone"], keys: [] },
};
const requestOf = (of: Partial<RequestRecord> = {}) =>
  requestRecord(owner, { dependsOn, correlationKeys: ["person"], ...of });
/** What is known of a request that waits for nothing and is stopped by nothing. */
const { event: _, unless: __, ...withoutEvents } = dependsOn;

/** Events that were found, and the calls that looked for them. */
function setUp(found: FoundEvent[] = []) {
  const calls: unknown[] = [];
  const correlations = {
    async findEvents(of: unknown) {
      calls.push(of);
      return found;
    },
  } as unknown as CorrelationStore;
  return { calls, correlations };
}

describe.each([
  ["releases", findReleasingEvent, { type: "connection.accepted", sinceMs: 22 }, "eventSinceMs"],
  ["stops", findStoppingEvent, { type: "message.reply", sinceMs: 11 }, "unlessSinceMs"],
] as const)("The event that %s a request", (_name, find, looked, since) => {
  test("It is looked for by the keys of the ancestors and of the request, each once", async () => {
    const { calls, correlations } = setUp();
    const keys = ["ancestor", "person", "ancestor"];
    const request = requestOf({ providerRequestId: "theirs" });
    expect(await find(correlations, request, keys)).toBeUndefined();
    const all = ["ancestor", "person", requestKey("theirs")];
    expect(calls).toEqual([{ ...looked, connectionId, keys: all }]);
  });

  test("It is the first one of those that name the account or none", async () => {
    const { correlations } = setUp([
      ...[{ receivedMs: 40, accountId }, { receivedMs: 30 }, { receivedMs: 50, accountId }],
      { receivedMs: 20, accountId: "another" },
    ]);
    expect(await find(correlations, requestOf(), [])).toBe(30);
  });

  test("Events of other accounts alone are none", async () => {
    const { correlations } = setUp([{ receivedMs: 20, accountId: "another" }]);
    expect(await find(correlations, requestOf(), [])).toBeUndefined();
  });

  test.each([
    ["waits for no such event", requestOf({ dependsOn: withoutEvents })],
    ["depends on none", requestOf({ dependsOn: undefined })],
    ["is about nobody", requestOf({ correlationKeys: [] })],
  ])("Nothing is read for a request that %s", async (name, request) => {
    const { calls, correlations } = setUp([{ receivedMs: 30 }]);
    const keys = name === "is about nobody" ? [] : ["ancestor"];
    expect(await find(correlations, request, keys)).toBeUndefined();
    expect(calls).toEqual([]);
  });

  test("It counts from the beginning where an earlier version has stored no time", async () => {
    const { calls, correlations } = setUp();
    const stored = { ...dependsOn, [since]: undefined } as unknown as Dependency;
    await find(correlations, requestOf({ dependsOn: stored }), []);
    expect(calls).toEqual([{ ...looked, sinceMs: 0, connectionId, keys: ["person"] }]);
  });

  test("An event that cannot be read is no answer", async () => {
    const noTable = new Failure("DEPENDENCY_DOWN", "no table");
    const correlations = { findEvents: () => Promise.reject(noTable) } as unknown;
    const found = find(correlations as CorrelationStore, requestOf(), []);
    await expect(found).rejects.toBe(noTable);
  });
});

describe("The last look before a request is sent", () => {
  /** The ancestors rq_2 and rq_1, of which each has a key of its own. */
  function lookingWith(found: FoundEvent[]) {
    const { calls, correlations } = setUp(found);
    const requests = {
      async find(requestId: string) {
        calls.push(requestId);
        if (requestId === "rq_gone") return undefined;
        return requestRecord(owner, { requestId, correlationKeys: [`key of ${requestId}`] });
      },
    };
    return { calls, findStop: makeFindStop({ requests, correlations }) };
  }
  const looked = {
    ...{ connectionId, type: "message.reply", sinceMs: 11 },
    keys: ["key of rq_2", "key of rq_1", "person"],
  };

  test("An event about any request of the sequence is why it is not sent", async () => {
    const { calls, findStop } = lookingWith([{ receivedMs: 30 }]);
    expect(await findStop(requestOf())).toStrictEqual({
      code: "DEPENDENCY_STOPPED",
      message: "The event that `unless` names was received: the request was not sent",
    });
    expect(calls).toEqual(["rq_2", "rq_1", "rq_gone", looked]);
  });

  test("Without such an event it is sent", async () => {
    const { calls, findStop } = lookingWith([]);
    expect(await findStop(requestOf())).toBeUndefined();
    expect(calls).toEqual(["rq_2", "rq_1", "rq_gone", looked]);
  });

  test.each([undefined, withoutEvents])("With the dependency %j nothing is read", async (none) => {
    const { calls, findStop } = lookingWith([{ receivedMs: 30 }]);
    expect(await findStop(requestOf({ dependsOn: none }))).toBeUndefined();
    expect(calls).toEqual([]);
  });
});
