import { describe, expect, test } from "vitest";
import type { Connection } from "../../shared/core/connections/ports.ts";
import {
  makeRefusedMemory,
  type RefusedWebhooks,
} from "../../shared/core/inbound/refused-webhooks.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const noonMs = Date.parse(NOON);
const DAY_MS = 86_400_000;
const { signal } = new AbortController();
const iso = (ms: number) => new Date(ms).toISOString();

interface Refusal {
  connectionId?: string;
  stored?: RefusedWebhooks;
  address?: string | undefined;
  /** Since noon, business time. */
  atMs?: number;
  /** Since noon, real time. */
  atRealMs?: number;
}

/** One instance of `ingest`; `written` has what it has stored, the newest last. */
function setUp() {
  const written: [connectionId: string, refused: RefusedWebhooks][] = [];
  const signals: AbortSignal[] = [];
  const note = makeRefusedMemory(async (connectionId, refused, given) => {
    written.push([connectionId, refused]);
    signals.push(given);
  });
  const refuse = ({ connectionId = "cn_1", stored, address, atMs = 0, atRealMs = 0 }: Refusal) =>
    note({ connectionId, ...(stored ? { refused: stored } : {}) } as Connection, {
      ...{ address, nowMs: noonMs + atMs, nowRealMs: noonMs + atRealMs, signal },
    });
  const last = () => written.at(-1)?.[1];
  return { last, refuse, signals, written };
}

const storedWith = (of: Partial<RefusedWebhooks>): RefusedWebhooks => ({
  ...{ count: 1, since: NOON, lastAt: NOON, addresses: [] },
  ...of,
});

describe("What is stored of refused webhooks", () => {
  test("It has the count, the first and the last time, and where they came from", async () => {
    const { refuse, signals, written } = setUp();
    await refuse({ address: "192.0.2.1" });
    await refuse({ atMs: 7, atRealMs: 5_000, stored: written[0]?.[1] as RefusedWebhooks });
    expect(written).toStrictEqual([
      ["cn_1", { count: 1, since: NOON, lastAt: NOON, addresses: ["192.0.2.1"] }],
      ["cn_1", { count: 2, since: NOON, lastAt: iso(noonMs + 7), addresses: ["192.0.2.1"] }],
    ]);
    expect(signals).toEqual([signal, signal]);
  });

  test.each([undefined, ""])("One that came from nowhere adds no address: %j", async (address) => {
    const { last, refuse } = setUp();
    await refuse({ address });
    expect(last()?.addresses).toStrictEqual([]);
  });

  test("An address that is known is not added again", async () => {
    const { last, refuse } = setUp();
    const stored = storedWith({ addresses: ["192.0.2.1", "192.0.2.2"] });
    await refuse({ address: "192.0.2.1", stored });
    expect(last()?.addresses).toEqual(["192.0.2.1", "192.0.2.2"]);
  });

  test("Of six addresses the oldest one is left out", async () => {
    const { last, refuse } = setUp();
    const stored = storedWith({ addresses: ["1", "2", "3", "4", "5"] });
    await refuse({ address: "6", stored });
    expect(last()?.addresses).toEqual(["2", "3", "4", "5", "6"]);
  });
});

describe("When refused webhooks are stored", () => {
  test("The next write is five seconds after the last one, in real time", async () => {
    const { last, refuse, written } = setUp();
    await refuse({});
    await refuse({ atMs: DAY_MS - 1, atRealMs: 4_999 });
    expect(written).toHaveLength(1);
    await refuse({ atMs: DAY_MS, atRealMs: 5_000, stored: storedWith({}) });
    expect(written).toHaveLength(2);
    expect(last()?.count).toBe(3);
    await refuse({ atMs: DAY_MS, atRealMs: 9_999, stored: last() as RefusedWebhooks });
    expect(written).toHaveLength(2);
  });

  test("Each connection has times and counts of its own", async () => {
    const { refuse, written } = setUp();
    await refuse({});
    await refuse({ connectionId: "cn_2" });
    expect(written.map(([id, { count }]) => [id, count])).toEqual([
      ["cn_1", 1],
      ["cn_2", 1],
    ]);
  });

  test("A thousand connections are remembered; one more takes the place of the one that was refused longest ago", async () => {
    const { refuse, written } = setUp();
    for (let n = 0; n < 1_000; n++) await refuse({ connectionId: `cn_${n}` });
    await refuse({ connectionId: "cn_0" });
    expect(written).toHaveLength(1_000);
    await refuse({ connectionId: "cn_1000" });
    // All of them were written less than five seconds ago: only a forgotten one is written again.
    for (const n of [0, 2, 999, 1_000, 1]) await refuse({ connectionId: `cn_${n}` });
    expect(written.slice(1_000).map(([id]) => id)).toEqual(["cn_1000", "cn_1"]);
  });
});

describe("How refused webhooks are counted", () => {
  test.each([
    ["A millisecond before a day has passed the count goes on", DAY_MS - 1, 8, NOON],
    ["After a day without one it begins anew", DAY_MS, 1, iso(noonMs + DAY_MS)],
  ])("%s", async (_, atMs, count, since) => {
    const { last, refuse } = setUp();
    const stored = storedWith({ count: 7, addresses: ["192.0.2.1"] });
    await refuse({ stored, atMs });
    const addresses = count === 1 ? [] : ["192.0.2.1"];
    expect(last()).toStrictEqual({ count, since, lastAt: iso(noonMs + atMs), addresses });
  });

  test("The higher count wins, of this instance and of what another one has stored", async () => {
    const { last, refuse } = setUp();
    await refuse({});
    await refuse({ atRealMs: 1 });
    await refuse({ atRealMs: 5_000, stored: storedWith({ count: 9 }) });
    expect(last()?.count).toBe(10);
    await refuse({ atRealMs: 10_000, stored: storedWith({ count: 4 }) });
    expect(last()?.count).toBe(11);
  });

  test("A count that another instance has begun since counts, and not this one's", async () => {
    const { last, refuse } = setUp();
    for (let n = 0; n < 5; n++) await refuse({});
    const since = iso(noonMs + 1);
    await refuse({ atRealMs: 5_000, stored: storedWith({ count: 2, since }) });
    expect(last()).toMatchObject({ count: 3, since });
  });

  test("What was written so lately that it may not be read yet counts all the same", async () => {
    const { last, refuse } = setUp();
    await refuse({});
    await refuse({});
    const earlier = storedWith({ count: 1, since: iso(noonMs - 1) });
    await refuse({ atRealMs: 4_999, stored: earlier });
    await refuse({ atRealMs: 5_000, stored: storedWith({}) });
    expect(last()).toMatchObject({ count: 4, since: NOON });
  });

  test("It does not count where another instance has stored a higher count", async () => {
    const { last, refuse } = setUp();
    await refuse({});
    const stored = storedWith({ count: 7, since: iso(noonMs - 1) });
    await refuse({ atRealMs: 4_999, stored });
    await refuse({ atRealMs: 5_000, stored });
    expect(last()).toMatchObject({ count: 9, since: iso(noonMs - 1) });
  });
});
