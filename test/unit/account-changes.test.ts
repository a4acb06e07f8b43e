import { expect, test } from "vitest";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import { makeAccountsApi } from "../support/fakes/accounts-api.ts";

/* Changes of accounts. Of two at the same moment, the second one is made again on what it finds. */

const of = { provider: "linked-api", connectionId: "cn_linked-api" } as const;
const owner = { ...of, clientId: "cl_1", accountId: "acc-1" };
const limit = (category: "stMessages" | "stConnectionRequests", max: number) => ({
  ...{ category, per: "day" as const, max },
});

/** An account of Linked API; `meanwhile` happens once, before the next write. */
async function setUp() {
  let meanwhile: (() => Promise<unknown>) | undefined;
  let writes = 0;
  const api = makeAccountsApi({
    async beforeWrite() {
      writes++;
      const once = meanwhile;
      meanwhile = undefined;
      await once?.();
    },
  });
  await api.accounts.registerToken(owner, "first");
  const first = api.stored("acc-1");
  return {
    ...api,
    first,
    writes: () => writes - 1,
    meanwhile(change: () => Promise<unknown>) {
      meanwhile = change;
    },
  };
}

test("A change of the pace that meets a new token keeps both", async () => {
  const { accounts, first, stored, meanwhile, writes } = await setUp();
  const newToken = { ...of, identificationToken: "new" };
  meanwhile(() => accounts.put("cl_1", "acc-1", newToken));
  await accounts.put("cl_1", "acc-1", { ...of, preset: "careful" });
  expect(stored("acc-1")).toMatchObject({ preset: "careful" });
  const { sealedIdentificationToken } = stored("acc-1") ?? {};
  expect(sealedIdentificationToken).not.toBe(first?.sealedIdentificationToken);
  expect(writes()).toBe(3);
});

test("Two changes of an account's limits keep what each has changed", async () => {
  const { accounts, stored, meanwhile } = await setUp();
  const add = (one: ReturnType<typeof limit>) =>
    accounts.changeLimits("cl_1", "acc-1", of, (own) => [...own, one]);
  meanwhile(() => add(limit("stMessages", 5)));
  await add(limit("stConnectionRequests", 7));
  expect(stored("acc-1")?.limits).toEqual([
    limit("stMessages", 5),
    limit("stConnectionRequests", 7),
  ]);
});

test("A change of the limits of an account that is deleted meanwhile does not create it again", async () => {
  const { accounts, items, meanwhile, stored } = await setUp();
  meanwhile(async () => (items as Map<string, unknown>).clear());
  const changing = accounts.changeLimits("cl_1", "acc-1", of, () => [limit("stMessages", 5)]);
  await expect(changing).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(stored("acc-1")).toBeUndefined();
});

test("A token that was asked for before another one was stored does not replace it", async () => {
  const { accounts, clock, stored } = await setUp();
  const askedRealMs = clock.realMs();
  clock.passReal(1);
  await accounts.registerToken(owner, "new");
  const newer = stored("acc-1");
  await accounts.registerToken(owner, "older", askedRealMs);
  expect(stored("acc-1")).toBe(newer);
  await accounts.registerToken(owner, "newest", clock.realMs());
  expect(stored("acc-1")).not.toBe(newer);
});

test("An account that others change at every attempt is not changed, and the caller may try again", async () => {
  const { accounts, meanwhile, writes } = await setUp();
  let others = 0;
  const again = () => {
    meanwhile(async () => {
      const { clientId, accountId } = owner;
      await accounts.put(clientId, accountId, {
        ...of,
        pace: { minSeconds: ++others, maxSeconds: 99 },
      });
      again();
    });
    return Promise.resolve();
  };
  await again();
  const change = accounts.put("cl_1", "acc-1", { ...of, preset: "off" });
  await expect(change).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  expect([others, writes()]).toEqual([20, 40]);
});

test("A change of an account's pace or limits wakes its lane once it is stored", async () => {
  const { accounts, woken, meanwhile } = await setUp();
  const lane = { lane: laneId(owner), clientId: "cl_1" };
  await accounts.put("cl_1", "acc-1", { ...of, preset: "off" });
  expect(woken).toEqual([lane]);
  await accounts.changeLimits("cl_1", "acc-1", of, () => [limit("stMessages", 5)]);
  await accounts.resetLimits("cl_1", "acc-1", of, () => false);
  expect(woken).toEqual([lane, lane, lane]);
  meanwhile(async () => expect(woken).toHaveLength(3));
  await accounts.put("cl_1", "acc-1", { ...of, preset: "careful" });
  expect(woken).toHaveLength(4);
});
