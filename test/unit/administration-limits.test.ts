import { describe, expect, test } from "vitest";
import type { AccountItem } from "../../shared/contracts/config-items.ts";
import type { Limit } from "../../shared/contracts/pace.ts";
import type { AccountChange } from "../../shared/core/administration/account-change.ts";
import { accountLimits } from "../../shared/core/administration/account-limits.ts";
import { mergePaceSettings } from "../../shared/core/pace/merge-pace-settings.ts";
import { presets } from "../../shared/core/pace/presets.ts";
import { writeTakes } from "../../shared/core/pace/takes.ts";
import { noUsage } from "../../shared/core/pace/usage.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import { noCounters } from "../../shared/core/requests/state/lane-counters.ts";
import type { Lane } from "../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const which = { provider: "we-link" } as const;
const account: AccountItem = {
  ...{ pk: "account#cn_1#anna", clientId: "cl_1", connectionId: "cn_1", accountId: "anna" },
  ...{ provider: "we-link", createdAt: "2026-06-25T12:00:00.000Z", preset: "off" },
};
const messages: Limit = { category: "stMessages", per: "day", max: 10 };
const posts: Limit = { category: "stPosts", per: "month", max: 7, isEnabled: false };
const provided: Limit = { category: "stPosts", per: "month", max: 3 };

/** The account in its forms: as it is found, and as it is stored when it is written. */
function setUp(
  given: {
    found?: Partial<AccountItem>;
    before?: AccountItem | undefined;
    /** Messages of the last hour. */
    taken?: number;
    providerLimits?: readonly Limit[];
  } = {},
) {
  const clock = makeTestClock();
  const calls: unknown[] = [];
  const written: Partial<AccountChange>[] = [];
  const { taken, providerLimits = [] } = given;
  const lane = {
    givenBack: [],
    counters: {
      ...noCounters,
      usage: {
        ...noUsage,
        takes: {
          stMessages: writeTakes([{ atSeconds: clock.businessMs() / 1_000, count: taken ?? 0 }]),
        },
      },
    },
  } as unknown as Lane;
  const limits = accountLimits({
    stagePace: { defaultPreset: "careful" },
    clock,
    lanes: { find: async (id) => (taken && id === laneId(account) ? lane : undefined) },
    async find(...of) {
      calls.push(["find", ...of]);
      return { ...account, ...given.found };
    },
    async put(clientId, accountId, change, more) {
      calls.push(["put", clientId, accountId, change]);
      written.push(more(given.before));
    },
    paceSettingsOf: (one) =>
      mergePaceSettings({
        account: one,
        providerLimits: { limits: providerLimits },
        stage: { minGapMs: 0, maxGapMs: 0, defaultPreset: "off" },
        seed: "lane",
      }),
  });
  return { ...limits, calls, written };
}

test("The limits of a new account are those of the stage's preset", () => {
  expect(setUp().defaultLimits()).toBe(presets.careful.limits);
});

describe("The limits of an account", () => {
  const shown = { category: "stMessages", per: "day", max: 10 };

  test("An account without limits has none", async () => {
    const { limits, calls } = setUp();
    expect(await limits("cl_1", "anna", which)).toStrictEqual([]);
    expect(calls).toStrictEqual([["find", "cl_1", "anna", which]]);
  });

  test("Those in force come first, then those that the account has removed", async () => {
    const { limits } = setUp({ found: { limits: [posts, messages] }, taken: 4 });
    expect(await limits("cl_1", "anna", which)).toStrictEqual([
      { ...shown, maxNow: 10, used: 4, isEnabled: true },
      { category: "stPosts", per: "month", max: 7, maxNow: 7, used: 0, isEnabled: false },
    ]);
  });

  test("An account that has submitted nothing has used nothing", async () => {
    const { limits } = setUp({ found: { limits: [messages] } });
    expect(await limits("cl_1", "anna", which)).toStrictEqual([
      { ...shown, maxNow: 10, used: 0, isEnabled: true },
    ]);
  });

  test("A limit of the provider is in force, although the account has removed its own", async () => {
    const { limits } = setUp({ found: { limits: [posts] }, providerLimits: [provided] });
    expect(await limits("cl_1", "anna", which)).toStrictEqual([
      { category: "stPosts", per: "month", max: 3, maxNow: 3, used: 0, isEnabled: true },
    ]);
  });

  test("While the account warms up, the maximum of now is lower, also of a removed limit", async () => {
    const found = { limits: [messages, posts], warmUp: { days: 10, from: 0.2 } };
    expect(await setUp({ found }).limits("cl_1", "anna", which)).toMatchObject([
      { max: 10, maxNow: 2 },
      { max: 7, maxNow: 1 },
    ]);
  });
});

describe("A change of an account's limits", () => {
  const put = ["put", "cl_1", "anna", { provider: "we-link", connectionId: "cn_1" }];
  const add = (own: readonly Limit[]) => [...own, provided];

  test.each([
    ["on those that are stored", { ...account, limits: [messages] }, [messages, provided]],
    ["on none, where it has none of its own", account, [provided]],
  ])("It is made %s by then, and changes nothing else", async (_, before, limits) => {
    const { changeLimits, calls, written } = setUp({ before });
    expect(await changeLimits("cl_1", "anna", which, add)).toBeUndefined();
    expect(calls).toStrictEqual([["find", "cl_1", "anna", which], put]);
    expect(written).toStrictEqual([{ limits }]);
  });

  test("A reset gives the preset of a new account, and keeps what it is told to keep", async () => {
    const { resetLimits, calls, written } = setUp({
      before: { ...account, limits: [messages, posts] },
    });
    const reset = resetLimits("cl_1", "anna", which, ({ category }) => category === "stPosts");
    expect(await reset).toBeUndefined();
    expect(calls).toStrictEqual([["find", "cl_1", "anna", which], put]);
    expect(written).toStrictEqual([{ preset: "careful", limits: [posts] }]);
  });

  test("A reset of an account without limits of its own leaves none", async () => {
    const { resetLimits, written } = setUp({ before: account });
    await resetLimits("cl_1", "anna", which, () => true);
    expect(written).toStrictEqual([{ preset: "careful", limits: [] }]);
  });

  test.each([
    ["change", (of: ReturnType<typeof setUp>) => of.changeLimits("cl_1", "anna", which, add)],
    ["reset", (of: ReturnType<typeof setUp>) => of.resetLimits("cl_1", "anna", which, () => true)],
  ])("A %s of an account that was deleted meanwhile is refused", async (_, run) => {
    const of = setUp();
    await expect(run(of)).rejects.toMatchObject({
      ...{ code: "NOT_FOUND", message: "there is no such account" },
    });
    expect(of.written).toEqual([]);
  });
});
