import { describe, expect, test } from "vitest";
import type { AccountItem } from "../../shared/contracts/config-items.ts";
import type { AccountSelector } from "../../shared/core/administration/account-change.ts";
import { type AccountsDeps, makeAccounts } from "../../shared/core/administration/accounts.ts";
import { identificationToken } from "../../shared/core/administration/identification-token.ts";
import type { PageOf } from "../../shared/core/input/cursor.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { testMasterKeys } from "../support/fakes/webhook-api.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const noonMs = Date.parse(NOON);
const REAL_AHEAD_MS = 5_000;

const accountOf = (connectionId: string, of: Partial<AccountItem> = {}): AccountItem => ({
  ...{ pk: `account#${connectionId}#anna`, clientId: "cl_1", connectionId, accountId: "anna" },
  ...{ provider: "we-link", createdAt: NOON },
  ...of,
});

interface Given {
  /** Connections of cl_1, each with its provider. */
  connections?: Record<string, string>;
  accounts?: AccountItem[];
  pause?: { reason: string; untilMs?: number };
  hadPause?: boolean;
}

/** The accounts of the client `cl_1`. What is called of the ports is noted. */
function setUp({ connections = { cn_1: "we-link" }, accounts = [], ...given }: Given = {}) {
  const clock = makeTestClock();
  clock.passReal(REAL_AHEAD_MS);
  const calls: unknown[][] = [];
  const noting =
    (name: string, answer?: unknown) =>
    async (...of: unknown[]) => {
      calls.push([name, ...of]);
      return answer;
    };
  const items = Object.entries(connections).map(([connectionId, provider]) => ({
    ...{ connectionId, provider, clientId: "cl_1" },
  }));
  const use = makeAccounts({
    store: {
      connection: async (id: string) => items.find(({ connectionId }) => connectionId === id),
      connectionsOf: async (clientId: string) => {
        calls.push(["connectionsOf", clientId]);
        return items;
      },
      account: async (connectionId: string, accountId: string) =>
        accounts.find((one) => one.connectionId === connectionId && one.accountId === accountId),
      accountsOf: async (_: string, page?: PageOf) => {
        calls.push(["accountsOf", page]);
        return accounts;
      },
    },
    lanes: {
      find: async () => ({ pause: given.pause, categoryPauses: {} }),
      pause: noting("pause"),
      endAllPauses: noting("endAllPauses", given.hadPause ?? true),
    },
    laneScheduler: {
      dueAfterWakeUp: (atMs: number) => atMs + 3,
      sendWakeUp: noting("sendWakeUp"),
    },
    masterKeys: async () => testMasterKeys,
    clock,
    stagePace: { minGapMs: 0, maxGapMs: 0, defaultPreset: "careful" },
  } as unknown as AccountsDeps);
  const connectionOf = (of: object = {}) =>
    use.accountDirectory.connectionIdOf({ clientId: "cl_1", provider: "we-link", ...of });
  const named = (name: string) => calls.filter(([one]) => one === name);
  return { ...use, clock, connectionOf, named };
}

/** What an error about one field holds. */
const refusalOf = (field: string, message: string, remedy?: string) => ({
  ...{ code: "REQUEST_INVALID", errors: [{ field, message }], remedy },
});

describe("The connection of a request", () => {
  test("A connection that is named is taken where it is the client's and of the provider", async () => {
    const { connectionOf } = setUp({ connections: { cn_1: "we-link", cn_2: "linked-api" } });
    expect(await connectionOf({ connectionId: "cn_1" })).toBe("cn_1");
    const notYours = refusalOf("connectionId", "is not one of your we-link connections");
    for (const of of [{ connectionId: "cn_2" }, { connectionId: "cn_9" }]) {
      await expect(connectionOf(of)).rejects.toMatchObject(notYours);
    }
    const foreign = connectionOf({ clientId: "cl_2", connectionId: "cn_1" });
    await expect(foreign).rejects.toMatchObject(notYours);
  });

  test("A client without a connection of the provider is told to create one", async () => {
    const { connectionOf } = setUp({ connections: { cn_2: "linked-api" } });
    const message = "has no connection: create one first";
    const refusal = refusalOf("provider", message, "createConnection");
    await expect(connectionOf()).rejects.toMatchObject(refusal);
  });

  test("The client's only connection of the provider is remembered for 30 seconds of real time", async () => {
    const connections = { cn_1: "we-link", cn_2: "linked-api" };
    const { connectionOf, clock, named } = setUp({ connections });
    expect([await connectionOf(), await connectionOf()]).toEqual(["cn_1", "cn_1"]);
    clock.passBusiness(86_400_000);
    clock.passReal(29_999);
    await connectionOf();
    expect(named("connectionsOf")).toHaveLength(1);
    clock.passReal(1);
    expect(await connectionOf()).toBe("cn_1");
    expect(named("connectionsOf")).toHaveLength(2);
    expect(await connectionOf({ provider: "linked-api" })).toBe("cn_2");
    expect(await connectionOf({ clientId: "cl_2" })).toBe("cn_1");
    expect(named("connectionsOf")).toHaveLength(4);
  });

  test("Of a thousand clients it is remembered, and with one more it is forgotten", async () => {
    const { connectionOf, named } = setUp();
    for (let n = 0; n < 1_000; n++) await connectionOf({ clientId: `cl_${n}` });
    await connectionOf({ clientId: "cl_0" });
    expect(named("connectionsOf")).toHaveLength(1_000);
    await connectionOf({ clientId: "cl_1000" });
    await connectionOf({ clientId: "cl_0" });
    expect(named("connectionsOf")).toHaveLength(1_002);
  });

  const two = { cn_1: "we-link", cn_2: "we-link" };
  const several = (ids: string) =>
    refusalOf("connectionId", `is required: there are several, ${ids}`, "nameConnection");

  test("Of several connections it is the one that has the account", async () => {
    const { connectionOf } = setUp({ connections: two, accounts: [accountOf("cn_2")] });
    expect(await connectionOf({ accountId: "anna" })).toBe("cn_2");
    for (const of of [{}, { accountId: "ben" }]) {
      await expect(connectionOf(of)).rejects.toMatchObject(several("cn_1, cn_2"));
    }
  });

  test("Of several connections that have the account, one must be named", async () => {
    const accounts = [accountOf("cn_1"), accountOf("cn_2")];
    const { connectionOf } = setUp({ connections: two, accounts });
    const finding = connectionOf({ accountId: "anna" });
    await expect(finding).rejects.toMatchObject(several("cn_1, cn_2"));
  });

  test.each([
    [10, "cn_9"],
    [11, "cn_9, …"],
  ])("The list of %i connections ends with %s", async (count, end) => {
    const ids = Array.from({ length: count }, (_, n) => `cn_${n}`);
    const connections = Object.fromEntries(ids.map((id) => [id, "we-link"]));
    const listed = [...ids.slice(0, 9), end].join(", ");
    await expect(setUp({ connections }).connectionOf()).rejects.toMatchObject(several(listed));
  });
});

describe("An account that is named", () => {
  const noAccount = { code: "NOT_FOUND", message: "there is no such account" };
  const connections = { cn_1: "we-link", cn_2: "we-link", cn_3: "linked-api" };
  const ofLinkedApi = accountOf("cn_3", { provider: "linked-api" });
  const accounts = [accountOf("cn_1"), accountOf("cn_2"), ofLinkedApi];

  test("It is found by its provider or its connection", async () => {
    const { get } = setUp({ connections, accounts });
    const byProvider = await get("cl_1", "anna", { provider: "linked-api" });
    const byConnection = await get("cl_1", "anna", { connectionId: "cn_2" });
    expect([byProvider.connectionId, byConnection.connectionId]).toEqual(["cn_3", "cn_2"]);
  });

  test("Where several connections have it, one must be named", async () => {
    const { get } = setUp({ connections, accounts });
    const all = "is required: several have this account, cn_1, cn_2, cn_3";
    await expect(get("cl_1", "anna", {})).rejects.toMatchObject(
      refusalOf("connectionId", all, "nameConnection"),
    );
  });

  test.each<[string, string, AccountSelector, string]>([
    ["of an unknown id", "ben", {}, "cl_1"],
    ["of another connection", "anna", { connectionId: "cn_9" }, "cl_1"],
    ["of another provider", "anna", { provider: "linked-api" }, "cl_1"],
    ["whose item is another client's", "anna", {}, "cl_2"],
  ])("One %s is not found", async (_, accountId, which, clientId) => {
    const { get } = setUp({ accounts: [accountOf("cn_1", { clientId })] });
    await expect(get("cl_1", accountId, which)).rejects.toMatchObject(noAccount);
  });
});

describe("The view of an account", () => {
  const shown = {
    ...{ accountId: "anna", provider: "we-link", connectionId: "cn_1", createdAt: NOON },
    ...{ status: "active", pausedBecause: undefined, pausedUntil: undefined, pace: undefined },
    ...{ preset: "off", limits: undefined, hours: undefined, warmUp: undefined },
    identificationToken: undefined,
  };

  test("An account that was registered before there were presets has the preset off", async () => {
    const { list, named } = setUp({ accounts: [accountOf("cn_1")] });
    const page = { limit: 5, after: "cn_0#x" };
    expect(await list("cl_1", page)).toStrictEqual([shown]);
    expect(named("accountsOf")).toEqual([["accountsOf", page]]);
  });

  test.each<[string, NonNullable<Given["pause"]>, boolean]>([
    ["that has no end", { reason: "LOGGED_OUT" }, true],
    ["that is not over", { reason: "LOGGED_OUT", untilMs: noonMs + 1 }, true],
    ["that is over", { reason: "LOGGED_OUT", untilMs: noonMs }, false],
  ])("A pause %s is shown: %j, %s", async (_, pause, isShown) => {
    const { list } = setUp({ accounts: [accountOf("cn_1", { preset: "standard" })], pause });
    const { untilMs } = pause;
    const pausedUntil = untilMs === undefined ? undefined : new Date(untilMs).toISOString();
    const paused = { status: "paused", pausedBecause: "LOGGED_OUT", pausedUntil };
    const expected = { ...shown, preset: "standard", ...(isShown ? paused : {}) };
    expect(await list("cl_1")).toStrictEqual([expected]);
  });

  test("An account of a provider that identifies it by a token has Ackwire's own", async () => {
    const { list } = setUp({ accounts: [accountOf("cn_3", { provider: "linked-api" })] });
    const of = { clientId: "cl_1", accountId: "anna" };
    expect(await list("cl_1")).toMatchObject([
      { identificationToken: identificationToken(testMasterKeys, of) },
    ]);
  });
});

describe("A pause of an account by its client", () => {
  const account = accountOf("cn_1");

  test("A pause is stored with the lane", async () => {
    const { pause, named } = setUp({ accounts: [account] });
    expect(await pause("cl_1", "anna", {})).toMatchObject({ accountId: "anna" });
    expect(named("pause")).toEqual([
      ["pause", laneId(account), account, { reason: "PAUSED_BY_CLIENT" }],
    ]);
  });

  test.each([true, false])("A resumed account is woken if it was paused: %s", async (hadPause) => {
    const { resume, named } = setUp({ accounts: [account], hadPause });
    expect(await resume("cl_1", "anna", {})).toMatchObject({ accountId: "anna" });
    const lane = laneId(account);
    expect(named("endAllPauses")).toEqual([["endAllPauses", lane, noonMs + 3]]);
    const wakeUp = ["sendWakeUp", { lane, clientId: "cl_1" }, noonMs];
    expect(named("sendWakeUp")).toEqual(hadPause ? [wakeUp] : []);
  });
});
