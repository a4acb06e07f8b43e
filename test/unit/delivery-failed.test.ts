import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { DeliveryStore } from "../../shared/core/deliveries/state/ports.ts";
import {
  makePublishDeliveryFailed,
  type PublishDeliveryFailedDeps,
} from "../../shared/core/deliveries/state/publish-delivery-failed.ts";
import type { UnpublishedFailure } from "../../shared/core/deliveries/state/record.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import type { PublishResult } from "../../shared/core/events/ports.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryDeliveries } from "../support/memory/memory-deliveries.ts";
import { deliveryRecord } from "../support/payloads/delivery-records.ts";

const atMs = Date.UTC(2026, 5, 25, 11);
const failureOf = (cycle: number): UnpublishedFailure => ({
  ...{ cycle, attemptCount: 8, reason: "attempts_used", atMs },
});
const delivery = deliveryRecord({
  ...{ deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1", status: "failed" },
  ...{ unpublishedFailures: [failureOf(1)], sweepAtRealMs: 77 },
});
const throttled: PublishResult = { ok: false, reason: "throttled", isFinal: false };
const noTable = new Failure("DEPENDENCY_DOWN", "no table");
const down = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" };

/** The event of a failure, as it is published and archived. */
const eventOf = (cycle: number, deliveryId = "dl_1") => {
  const [id, type] = [`delivery.failed:${deliveryId}:${cycle}`, "delivery.failed"];
  const subject = { deliveryId, eventId: "workflow.created:rq_1", eventType: "workflow.created" };
  const data = { ...subject, webhookId: "wh_1", cycle, attempts: 8, reason: "attempts_used" };
  const envelope = JSON.stringify({ id, type, createdAt: new Date(atMs).toISOString(), data });
  return { id, type, clientId: "cl_1", envelope };
};

interface Given {
  /** The result of each event. */
  results?: PublishResult[];
  /** Ports that do not answer. */
  down?: ("publish" | "archive" | "find")[];
  /** How often another write of the delivery comes first. */
  conflicts?: number;
  /** The delivery that cannot be written. */
  unwritable?: string;
}

/** Deliveries in memory; the calls of the other ports are noted in their order. */
async function setUp(given: Given = {}, stored = [delivery]) {
  const calls: unknown[][] = [];
  const memory = makeMemoryDeliveries({ clock: makeTestClock() }).deliveries;
  const known = stored.map((one) => ({ ...one, version: 1 }));
  for (const one of stored) await memory.create({ ...one, version: 0 });
  let conflicts = given.conflicts ?? 0;
  const call = (name: "publish" | "archive" | "find", of: unknown) => {
    calls.push([name, of]);
    if (given.down?.includes(name)) throw noTable;
  };
  const deliveries: DeliveryStore = {
    ...memory,
    async find(id) {
      call("find", id);
      return memory.find(id);
    },
    async replace(next) {
      if (next.deliveryId === given.unwritable) throw noTable;
      if (conflicts-- > 0) {
        const now = await memory.find(next.deliveryId);
        if (now) await memory.replace({ ...now, attemptsInCycle: now.attemptsInCycle + 1 });
      }
      return memory.replace(next);
    },
  };
  const publish = makePublishDeliveryFailed({
    deliveries,
    publisher: {
      async publish(events: readonly FinalEvent[]) {
        call("publish", events);
        return given.results ?? events.map((): PublishResult => ({ ok: true }));
      },
    },
    archive: { store: async (events: readonly FinalEvent[]) => call("archive", events) },
    onDeliveriesFailed: (count: number) => calls.push(["count", count]),
  } as unknown as PublishDeliveryFailedDeps);
  return { calls, known, memory, publish };
}

describe("The failures of deliveries", () => {
  test("A failure is published, archived and counted before it is recorded as published", async () => {
    const { calls, known, memory, publish } = await setUp();
    expect(await publish(known)).toStrictEqual({ published: 1, failures: [] });
    expect(calls).toStrictEqual([
      ["publish", [eventOf(1)]],
      ["archive", [eventOf(1)]],
      ["count", 1],
    ]);
    expect(await memory.find("dl_1")).toStrictEqual({
      ...{ ...delivery, unpublishedFailures: [], sweepAtRealMs: undefined, version: 2 },
    });
  });

  test("All failures are published by one call, each cycle's as an event of its own", async () => {
    const two = { ...delivery, unpublishedFailures: [failureOf(1), failureOf(2)] };
    const other = { ...delivery, deliveryId: "dl_2" };
    const { calls, known, memory, publish } = await setUp({}, [two, other]);
    expect(await publish(known)).toStrictEqual({ published: 3, failures: [] });
    const events = [eventOf(1), eventOf(2), eventOf(1, "dl_2")];
    expect(calls).toStrictEqual([
      ["publish", events],
      ["archive", events],
      ["count", 3],
    ]);
    const versions = await Promise.all(["dl_1", "dl_2"].map((id) => memory.find(id)));
    expect(versions.map((one) => one?.version)).toEqual([2, 2]);
  });

  test("Deliveries without failures call nobody", async () => {
    const { calls, publish } = await setUp();
    const none = { ...delivery, unpublishedFailures: [] };
    expect(await publish([none])).toStrictEqual({ published: 0, failures: [] });
    expect(calls).toEqual([]);
  });

  test("A failure that the bus does not take stays, with the time of its sweep", async () => {
    const two = { ...delivery, unpublishedFailures: [failureOf(1), failureOf(2)] };
    const results: PublishResult[] = [throttled, { ok: true }];
    const { calls, known, memory, publish } = await setUp({ results }, [two]);
    expect(await publish(known)).toStrictEqual({
      published: 1,
      failures: [{ kind: "failed", code: "PUBLISH_FAILED", detail: "throttled" }],
    });
    expect(calls.slice(1)).toStrictEqual([
      ["archive", [eventOf(2)]],
      ["count", 1],
    ]);
    expect(await memory.find("dl_1")).toMatchObject({
      ...{ unpublishedFailures: [failureOf(1)], sweepAtRealMs: 77 },
    });
  });

  test("While the bus takes none, nothing is counted or recorded", async () => {
    const { calls, known, memory, publish } = await setUp({ results: [throttled] });
    expect(await publish(known)).toMatchObject({ published: 0, failures: [{}] });
    expect(calls.map(([name]) => name)).toEqual(["publish", "archive"]);
    expect(await memory.find("dl_1")).toMatchObject({ version: 1 });
  });
});

describe("A port that does not answer while failures are published", () => {
  test.each([
    ["The bus", "publish", 1],
    ["The archive", "archive", 2],
  ] as const)("%s: every failure stays, and none is counted", async (_, name, count) => {
    const two = { ...delivery, unpublishedFailures: [failureOf(1), failureOf(2)] };
    const { calls, known, memory, publish } = await setUp({ down: [name] }, [two]);
    expect(await publish(known)).toStrictEqual({ published: 0, failures: [down, down] });
    expect(calls).toHaveLength(count);
    expect(await memory.find("dl_1")).toMatchObject({ version: 1 });
  });

  test("The store: it was published, and is published again", async () => {
    const { calls, known, publish } = await setUp({ down: ["find"], conflicts: 1 });
    expect(await publish(known)).toStrictEqual({ published: 0, failures: [down] });
    expect(calls.at(-2)).toEqual(["count", 1]);
  });
});

describe("The record that a failure is published", () => {
  test("It keeps what another writer has changed meanwhile", async () => {
    const { calls, known, memory, publish } = await setUp({ conflicts: 4 });
    expect(await publish(known)).toStrictEqual({ published: 1, failures: [] });
    expect(await memory.find("dl_1")).toMatchObject({
      ...{ unpublishedFailures: [], attemptsInCycle: 4, version: 6 },
    });
    expect(calls.filter(([name]) => name === "find")).toHaveLength(4);
  });

  test("After five writes of others it is left to the sweep", async () => {
    const { known, memory, publish } = await setUp({ conflicts: 5 });
    expect(await publish(known)).toStrictEqual({ published: 1, failures: [] });
    expect(await memory.find("dl_1")).toMatchObject({
      ...{ unpublishedFailures: [failureOf(1)], attemptsInCycle: 5, version: 6 },
    });
  });

  test("A delivery that cannot be written keeps its failures, and those of the others are recorded", async () => {
    const two = { ...delivery, unpublishedFailures: [failureOf(1), failureOf(2)] };
    const other = { ...delivery, deliveryId: "dl_2" };
    // The write of the other one is repeated, and ends after the one that fails.
    const given = { unwritable: "dl_1", conflicts: 1 };
    const { calls, known, memory, publish } = await setUp(given, [two, other]);
    expect(await publish(known)).toStrictEqual({ published: 1, failures: [down, down] });
    expect(await memory.find("dl_1")).toMatchObject({
      ...{ unpublishedFailures: [failureOf(1), failureOf(2)], sweepAtRealMs: 77, version: 1 },
    });
    expect(await memory.find("dl_2")).toMatchObject({ unpublishedFailures: [], version: 3 });
    expect(calls).toContainEqual(["count", 3]);
  });

  test("Where another worker has recorded it, nothing is written", async () => {
    const { known, memory, publish } = await setUp();
    const [read] = known;
    if (!read) throw new Error("There is no delivery");
    await memory.replace({ ...read, unpublishedFailures: [] });
    expect(await publish(known)).toStrictEqual({ published: 1, failures: [] });
    expect(await memory.find("dl_1")).toMatchObject({ unpublishedFailures: [], version: 2 });
  });
});
