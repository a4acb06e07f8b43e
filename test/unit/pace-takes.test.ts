import { describe, expect, test } from "vitest";
import {
  addTake,
  countSince,
  readTakes,
  removeTake,
  type Take,
  tickSecondsOf,
  timeOfOldest,
  writeTakes,
} from "../../shared/core/pace/takes.ts";
import { DAY_MS, HOUR_MS } from "../../shared/core/pace/windows.ts";

const take = (atSeconds: number, count = 1): Take => ({ atSeconds, count });

describe("The text of submissions", () => {
  test.each([
    [0, 0],
    [1, 10],
    [10_000, 10],
    [10_001, 20],
  ])("A submission at %i ms is recorded at %i seconds, the next tick", (atMs, expected) => {
    expect(tickSecondsOf(atMs)).toBe(expected);
  });

  test.each([
    ["", []],
    ["a", [take(100)]],
    ["a.5:z", [take(100), take(150, 35)]],
    ["10:10.1", [take(360, 36), take(370)]],
  ])("The text %j means %j, in both directions", (text, takes) => {
    expect(readTakes(text, 0)).toEqual(takes);
    expect(writeTakes(takes)).toBe(text);
  });

  test("The longest entries are read", () => {
    const [ticks, count] = [36 ** 8 - 1, 36 ** 5 - 1];
    const both = [take(ticks * 10, count), take(ticks * 20, count)];
    expect(readTakes("zzzzzzzz:zzzzz.zzzzzzzz:zzzzz", 0)).toEqual(both);
  });

  test.each(["a:zzzzzz", "a.zzzzzzzzz", "a.1:zzzzzz", ".a", "a.", "A", "?a", "a?", "a:1:1"])(
    "The unreadable text %s counts as a million submissions, at the time that is given",
    (text) => {
      expect(readTakes(text, 90_001)).toEqual([take(100, 1_000_000)]);
    },
  );
});

describe("Adding a submission", () => {
  const roomy = { horizonMs: 100_000, windowsMs: [DAY_MS], maxEntries: 10 };

  test("Submissions as old as the horizon are dropped, and younger ones are kept", () => {
    expect(addTake([take(100), take(110)], 200_000, roomy)).toEqual([take(110), take(200)]);
  });

  test.each([
    ["in the same tick", 195_001, [take(200, 3)]],
    ["at the end of the tick", 200_000, [take(200, 3)]],
    ["after the tick", 200_001, [take(200, 2), take(210)]],
    ["while the clock is behind", 150_000, [take(200, 3)]],
  ])("Another submission %s is counted too", (_, atMs, expected) => {
    const before = [take(200, 2)];
    expect(addTake(before, atMs, roomy)).toEqual(expected);
    expect(before).toEqual([take(200, 2)]);
  });

  test("The first submission is a take of its own", () => {
    expect(addTake([], 200_000, roomy)).toEqual([take(200)]);
  });
});

describe("Merging takes", () => {
  /** Adds a submission to takes of which one is too many then. */
  const added = (takes: readonly Take[], atSeconds: number, windowsMs: readonly number[]) =>
    addTake(takes, atSeconds * 1_000, {
      horizonMs: 30 * DAY_MS,
      windowsMs,
      maxEntries: takes.length,
    });

  test("As many takes as are kept are not merged", () => {
    const keep = { horizonMs: DAY_MS, windowsMs: [DAY_MS], maxEntries: 3 };
    const three = [take(1_000), take(2_000), take(3_000)];
    expect(addTake(three.slice(0, 2), 3_000_000, keep)).toEqual(three);
  });

  test("The two takes are merged of which the first one is delayed least", () => {
    const takes = [take(1_000), take(3_000), take(3_100), take(3_200)];
    expect(added(takes, 5_000, [DAY_MS])).toEqual([
      take(1_000),
      take(3_000),
      take(3_200, 2),
      take(5_000),
    ]);
  });

  test("Of takes that can be merged equally well, the oldest ones are", () => {
    const takes = [take(1_000, 5), take(1_100), take(1_200)];
    expect(added(takes, 1_300, [DAY_MS])).toEqual([take(1_000, 5), take(1_200, 2), take(1_300)]);
  });

  test.each([
    [12_010, [take(11_000, 5), take(12_010)]],
    [11_990, [take(10_000, 3), take(11_990, 3)]],
  ])(
    "The oldest take counts as dense as the next one: after one at %i, they are %j",
    (atSeconds, expected) => {
      const takes = [take(10_000, 3), take(11_000, 2)];
      expect(added(takes, atSeconds, [DAY_MS])).toEqual(expected);
    },
  );

  test("A delay counts relative to the window that the takes are in", () => {
    const takes = [take(79_000), take(90_000), take(99_000)];
    expect(added(takes, 100_000, [HOUR_MS, DAY_MS])).toEqual([
      take(90_000, 2),
      take(99_000),
      take(100_000),
    ]);
    expect(added(takes, 100_000, [DAY_MS])).toEqual([take(79_000), take(90_000), take(100_000, 2)]);
  });

  test.each([
    ["has left a window", 96_400, [HOUR_MS, DAY_MS], [take(96_400, 5), take(100_000)]],
    ["is in its window", 96_410, [HOUR_MS, DAY_MS], [take(94_410, 4), take(100_000, 2)]],
    ["has left all windows", 96_400, [HOUR_MS], [take(96_400, 5), take(100_000)]],
  ])(
    "A take that %s, at %i, is merged by how much of its window that delays it",
    (_, atSeconds, windowsMs, expected) => {
      const takes = [take(atSeconds - 2_000, 4), take(atSeconds)];
      expect(added(takes, 100_000, windowsMs)).toEqual(expected);
    },
  );

  test("Takes are merged until there are no more than are kept", () => {
    const keep = { horizonMs: DAY_MS, windowsMs: [DAY_MS], maxEntries: 2 };
    const takes = [take(1_000), take(2_000), take(3_000)];
    expect(addTake(takes, 4_000_000, keep)).toEqual([take(3_000, 3), take(4_000)]);
  });
});

describe("Removing a submission", () => {
  const takes = [take(100), take(200, 3), take(300)];

  test.each([
    ["alone in its take", 95_000, [take(200, 3), take(300)]],
    ["one of several", 200_000, [take(100), take(200, 2), take(300)]],
    ["merged with later ones", 150_000, [take(100), take(200, 2), take(300)]],
    ["later than all", 300_001, takes],
  ])("A submission that was %s is removed if it is there", (_, atMs, expected) => {
    expect(removeTake(takes, atMs)).toEqual(expected);
  });
});

describe("Counting submissions", () => {
  const takes = [take(100), take(200, 3), take(300, 2)];

  test.each([
    [0, 6],
    [99_999, 6],
    [100_000, 5],
    [199_999, 5],
    [200_000, 2],
    [300_000, 0],
  ])("Since %i ms, without that time itself, there were %i", (sinceMs, expected) => {
    expect(countSince(takes, sinceMs)).toBe(expected);
  });

  test.each([
    [99_999, 1, 100_000],
    [100_000, 1, 200_000],
    [100_000, 3, 200_000],
    [100_000, 4, 300_000],
    [100_000, 5, 300_000],
    [100_000, 6, Number.POSITIVE_INFINITY],
  ])("Since %i ms, the oldest %i had been made at %s ms", (sinceMs, excess, expected) => {
    expect(timeOfOldest(takes, sinceMs, excess)).toBe(expected);
  });
});
