import { describe, expect, test } from "vitest";
import type { AccountItem } from "../../shared/contracts/config-items.ts";
import { paceMembers } from "../../shared/core/administration/account-pace.ts";
import {
  makeAccountWrites,
  requiresToken,
} from "../../shared/core/administration/account-writes.ts";
import { identificationToken } from "../../shared/core/administration/identification-token.ts";
import { unseal } from "../../shared/core/crypto/master-keys.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { testMasterKeys } from "../support/fakes/webhook-api.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const realMs = Date.parse(NOON) + 5_000;
const owner = { clientId: "cl_1", connectionId: "cn_1", accountId: "anna" } as const;
const weLink = { ...owner, provider: "we-link" } as const;
const linkedApi = { ...owner, provider: "linked-api" } as const;
const pk = "account#cn_1#anna";

/** One account; other writers come first at so many attempts. */
function setUp(given: { before?: AccountItem; conflicts?: number } = {}) {
  const clock = makeTestClock();
  // The two clocks differ, so that each time shows of which one it is.
  clock.passReal(5_000);
  let conflicts = given.conflicts ?? 0;
  let stored = given.before;
  const attempts: (AccountItem | undefined)[] = [];
  const writes = makeAccountWrites({
    store: {
      account: async (connectionId, accountId) =>
        connectionId === "cn_1" && accountId === "anna" ? stored : undefined,
      async replaceAccount(item, before) {
        attempts.push(before);
        if (conflicts-- > 0) return false;
        stored = item;
        return true;
      },
    },
    masterKeys: async () => testMasterKeys,
    randomHex: (bytes) => "0".repeat(bytes * 2),
    clock,
    defaultPreset: "careful",
  });
  return { ...writes, attempts, stored: () => stored };
}

const sealedIn = (item: AccountItem | undefined) =>
  unseal(testMasterKeys, pk, item?.sealedIdentificationToken ?? "");

const known: AccountItem = {
  ...weLink,
  ...{ pk, createdAt: "2026-01-01T00:00:00.000Z", version: 7, preset: "off" },
};

describe("A write of an account", () => {
  test("A new account has the preset of the stage, and the real time as its first version", async () => {
    const { change, attempts, stored } = setUp();
    const item = { ...weLink, pk, createdAt: NOON, version: realMs + 1, preset: "careful" };
    expect(await change(weLink, () => ({}))).toStrictEqual(item);
    expect(stored()).toStrictEqual(item);
    expect(attempts).toStrictEqual([undefined]);
  });

  test("A change keeps the time of the creation and counts the version", async () => {
    const { change, attempts } = setUp({ before: known });
    const hours = { timeZone: "UTC", days: ["mon" as const], from: "09:00", to: "17:00" };
    expect(await change(weLink, () => ({ hours }))).toStrictEqual({ ...known, hours, version: 8 });
    expect(attempts).toStrictEqual([known]);
  });

  test("An account without a version gets one from the time", async () => {
    const { version: _, ...before } = known;
    const { change } = setUp({ before });
    expect(await change(weLink, () => ({}))).toMatchObject({ version: realMs + 1 });
  });

  test("A decision to change nothing writes nothing", async () => {
    const { change, attempts } = setUp({ before: known });
    expect(await change(weLink, () => undefined)).toBeUndefined();
    expect(attempts).toEqual([]);
  });

  test("It is tried twenty times while other writers come first, and no more", async () => {
    const last = setUp({ conflicts: 19 });
    expect(await last.change(weLink, () => ({}))).toMatchObject({ preset: "careful" });
    const { change, attempts } = setUp({ conflicts: 20 });
    await expect(change(weLink, () => ({}))).rejects.toMatchObject({
      ...{ code: "DEPENDENCY_DOWN", message: "the account was changed at the same time" },
    });
    expect([last.attempts.length, attempts.length]).toEqual([20, 20]);
  });
});

describe("The token of an account at its provider", () => {
  test("It is stored sealed, with the real time", async () => {
    const { change, stored } = setUp();
    await change(linkedApi, () => ({ identificationToken: "first" }));
    expect(sealedIn(stored())).toBe("first");
    expect(stored()).toMatchObject({ tokenStoredRealMs: realMs, provider: "linked-api" });
  });

  test("A change of the pace keeps the token and its time", async () => {
    const token = { sealedIdentificationToken: "sealed", tokenStoredRealMs: 5 };
    const { change } = setUp({ before: { ...known, ...linkedApi, ...token } });
    const changed = await change(linkedApi, () => ({ preset: "standard" }));
    expect(changed).toMatchObject({ ...token, preset: "standard" });
  });

  test("A provider that identifies accounts by it needs it, and the other one does not", async () => {
    expect([requiresToken("linked-api"), requiresToken("we-link")]).toEqual([true, false]);
    const { change, attempts } = setUp();
    const message = "is required: Linked API identifies an account by it";
    await expect(change(linkedApi, () => ({}))).rejects.toMatchObject({
      ...{ code: "REQUEST_INVALID", errors: [{ field: "identificationToken", message }] },
    });
    expect(attempts).toEqual([]);
  });

  test("A new token registers its account, and Ackwire's own token is returned", async () => {
    const { registerToken, stored } = setUp();
    const own = await registerToken(linkedApi, "first");
    expect(own).toBe(identificationToken(testMasterKeys, owner));
    expect(sealedIn(stored())).toBe("first");
  });

  test("A token that is stored already is not written again", async () => {
    const { registerToken, attempts, stored } = setUp();
    await registerToken(linkedApi, "first");
    await registerToken(linkedApi, "first");
    expect(attempts).toHaveLength(1);
    await registerToken(linkedApi, "second");
    expect([attempts.length, sealedIn(stored())]).toEqual([2, "second"]);
  });

  test.each([
    ["before the stored one was stored leaves the account with the", "first", realMs - 1],
    ["when the stored one was stored gives the account the", "second", realMs],
  ])("A token that was asked for %s %s one", async (_, expected, askedRealMs) => {
    const { registerToken, stored } = setUp();
    await registerToken(linkedApi, "first");
    await registerToken(linkedApi, "second", askedRealMs);
    expect(sealedIn(stored())).toBe(expected);
  });
});

describe("The pace of an account after a change", () => {
  const limit = { category: "stMessages", per: "day", max: 5 } as const;
  const hours = { timeZone: "UTC", days: ["mon" as const], from: "09:00", to: "17:00" };
  const warmUp = { days: 3, from: 0.5 };
  const pace = { minSeconds: 1, maxSeconds: 2 };
  const before = { pace, preset: "off" as const, limits: [limit], hours, warmUp };

  test("What the change leaves out stays, and what was never set is absent", () => {
    expect(paceMembers({}, before)).toStrictEqual(before);
    expect(paceMembers({}, {})).toStrictEqual({});
  });

  test("What the change names is replaced", () => {
    const other = {
      ...{ pace: { minSeconds: 5, maxSeconds: 6 }, preset: "standard" as const },
      ...{ limits: [], warmUp: { days: 9, from: 0 } },
      hours: { ...hours, timeZone: "Europe/Berlin" },
    };
    expect(paceMembers(other, before)).toStrictEqual(other);
    expect(paceMembers(other, {})).toStrictEqual(other);
  });

  test("Hours and a warm-up are removed with null, and nothing else is", () => {
    expect(paceMembers({ hours: null }, before)).toStrictEqual({
      ...{ pace, preset: "off", limits: [limit], warmUp },
    });
    expect(paceMembers({ warmUp: null }, before)).toStrictEqual({
      ...{ pace, preset: "off", limits: [limit], hours },
    });
  });

  test("The list of the limits is a copy", () => {
    const limits = [limit];
    const { limits: stored } = paceMembers({ limits }, {});
    expect(stored).toStrictEqual(limits);
    expect(stored).not.toBe(limits);
  });
});
