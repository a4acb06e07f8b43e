import { describe, expect, test } from "vitest";
import type { AccountItem } from "../../shared/contracts/config-items.ts";
import { type AccountsDeps, makeAccounts } from "../../shared/core/administration/accounts.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const account = {
  ...{ clientId: "cl_1", connectionId: "cn_1", accountId: "anna" },
  provider: "we-link",
} as const;
const ofLinkedApi = { ...account, provider: "linked-api" } as const;

/** @param stored the account as it is stored */
function setUp(stored?: AccountItem) {
  const clock = makeTestClock();
  // The two clocks differ, so that each time shows of which one it is.
  clock.passReal(5_000);
  const world = { isDown: false };
  const added: AccountItem[] = [];
  const deleted: unknown[] = [];
  const woken: unknown[] = [];
  const errors: unknown[] = [];
  const accounts = makeAccounts({
    store: {
      connectionsOf: async () => [{ connectionId: "cn_1", provider: "we-link" }],
      account: async () => stored,
      async addAccountIfNew(item: AccountItem) {
        added.push(item);
        if (world.isDown) throw new Error("throttled");
      },
      deleteAccount: async (...of: unknown[]) => void deleted.push(of),
    },
    laneScheduler: {
      async wakeAfterChange(lane: unknown) {
        woken.push(lane);
        if (world.isDown) throw new Error("throttled");
      },
    },
    clock,
    stagePace: { minGapMs: 0, maxGapMs: 0, defaultPreset: "standard" },
    onNonFatalError: (error: unknown) => errors.push(error),
  } as unknown as AccountsDeps);
  const { registerAccountIfNew, requireAccount } = accounts.accountDirectory;
  const remove = (accountId: string) => accounts.delete("cl_1", accountId, {});
  return { registerAccountIfNew, requireAccount, remove, added, deleted, woken, errors, world };
}

describe("An account that its first request registers", () => {
  const item: AccountItem = {
    ...account,
    ...{ pk: "account#cn_1#anna", createdAt: NOON, preset: "standard" },
    version: Date.parse(NOON) + 5_000,
  };

  test("It is stored once by each process, with the preset of the stage", async () => {
    const { registerAccountIfNew, added, errors } = setUp();
    await registerAccountIfNew(account);
    await registerAccountIfNew(account);
    expect(added).toStrictEqual([item]);
    await registerAccountIfNew({ ...account, accountId: "ben" });
    await registerAccountIfNew({ ...account, connectionId: "cn_2" });
    expect(added.map(({ pk }) => pk).slice(1)).toEqual(["account#cn_1#ben", "account#cn_2#anna"]);
    expect(errors).toEqual([]);
  });

  test("One that could not be stored fails nothing, and the next request stores it", async () => {
    const { registerAccountIfNew, added, errors, world } = setUp();
    world.isDown = true;
    expect(await registerAccountIfNew(account)).toBeUndefined();
    world.isDown = false;
    await registerAccountIfNew(account);
    await registerAccountIfNew(account);
    expect(added).toHaveLength(2);
    expect(errors).toEqual([new Error("throttled")]);
  });

  test("One that was deleted is registered again by its next request", async () => {
    const { registerAccountIfNew, added, deleted, remove } = setUp(item);
    await registerAccountIfNew(account);
    await registerAccountIfNew({ ...account, accountId: "ben" });
    await remove("anna");
    expect(deleted).toEqual([["cn_1", "anna"]]);
    await registerAccountIfNew(account);
    await registerAccountIfNew({ ...account, accountId: "ben" });
    expect(added.map(({ accountId }) => accountId)).toEqual(["anna", "ben", "anna"]);
  });

  test("The lane of one that is deleted is woken, because its requests have the stage's pace now", async () => {
    const { remove, deleted, woken, errors, world } = setUp(item);
    await remove("anna");
    expect(woken).toEqual([{ lane: laneId(account), clientId: "cl_1" }]);
    world.isDown = true;
    await remove("anna");
    expect([deleted.length, errors]).toEqual([2, [new Error("throttled")]]);
  });

  test("A process remembers a thousand of them, and with one more it forgets them", async () => {
    const { registerAccountIfNew, added } = setUp();
    const register = (n: number) => registerAccountIfNew({ ...account, accountId: `a${n}` });
    for (let n = 0; n < 1_000; n++) await register(n);
    await register(0);
    expect(added).toHaveLength(1_000);
    await register(1_000);
    await register(0);
    expect(added).toHaveLength(1_002);
  });
});

describe("The account of a request to a provider that identifies it by a token", () => {
  const stored: AccountItem = { ...ofLinkedApi, pk: "account#cn_1#anna", createdAt: NOON };

  test.each([
    ["It is not registered", undefined],
    ["It is registered without a token", stored],
  ])("%s: the request is refused, and says how to register it", async (_, found) => {
    await expect(setUp(found).requireAccount(ofLinkedApi)).rejects.toMatchObject({
      ...{ code: "REQUEST_INVALID", remedy: "registerAccount" },
      errors: [
        {
          field: "accountId",
          message: "is not registered: use PUT /v1/accounts/{accountId}",
        },
      ],
    });
  });

  test("An account with a token is taken, and one of another provider needs none", async () => {
    const { requireAccount } = setUp({ ...stored, sealedIdentificationToken: "sealed" });
    expect(await requireAccount(ofLinkedApi)).toBeUndefined();
    expect(await setUp().requireAccount(account)).toBeUndefined();
  });
});
