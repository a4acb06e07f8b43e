import { describe, expect, test } from "vitest";
import { afterTake } from "../../shared/core/pace/after-take.ts";
import { writeTakes } from "../../shared/core/pace/takes.ts";
import { noUsage, type Usage } from "../../shared/core/pace/usage.ts";
import { GAP_MS, settingsWith } from "../support/pace/pace-settings.ts";

const category = "stMessages";
const startMs = Date.parse("2026-11-23T09:00:00Z");
const taken = { category, atMs: startMs, eligibleSinceMs: startMs } as const;

describe("What a submission changes", () => {
  test("The first submission counts in its category and in `any`, and has no lateness", () => {
    const text = writeTakes([{ atSeconds: startMs / 1_000, count: 1 }]);
    expect(afterTake(settingsWith(), noUsage, taken)).toStrictEqual({
      takes: { stMessages: text, any: text },
      nextMs: {},
      takeCounts: { stMessages: 1, any: 1 },
      lastTakeMs: startMs,
    });
  });

  test("Due times that are later than the submission are kept, and the others are dropped", () => {
    const nextMs = {
      stPosts: startMs + 1,
      stComments: startMs,
      stReactions: startMs - 1,
      stMessages: startMs + 5,
    };
    const usage = afterTake(settingsWith(), { ...noUsage, nextMs }, taken);
    expect(usage.nextMs).toStrictEqual({ stPosts: startMs + 1, stMessages: startMs + 5 });
  });

  test("The due time of the submission's category is replaced by its new one", () => {
    const coolDowns = { stMessages: { minMs: 60_000, maxMs: 60_000 } };
    const before = { ...noUsage, nextMs: { stMessages: startMs + 5 } };
    const usage = afterTake(settingsWith({ coolDowns }), before, taken);
    expect(usage.nextMs).toStrictEqual({ stMessages: startMs + 60_000 });
  });

  test("A limit of any category makes the next submission of every category due later", () => {
    const limits = [{ category: "any", per: "day", max: 1 }] as const;
    const { nextMs } = afterTake(settingsWith({ limits }), noUsage, taken);
    expect(Object.keys(nextMs)).toEqual(["any"]);
    expect(nextMs.any).toBeGreaterThan(startMs);
  });

  test("The warm-up keeps the time of its first submission", () => {
    const settings = settingsWith({ warmUp: { days: 10, from: 0.2 } });
    const first = afterTake(settings, noUsage, taken);
    const second = afterTake(settings, first, { ...taken, atMs: startMs + 60_000 });
    expect(first.warmUpStartedMs).toBe(startMs);
    expect(second).toMatchObject({ warmUpStartedMs: startMs, lastTakeMs: startMs + 60_000 });
  });

  test("Without a warm-up, the start of an earlier one is forgotten", () => {
    const before = { ...noUsage, warmUpStartedMs: startMs - 1 };
    const usage = afterTake(settingsWith(), before, taken);
    expect(usage).not.toHaveProperty("warmUpStartedMs");
  });
});

describe("The lateness after a submission", () => {
  const gapEndMs = startMs + GAP_MS;
  const oneSecond = { latenessMs: 1_000, latenessCount: 1 };
  const unknown = { latenessMs: undefined, latenessCount: undefined };

  /** The lateness after the next submission, where the previous one was taken at `startMs`. */
  function latenessAfter(of: {
    average?: Pick<Usage, "latenessMs" | "latenessCount">;
    nextMs?: Usage["nextMs"];
    eligibleSinceMs?: number;
    atMs: number;
  }) {
    const { average, nextMs = {}, eligibleSinceMs = startMs, atMs } = of;
    const before: Usage = { ...noUsage, lastTakeMs: startMs, nextMs, ...average };
    const next = { category, atMs, eligibleSinceMs } as const;
    const { latenessMs, latenessCount } = afterTake(settingsWith(), before, next);
    return { latenessMs, latenessCount };
  }

  test("The first lateness is the time from the end of the gap to the submission", () => {
    const lateness = latenessAfter({ atMs: gapEndMs + 4_000 });
    expect(lateness).toEqual({ latenessMs: 4_000, latenessCount: 1 });
  });

  test("The lateness of a lane without an earlier submission stays as it is", () => {
    const usage = afterTake(settingsWith(), { ...noUsage, ...oneSecond }, taken);
    expect(usage).toMatchObject(oneSecond);
  });

  test.each([
    [-1, oneSecond],
    [0, { latenessMs: 500, latenessCount: 2 }],
    [500, { latenessMs: 750, latenessCount: 2 }],
    [3_600_000, { latenessMs: 1_800_500, latenessCount: 2 }],
    [3_600_001, oneSecond],
  ])("A submission %i ms after the gap makes an average of one second %j", (lateMs, expected) => {
    const lateness = latenessAfter({ average: oneSecond, atMs: gapEndMs + lateMs });
    expect(lateness).toEqual(expected);
  });

  test.each([-1, 3_600_001])(
    "A submission %i ms after the gap leaves a lateness that is not known unknown",
    (lateMs) => {
      expect(latenessAfter({ atMs: gapEndMs + lateMs })).toStrictEqual(unknown);
    },
  );

  test.each([
    [1_000, oneSecond],
    [1_001, { latenessMs: 1_001, latenessCount: 2 }],
  ])(
    "A submission %i ms after its request began to wait, which was after the gap, makes an average of one second %j",
    (lateMs, expected) => {
      const eligibleSinceMs = gapEndMs + 1;
      const atMs = eligibleSinceMs + lateMs;
      expect(latenessAfter({ average: oneSecond, eligibleSinceMs, atMs })).toEqual(expected);
    },
  );

  test("A request that began to wait at the end of the gap waited only for the lane", () => {
    const lateness = latenessAfter({
      average: oneSecond,
      eligibleSinceMs: gapEndMs,
      atMs: gapEndMs + 500,
    });
    expect(lateness).toEqual({ latenessMs: 750, latenessCount: 2 });
  });

  test.each([
    [0, unknown],
    [1, { latenessMs: 1, latenessCount: 1 }],
  ])(
    "A submission %i ms after its request began to wait, which was after the gap, makes an unknown lateness %j",
    (lateMs, expected) => {
      const eligibleSinceMs = gapEndMs + 1;
      const lateness = latenessAfter({ eligibleSinceMs, atMs: eligibleSinceMs + lateMs });
      expect(lateness).toStrictEqual(expected);
    },
  );

  test("A request that waited for the pace is late from its due time on", () => {
    const lateness = latenessAfter({
      nextMs: { stMessages: gapEndMs + 60_000 },
      atMs: gapEndMs + 63_000,
    });
    expect(lateness).toEqual({ latenessMs: 3_000, latenessCount: 1 });
  });

  test.each([
    [62, 1_630, 63],
    [63, 1_640, 64],
    [64, 1_640, 64],
  ])(
    "After an average of %i submissions, one of %i ms adds its part to it, and the count is %i",
    (latenessCount, lateMs, expected) => {
      const average = { latenessMs: 1_000, latenessCount };
      const lateness = latenessAfter({ average, atMs: gapEndMs + lateMs });
      expect(lateness).toEqual({ latenessMs: 1_010, latenessCount: expected });
    },
  );

  test.each([
    [600, 900],
    [601, 900],
    [603, 901],
  ])(
    "After an average of 1000 ms of three submissions, one of %i ms makes it %i ms, rounded",
    (lateMs, expected) => {
      const average = { latenessMs: 1_000, latenessCount: 3 };
      const lateness = latenessAfter({ average, atMs: gapEndMs + lateMs });
      expect(lateness).toEqual({ latenessMs: expected, latenessCount: 4 });
    },
  );
});
