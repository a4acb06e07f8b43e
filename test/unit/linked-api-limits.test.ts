import { describe, expect, test } from "vitest";
import type { Limit } from "../../shared/contracts/pace.ts";
import { afterTake } from "../../shared/core/pace/after-take.ts";
import { noUsage } from "../../shared/core/pace/usage.ts";
import { makeAccountsApi } from "../support/fakes/accounts-api.ts";

const accountId = "acc-1";
const messages = { category: "stMessages", period: "daily" } as const;

function setUp(limits?: Limit[], preset: "off" | "careful" | "standard" = "careful") {
  const api = makeAccountsApi();
  const account = api.addAccount(accountId, { preset, ...(limits ? { limits } : {}) });
  const admin = async (call: string, body: object = { accountId }) =>
    (await api.call(`POST /admin/limits.${call}`, body)).body;
  const ofMessages = async () => {
    const { result } = await admin("get");
    return result.limits.filter(({ category }: Limit) => category === "stMessages");
  };
  return { ...api, account, admin, ofMessages };
}

test("limits.getDefaults returns the limits of a new account, in Linked API's words", async () => {
  const { admin } = setUp();
  const { success, result } = await admin("getDefaults", {});
  expect(success).toBe(true);
  expect(result.limits).toContainEqual({ ...messages, maxValue: 50, isEnabled: true });
  expect(result.limits).toContainEqual({
    category: "stConnectionRequests",
    period: "weekly",
    maxValue: 100,
    isEnabled: true,
  });
});

describe("limits.get", () => {
  test("An account without limits of its own has those of its preset", async () => {
    const { admin } = setUp();
    expect(await admin("get")).toEqual(await admin("getDefaults", {}));
  });

  test("An account with the preset off has no limits", async () => {
    const { admin } = setUp(undefined, "off");
    expect(await admin("get")).toEqual({ success: true, result: { limits: [] } });
  });

  test("Limits that Linked API does not have are not shown", async () => {
    const others: Limit[] = [
      { category: "any", per: "day", max: 9 },
      { category: "other", per: "day", max: 9 },
      { category: "stMessages", per: "hour", max: 9 },
    ];
    expect((await setUp(others, "off").admin("get")).result.limits).toEqual([]);
  });
});

describe("limits.set", () => {
  test("limits.set changes the limits that it names, in force and in Ackwire's own API, and no other", async () => {
    const { admin, call, ofMessages } = setUp([{ category: "any", per: "day", max: 70 }]);
    const limits = [
      { ...messages, maxValue: 5 },
      { category: "stPosts", period: "monthly", maxValue: 3 },
    ];
    expect(await admin("set", { accountId, limits })).toEqual({ success: true, result: {} });
    expect(await ofMessages()).toEqual([{ ...messages, maxValue: 5, isEnabled: true }]);
    const { body } = await call("GET /v1/accounts/{accountId}/budget", {}, { accountId });
    const inForce = (category: string) =>
      body.limits.flatMap((one: Limit) => (one.category === category ? [[one.per, one.max]] : []));
    expect(inForce("stMessages")).toEqual([["day", 5]]);
    expect(inForce("stPosts")).toEqual([["month", 3]]);
    expect(inForce("any")).toEqual([["day", 70]]);
    expect(inForce("stReactions")).toEqual([["day", 40]]);
  });

  test("A limit that is not enabled is not in force, not even the preset's, and keeps its value", async () => {
    const { admin, call, ofMessages } = setUp();
    const off = { ...messages, maxValue: 7, isEnabled: false };
    await admin("set", { accountId, limits: [off] });
    expect(await ofMessages()).toEqual([off]);
    const { body } = await call("GET /v1/accounts/{accountId}/budget", {}, { accountId });
    expect(body.limits.map(({ category }: Limit) => category)).not.toContain("stMessages");
    await admin("set", { accountId, limits: [{ ...off, isEnabled: true }] });
    expect(await ofMessages()).toEqual([{ ...off, isEnabled: true }]);
  });

  test("The token of the account stays", async () => {
    const { admin, account, stored } = setUp();
    await admin("set", { accountId, limits: [{ ...messages, maxValue: 5 }] });
    const { sealedIdentificationToken: token } = stored(accountId) ?? {};
    expect(token).toEqual(account.sealedIdentificationToken);
  });

  test.each([
    [{ ...messages, maxValue: -1 }, "limits.0.maxValue"],
    [{ ...messages, maxValue: 1.5 }, "limits.0.maxValue"],
    [{ ...messages, period: "hourly", maxValue: 1 }, "limits.0.period"],
    [{ ...messages, category: "other", maxValue: 1 }, "limits.0.category"],
    [{ ...messages, maxValue: 1, other: 1 }, "limits.0.other"],
    [messages, "limits.0.maxValue"],
  ])("limits.set of %j is refused, and the error names the field", async (limit, field) => {
    const { admin, stored } = setUp();
    const { success, error } = await admin("set", { accountId, limits: [limit] });
    expect({ success, type: error.type }).toEqual({
      success: false,
      type: "invalidRequestPayload",
    });
    expect(error.message).toContain(field);
    expect(stored(accountId)?.limits).toBeUndefined();
  });

  test("limits.set that names a category and period twice is refused", async () => {
    const { admin } = setUp();
    const limits = [1, 2].map((maxValue) => ({ ...messages, maxValue }));
    const { error } = await admin("set", { accountId, limits });
    expect(error).toMatchObject({ type: "invalidRequestPayload" });
    expect(error.message).toContain("twice");
  });
});

describe("limits.getUsage", () => {
  test("The usage of a limit is what was submitted in its window, also of one that is not enabled", async () => {
    const { admin, account, haveBudget, accounts, clock } = setUp([
      { category: "stMessages", per: "week", max: 30 },
      { category: "stMessages", per: "month", max: 90, isEnabled: false },
    ]);
    const { limits } = await accounts.put("cl_1", accountId, { provider: "linked-api" });
    const settings = { minGapMs: 0, maxGapMs: 0, limits: limits ?? [], coolDowns: {}, seed: "s" };
    const daysAgo = (days: number) => clock.businessMs() - days * 86_400_000;
    const usage = [20, 6, 5, 0.1]
      .map(daysAgo)
      .reduce(
        (before, atMs) =>
          afterTake(settings, before, { category: "stMessages", atMs, eligibleSinceMs: atMs }),
        noUsage,
      );
    haveBudget(account, { usage });
    const { result } = await admin("getUsage");
    const ofMessages = result.usage.filter(({ category }: Limit) => category === "stMessages");
    expect(ofMessages).toEqual([
      { ...messages, maxValue: 50, currentUsage: 1, isEnabled: true },
      { ...messages, period: "weekly", maxValue: 30, currentUsage: 3, isEnabled: true },
      { ...messages, period: "monthly", maxValue: 90, currentUsage: 4, isEnabled: false },
    ]);
  });

  test("While an account warms up, its usage shows the lower limits, and limits.get the whole ones", async () => {
    const { admin, accounts, ofMessages } = setUp();
    const warmUp = { days: 10, from: 0.2 };
    await accounts.put("cl_1", accountId, { provider: "linked-api", warmUp });
    expect((await admin("getUsage")).result.usage).toContainEqual({
      ...messages,
      maxValue: 10,
      currentUsage: 0,
      isEnabled: true,
    });
    expect(await ofMessages()).toMatchObject([{ maxValue: 50 }]);
  });
});

test("limits.delete removes a limit of the account's own, and the preset's is in force again", async () => {
  const { admin, ofMessages } = setUp();
  const limits = [{ ...messages, maxValue: 5, isEnabled: true }];
  await admin("set", { accountId, limits });
  // As a caller that passes a whole limit.
  expect(await admin("delete", { accountId, limits })).toEqual({ success: true, result: {} });
  expect(await ofMessages()).toEqual([{ ...messages, maxValue: 50, isEnabled: true }]);
});

test("limits.resetToDefaults gives an account the limits of a new one, and keeps those that Linked API does not have", async () => {
  const any: Limit = { category: "any", per: "day", max: 70 };
  const { admin, stored } = setUp([{ category: "stMessages", per: "day", max: 5 }, any], "off");
  expect(await admin("resetToDefaults")).toEqual({ success: true, result: {} });
  expect(await admin("get")).toEqual(await admin("getDefaults", {}));
  expect(stored(accountId)).toMatchObject({ preset: "careful", limits: [any] });
});

describe("An account that is not known", () => {
  const calls = ["get", "getUsage", "set", "delete", "resetToDefaults"];

  test.each(calls)("limits.%s of it is refused as accountNotFound", async (call) => {
    const { admin, addAccount } = setUp();
    addAccount("we-link-account", { connectionId: "cn_we-link", provider: "we-link" });
    for (const unknown of ["nobody", "we-link-account"]) {
      const limits = ["set", "delete"].includes(call) ? { limits: [] } : {};
      const { success, error } = await admin(call, { accountId: unknown, ...limits });
      expect({ success, error }).toEqual({
        success: false,
        error: { type: "accountNotFound", message: expect.stringContaining("accounts.getAll") },
      });
    }
  });

  test("A call without an account is refused as accountIdRequired", async () => {
    const { admin } = setUp();
    expect((await admin("get", {})).error.type).toBe("accountIdRequired");
  });

  test("An account that two connections have is refused without a word of Ackwire's own API", async () => {
    const connections = ["cn_1", "cn_2"].map((connectionId) => ({
      connectionId,
      provider: "linked-api" as const,
    }));
    const { call, addAccount } = makeAccountsApi({ connections });
    for (const { connectionId } of connections) addAccount(accountId, { connectionId });
    const { status, body } = await call("POST /admin/limits.get", { accountId });
    expect(status).toBe(400);
    expect(body.error.message).toContain("several connections to Linked API");
  });
});
