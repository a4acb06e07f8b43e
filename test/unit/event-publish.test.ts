import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import type {
  EventClaimResult,
  EventClaims,
  PublishResult,
} from "../../shared/core/events/ports.ts";
import { makePublishEvent, publishClaimed } from "../../shared/core/events/publish-claimed.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const eventOf = (n: number): FinalEvent => ({
  ...{ id: `e:${n}`, type: "workflow.completed", clientId: "cl_1", envelope: `{"n":${n}}` },
});
const throttled: PublishResult = { ok: false, reason: "ThrottlingException", isFinal: false };
const malformed: PublishResult = { ok: false, reason: "MalformedDetail", isFinal: true };
const noTable = new Failure("DEPENDENCY_DOWN", "no table");
const bug = new TypeError("a bug");

/** Claims that note their calls, and a bus that answers with these results. */
function setUp(results: PublishResult[], faulty: Partial<EventClaims> = {}) {
  const calls: unknown[] = [];
  const noting =
    (name: string, answer?: unknown) =>
    async (...of: unknown[]) => {
      calls.push([name, ...of]);
      return answer;
    };
  const claims = {
    complete: noting("complete", "completed"),
    release: noting("release"),
    removeFromOutbox: noting("removeFromOutbox"),
    ...faulty,
  } as unknown as EventClaims;
  const publisher = {
    async publish(events: readonly FinalEvent[]) {
      calls.push(["publish", events]);
      return results;
    },
  };
  return { calls, claims, publisher };
}

describe("The publishing of claimed events", () => {
  const one = [eventOf(1)];

  test("All are published by one call, and each is recorded for its owner", async () => {
    const { calls, ...deps } = setUp([{ ok: true }, { ok: true }]);
    const events = [eventOf(1), eventOf(2)];
    expect(await publishClaimed(deps, "worker", events)).toStrictEqual([
      { kind: "published" },
      { kind: "published" },
    ]);
    expect(calls).toStrictEqual([
      ["publish", events],
      ["complete", "e:1", "worker"],
      ["complete", "e:2", "worker"],
    ]);
  });

  test("One whose claim had expired is reported, because another worker may publish it again", async () => {
    const { calls, ...deps } = setUp([{ ok: true }], { complete: async () => "lost" });
    expect(await publishClaimed(deps, "worker", one)).toStrictEqual([
      {
        ...{ kind: "failed", code: "CLAIM_LOST" },
        detail: "published, but the claim had expired: another worker may publish it again",
      },
    ]);
    expect(calls).toHaveLength(1);
  });

  test.each([
    ["of the store", noTable, { code: "DEPENDENCY_DOWN", detail: "no table" }],
    ["of a bug", bug, { code: "INTERNAL_ERROR", detail: "TypeError", error: bug }],
  ])("One that could not be recorded because %s is reported as published", async (...row) => {
    const [, error, { detail, ...expected }] = row;
    const deps = setUp([{ ok: true }], { complete: () => Promise.reject(error) });
    expect(await publishClaimed(deps, "worker", one)).toStrictEqual([
      { kind: "failed", ...expected, detail: `published, not recorded: ${detail}` },
    ]);
  });

  const noResult = "EventBridge returned no result for this event";
  test.each([
    ["It was not taken", [throttled], "PUBLISH_FAILED", "ThrottlingException", "release"],
    ["It is never taken", [malformed], "PUBLISH_REFUSED", "MalformedDetail", "removeFromOutbox"],
    ["It has no result", [], "PUBLISH_FAILED", noResult, "release"],
  ])("%s: its claim is ended, and the failure names the reason", async (...row) => {
    const [, results, code, detail, ended] = row;
    const { calls, ...deps } = setUp(results);
    expect(await publishClaimed(deps, "worker", one)).toStrictEqual([
      { kind: "failed", code, detail },
    ]);
    expect(calls.slice(1)).toStrictEqual([[ended, "e:1", "worker"]]);
  });

  test.each([
    ["of the store", noTable, "no table", {}],
    ["of a bug", bug, "TypeError", { error: bug }],
  ])("A claim that cannot be ended because %s expires, and the code stays", async (...row) => {
    const [, error, detail, expected] = row;
    const deps = setUp([throttled], { release: () => Promise.reject(error) });
    expect(await publishClaimed(deps, "worker", one)).toStrictEqual([
      {
        ...{ kind: "failed", code: "PUBLISH_FAILED", ...expected },
        detail: `ThrottlingException; releasing its claim failed: ${detail}`,
      },
    ]);
  });

  test("An event that fails keeps no other one of the batch from being recorded", async () => {
    const { calls, ...deps } = setUp([throttled, { ok: true }]);
    const outcomes = await publishClaimed(deps, "worker", [eventOf(1), eventOf(2)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["failed", "published"]);
    expect(calls).toContainEqual(["complete", "e:2", "worker"]);
  });
});

describe("An event that is stored and published", () => {
  const LEASE_MS = 30_000;

  function setUpEvent(claimed: EventClaimResult | Error, results: PublishResult[] = []) {
    const clock = makeTestClock();
    clock.passBusiness(86_400_000);
    const errors: unknown[] = [];
    const claimCalls: unknown[] = [];
    const { calls, ...deps } = setUp(results, {
      async claim(...of) {
        claimCalls.push(of);
        if (claimed instanceof Error) throw claimed;
        return claimed;
      },
    });
    const publish = makePublishEvent({
      ...{ ...deps, clock, leaseMs: LEASE_MS },
      newOwner: () => "worker",
      onNonFatalError: (error) => errors.push(error),
    });
    return { calls, claimCalls, clock, errors, publish };
  }

  test("It is claimed until the end of the lease, and published in the bytes of its first claim", async () => {
    const first = { ...eventOf(1), envelope: '{"first":1}' };
    const { calls, claimCalls, clock, errors, publish } = setUpEvent(
      { kind: "granted", event: first },
      [{ ok: true }],
    );
    expect(await publish(eventOf(1))).toBeUndefined();
    const lease = { owner: "worker", untilMs: clock.realMs() + LEASE_MS };
    expect(claimCalls).toStrictEqual([[eventOf(1), lease]]);
    expect(calls).toStrictEqual([
      ["publish", [first]],
      ["complete", "e:1", "worker"],
    ]);
    expect(errors).toEqual([]);
  });

  test.each<[string, EventClaimResult]>([
    ["another worker holds", { kind: "held", untilMs: 1 }],
    ["is on the bus", { kind: "done", envelope: "{}" }],
  ])("One that %s is not published", async (_, claimed) => {
    const { calls, publish } = setUpEvent(claimed);
    expect(await publish(eventOf(1))).toBeUndefined();
    expect(calls).toEqual([]);
  });

  test("One that the bus does not take is reported, and left to the sweep", async () => {
    const { errors, publish } = setUpEvent({ kind: "granted", event: eventOf(1) }, [throttled]);
    expect(await publish(eventOf(1))).toBeUndefined();
    expect(errors).toMatchObject([
      { name: "Failure", code: "PUBLISH_FAILED", message: "ThrottlingException" },
    ]);
  });

  test("One that may not be stored is the caller's error", async () => {
    await expect(setUpEvent(noTable).publish(eventOf(1))).rejects.toBe(noTable);
  });
});
