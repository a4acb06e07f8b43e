import { expect, test } from "vitest";
import type {
  CorrelatedEvent,
  CorrelationStore,
} from "../../../shared/core/requests/state/correlation-ports.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { newOwner } from "../../support/payloads/request-records.ts";

type Clock = ReturnType<typeof makeTestClock>;

/** What every store of events and their watchers promises. */
export function correlationStoreSuite(
  where: string,
  open: (of: { clock: Clock; retentionMs: number }) => Promise<{ correlations: CorrelationStore }>,
): void {
  const keys = ["a", "b", "c"].map((letter) => letter.repeat(32));
  const [keyA = "", keyB = "", keyC = ""] = keys;

  async function opened() {
    const clock = makeTestClock();
    const { correlations } = await open({ clock, retentionMs: 100_000 });
    const { connectionId } = newOwner();
    const nowMs = clock.businessMs();
    const event = (of: Partial<CorrelatedEvent> = {}): CorrelatedEvent => ({
      connectionId,
      type: "message.reply",
      eventId: "e1",
      keys: [keyA],
      receivedMs: nowMs,
      ...of,
    });
    const find = (of: Partial<Parameters<CorrelationStore["findEvents"]>[0]> = {}) =>
      correlations.findEvents({
        ...{ connectionId, keys: [keyA], type: "message.reply", sinceMs: nowMs },
        ...of,
      });
    return { clock, correlations, connectionId, nowMs, event, find };
  }

  test(`${where}: an event is found by each of its keys, and by no other`, async () => {
    const { correlations, event, find, nowMs } = await opened();
    await correlations.recordEvent(event({ keys: [keyA, keyB], accountId: "acc" }));
    const found = { receivedMs: nowMs, accountId: "acc" };
    expect(await find({ keys: [keyA] })).toEqual([found]);
    expect(await find({ keys: [keyC, keyB] })).toEqual([found]);
    expect(await find({ keys: [keyC] })).toEqual([]);
    expect(await find({ connectionId: "another" })).toEqual([]);
    expect(await find({ type: "connection.accepted" })).toEqual([]);
  });

  test(`${where}: events count from a time on, and a later one does not hide an earlier one`, async () => {
    const { correlations, event, find, nowMs } = await opened();
    await correlations.recordEvent(event({ eventId: "late", receivedMs: nowMs + 5_000 }));
    await correlations.recordEvent(event({ eventId: "early", receivedMs: nowMs - 5_000.25 }));
    const times = (await find({ sinceMs: nowMs - 10_000 })).map(({ receivedMs }) => receivedMs);
    expect(times.sort()).toEqual([nowMs - 5_000.25, nowMs + 5_000]);
    expect(await find({ sinceMs: nowMs - 5_000.25 })).toHaveLength(2);
    expect(await find({ sinceMs: nowMs - 5_000 })).toHaveLength(1);
    expect(await find({ sinceMs: nowMs + 5_001 })).toEqual([]);
  });

  test(`${where}: a copy of an event that was received before does not count as a later one`, async () => {
    const { correlations, event, find, nowMs } = await opened();
    await correlations.recordEvent(event({ eventId: "one", receivedMs: nowMs - 5_000 }));
    await correlations.recordEvent(event({ eventId: "one", receivedMs: nowMs + 5_000 }));
    await correlations.recordEvent(event({ eventId: "other", receivedMs: nowMs + 6_000 }));
    const times = (await find({ sinceMs: nowMs })).map(({ receivedMs }) => receivedMs);
    expect(times).toEqual([nowMs + 6_000]);
    expect(await find({ sinceMs: nowMs - 5_000 })).toHaveLength(3);
  });

  test(`${where}: an event that is recorded again is not lost, and is forgotten after its time`, async () => {
    const { correlations, event, find, clock } = await opened();
    for (let times = 0; times < 2; times++) await correlations.recordEvent(event());
    expect(new Set((await find()).map(({ receivedMs }) => receivedMs)).size).toBe(1);
    clock.passBusiness(102_000);
    expect(await find()).toEqual([]);
  });

  test(`${where}: requests that watch a key are found by it, each once, until their time`, async () => {
    const { correlations, connectionId, clock, nowMs } = await opened();
    const watch = (requestId: string, of: string[], untilMs: number) =>
      correlations.watch({ connectionId, requestId, keys: of, untilMs });
    await watch("rq_1", [keyA, keyB], nowMs + 10_000);
    await watch("rq_1", [keyB], nowMs + 10_000);
    await watch("rq_2", [keyB], nowMs + 60_000);
    const watchers = async (of: string[]) =>
      (await correlations.findWatchers({ connectionId, keys: of })).sort();
    expect(await watchers([keyA, keyB])).toEqual(["rq_1", "rq_2"]);
    expect(await watchers([keyA])).toEqual(["rq_1"]);
    expect(await watchers([keyC])).toEqual([]);
    clock.passBusiness(12_000);
    expect(await watchers([keyA, keyB])).toEqual(["rq_2"]);
  });

  test(`${where}: an event and a watcher of one key do not replace each other`, async () => {
    const { correlations, connectionId, event, find, nowMs } = await opened();
    await correlations.watch({
      ...{ connectionId, requestId: "rq_1", keys: [keyA] },
      untilMs: nowMs + 10_000,
    });
    await correlations.recordEvent(event());
    expect(await find()).toHaveLength(1);
    expect(await correlations.findWatchers({ connectionId, keys: [keyA] })).toEqual(["rq_1"]);
  });
}
