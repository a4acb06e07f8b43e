import { describe, expect, test } from "vitest";
import { configKey, type RecurringItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { limits } from "../../shared/contracts/limits.ts";
import type { PageOf } from "../../shared/core/input/cursor.ts";
import {
  makeRecurring,
  type RecurringDeps,
  type RecurringInput,
} from "../../shared/core/requests/recurring/recurring.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { iso } from "../support/noon.ts";

const clientId = "cl_1";
const key = { clientId, recurringId: "weekly" };
const every = { cron: "0 9 ? * MON-FRI *", timeZone: "Europe/Berlin" };
const NOW = iso(0);
const account = { clientId, provider: "we-link", connectionId: "cn_1", accountId: "a" } as const;
const itemOf = (of: Partial<RecurringItem> = {}): RecurringItem => ({
  ...{ pk: configKey.recurring(clientId, "weekly"), ...account, recurringId: "weekly", every },
  ...{ action: "connect", params: '{"n":1}', status: "active", version: 7 },
  ...{ createdAt: "2026-06-01T00:00:00.000Z", changedAt: "2026-06-02T00:00:00.000Z" },
  ...of,
});
const viewOf = (of: object = {}) => ({
  ...{ recurringId: "weekly", status: "active", provider: "we-link", accountId: "a", every },
  ...{ connectionId: "cn_1", action: "connect", priority: "normal" },
  ...{ createdAt: "2026-06-01T00:00:00.000Z", changedAt: "2026-06-02T00:00:00.000Z" },
  ...of,
});

interface Given {
  stored?: RecurringItem[];
  /** The scheduler does not accept expressions with this minute. */
  invalidMinute?: string;
  /** Called before each read of the item, with its number; it may change what is stored. */
  onFind?: (nth: number, items: Map<string, RecurringItem>) => void;
  /** Another write comes first at the put with this number. */
  conflictAt?: number;
  /** Another version is stored when the item is deleted. */
  isReplaced?: boolean;
}

/** The management over a store and a scheduler that note their calls. */
function setUp({ stored = [], invalidMinute = "99", onFind, ...given }: Given = {}) {
  const items = new Map(stored.map((one) => [one.recurringId, one]));
  const calls: unknown[][] = [];
  let finds = 0;
  let puts = 0;
  const deps = {
    store: {
      async find(client: string, id: string) {
        onFind?.(++finds, items);
        calls.push(["find", client, id]);
        return client === clientId ? items.get(id) : undefined;
      },
      async list(client: string, page: PageOf) {
        calls.push(["list", client, page]);
        const { limit, after = "" } = page;
        return [...items.values()].filter((one) => one.recurringId > after).slice(0, limit);
      },
      async put(item: Omit<RecurringItem, "version">, read: RecurringItem | undefined) {
        calls.push(["put", item.status, item.changedAt, read?.version]);
        if (++puts === given.conflictAt) return undefined;
        const written = { ...item, version: read ? read.version + 1 : 1 };
        items.set(item.recurringId, written);
        return written;
      },
      async delete({ recurringId, version }: RecurringItem) {
        calls.push(["delete", version]);
        if (given.isReplaced) return false;
        items.delete(recurringId);
        return true;
      },
    },
    schedules: {
      async put(of: { recurringId: string }, { cron }: { cron: string }, how: object) {
        calls.push(["schedule", of.recurringId, cron, how]);
        return cron.startsWith(invalidMinute) ? "invalid" : "stored";
      },
      async delete(of: object) {
        calls.push(["unschedule", of]);
      },
    },
    accountDirectory: {
      async connectionIdOf(of: unknown) {
        calls.push(["connectionIdOf", of]);
        return "cn_1";
      },
      async requireAccount(of: unknown) {
        calls.push(["requireAccount", of]);
      },
    },
    providerClients,
    clock: makeTestClock(),
  } as unknown as RecurringDeps;
  const recurring = makeRecurring(deps);
  const put = (of: Partial<RecurringInput["request"]> = {}, more: Partial<RecurringInput> = {}) =>
    recurring.put(clientId, "weekly", {
      every,
      request: { provider: "we-link", accountId: "a", action: "connect", params: { n: 1 }, ...of },
      ...more,
    });
  const named = (...names: string[]) => calls.filter(([name]) => names.includes(String(name)));
  return { calls, items, recurring, put, named };
}

const enabled = { isEnabled: true };
const disabled = { isEnabled: false };
const scheduled = (how: object, cron = every.cron) => ["schedule", "weekly", cron, how];
const find = ["find", clientId, "weekly"];
const conflict = new Failure("CONFLICT", "another call changes this recurring request");
const missing = new Failure("NOT_FOUND", "there is no such recurring request");
const refused = (field: string, message: string) =>
  expect.objectContaining({ code: "REQUEST_INVALID", errors: [{ field, message }] });

describe("A recurring request that is put", () => {
  test("A new one is stored as paused, scheduled, and then active", async () => {
    const { calls, put, items } = setUp();
    expect(await put()).toStrictEqual(viewOf({ createdAt: NOW, changedAt: NOW }));
    const request = { provider: "we-link", accountId: "a", action: "connect", params: { n: 1 } };
    expect(calls).toEqual([
      ["connectionIdOf", { ...request, clientId }],
      ["requireAccount", account],
      find,
      ["put", "paused", NOW, undefined],
      scheduled(enabled),
      find,
      ["put", "active", NOW, 1],
    ]);
    expect(items.get("weekly")).toStrictEqual(
      itemOf({ createdAt: NOW, changedAt: NOW, version: 2 }),
    );
  });

  test("One that is to be paused is written once, and its schedule does not fire", async () => {
    const { put, named } = setUp();
    expect(await put({}, { isPaused: true })).toMatchObject({ status: "paused" });
    expect(named("put", "schedule")).toEqual([
      ["put", "paused", NOW, undefined],
      scheduled(disabled),
    ]);
  });

  test("Its group and its high priority are stored and shown, and normal priority is as none", async () => {
    const { put, items, recurring } = setUp();
    const shown = { group: "g", priority: "high", createdAt: NOW, changedAt: NOW };
    expect(await put({ group: "g", priority: "high" })).toStrictEqual(viewOf(shown));
    expect(items.get("weekly")).toMatchObject({ group: "g", isHigh: true });
    expect(await recurring.get(clientId, "weekly")).toStrictEqual(viewOf(shown));
    await put({ priority: "normal" });
    const { group, isHigh } = items.get("weekly") as RecurringItem;
    expect([group, isHigh]).toEqual([undefined, undefined]);
  });

  test("One that replaces another keeps its time of creation", async () => {
    const { put, named } = setUp({ stored: [itemOf()] });
    const cron = "0 10 ? * * *";
    const changed = { every: { ...every, cron }, changedAt: NOW };
    expect(await put({}, { every: { ...every, cron } })).toStrictEqual(viewOf(changed));
    expect(named("put", "schedule")).toEqual([
      ["put", "paused", NOW, 7],
      scheduled(enabled, cron),
      ["put", "active", NOW, 8],
    ]);
  });

  test("An action whose params have secrets is refused before anything is read", async () => {
    const { calls, put } = setUp();
    const message = "has params with secrets, which are kept for one request only";
    await expect(put({ action: "login" })).rejects.toEqual(refused("request.action", message));
    expect(calls).toEqual([]);
  });

  test("Params of as many bytes as an item may have are stored, and no longer ones", async () => {
    const { calls, put } = setUp();
    const { maxRecurringBytes: most } = limits;
    // `{"text":""}` is 11 bytes, and each of these letters two.
    const text = "é".repeat((most - 12) / 2);
    expect(await put({ params: { text: `${text}a` } })).toMatchObject({ status: "active" });
    calls.length = 0;
    const longer = put({ params: { text: `${text}aa` } });
    const message = `${most + 1} bytes; at most ${most}`;
    await expect(longer).rejects.toEqual(refused("request.params", message));
    expect(calls).toEqual([]);
  });
});

describe("An expression that the scheduler does not accept", () => {
  const unfit = { every: { ...every, cron: "99 9 ? * * *" } };
  const message = "is not a cron expression of EventBridge Scheduler";

  test("A new recurring request is deleted again", async () => {
    const { put, items, named } = setUp();
    await expect(put({}, unfit)).rejects.toEqual(refused("every.cron", message));
    expect(items.size).toBe(0);
    expect(named("put", "delete", "schedule")).toEqual([
      ["put", "paused", NOW, undefined],
      scheduled(enabled, "99 9 ? * * *"),
      ["delete", 1],
    ]);
  });

  test.each([
    ["active", enabled],
    ["paused", disabled],
  ] as const)("A stored one that is %s is as it was, with its schedule", async (status, how) => {
    const before = itemOf({ status });
    const { put, items, named } = setUp({ stored: [before] });
    await expect(put({}, unfit)).rejects.toEqual(refused("every.cron", message));
    expect(items.get("weekly")).toStrictEqual({ ...before, version: 9 });
    expect(named("put", "schedule").slice(1)).toEqual([
      scheduled(enabled, "99 9 ? * * *"),
      ["put", status, before.changedAt, 8],
      scheduled(how),
    ]);
  });

  test("A stored one that another call has changed meanwhile is left as that call wants it", async () => {
    const { put, named } = setUp({ stored: [itemOf()], conflictAt: 2 });
    await expect(put({}, unfit)).rejects.toEqual(conflict);
    expect(named("schedule")).toEqual([scheduled(enabled, "99 9 ? * * *")]);
  });
});

describe("A call that says what is stored", () => {
  test.each([
    ["active", enabled],
    ["paused", disabled],
  ] as const)("One that is %s is not written, and its schedule is set", async (status, how) => {
    const { put, calls } = setUp({ stored: [itemOf({ status })] });
    const { cron, timeZone } = every;
    const inOtherOrder = { every: { timeZone, cron }, isPaused: status === "paused" };
    expect(await put({}, inOtherOrder)).toStrictEqual(viewOf({ status }));
    expect(calls.slice(2)).toEqual([find, scheduled(how), find]);
  });

  test.each([
    ["status", { status: "paused" }],
    ["connection", { connectionId: "cn_2" }],
    ["account", { accountId: "b" }],
    ["action", { action: "send_message" }],
    ["params", { params: '{"n":2}' }],
    ["cron expression", { every: { ...every, cron: "0 8 ? * * *" } }],
    ["time zone", { every: { ...every, timeZone: "UTC" } }],
    ["group", { group: "g" }],
    ["priority", { isHigh: true }],
  ] as [string, Partial<RecurringItem>][])("One with another %s is written", async (_, of) => {
    const { put, named } = setUp({ stored: [itemOf(of)] });
    await put();
    expect(named("put")).toHaveLength(2);
  });
});

describe("A pause, and its end", () => {
  test.each([
    ["pause", "active", "paused", disabled],
    ["resume", "paused", "active", enabled],
  ] as const)("A %s of one that is %s leaves it %s", async (call, before, status, how) => {
    const { recurring, named } = setUp({ stored: [itemOf({ status: before })] });
    const view = await recurring[call](clientId, "weekly");
    expect(view).toStrictEqual(viewOf({ status, changedAt: NOW }));
    expect(named("put", "schedule")).toEqual([
      ["put", "paused", NOW, 7],
      scheduled(how),
      ...(status === "active" ? [["put", "active", NOW, 8]] : []),
    ]);
  });

  test.each(["get", "pause", "resume"] as const)("A %s of none is refused", async (call) => {
    const { recurring, calls } = setUp();
    await expect(recurring[call](clientId, "weekly")).rejects.toEqual(missing);
    expect(calls).toEqual([find]);
  });

  test("A call before whose write another one comes sets no schedule", async () => {
    const { recurring, named } = setUp({ stored: [itemOf()], conflictAt: 1 });
    await expect(recurring.pause(clientId, "weekly")).rejects.toEqual(conflict);
    expect(named("schedule")).toEqual([]);
  });

  test("A call that another one overtakes before it activates the item leaves it", async () => {
    const { recurring } = setUp({ stored: [itemOf({ status: "paused" })], conflictAt: 2 });
    await expect(recurring.resume(clientId, "weekly")).rejects.toEqual(conflict);
  });
});

describe("A call after whose write another one comes", () => {
  const later = itemOf({ every: { ...every, cron: "0 6 ? * * *" }, version: 20 });

  test("The schedule is that of the later call, and fires, because that call may be activating it", async () => {
    const { put, named } = setUp({
      stored: [itemOf()],
      onFind: (nth, items) => nth === 2 && items.set("weekly", { ...later, status: "paused" }),
    });
    await expect(put()).rejects.toEqual(conflict);
    expect(named("find", "schedule").slice(1)).toEqual([
      scheduled(enabled),
      find,
      scheduled(enabled, "0 6 ? * * *"),
      find,
    ]);
  });

  test("There is no schedule when the later call deletes the item", async () => {
    const { put, named } = setUp({
      stored: [itemOf()],
      onFind: (nth, items) => nth === 2 && items.delete("weekly"),
    });
    await expect(put()).rejects.toEqual(conflict);
    expect(named("unschedule")).toMatchObject([["unschedule", key]]);
    expect(named("find")).toHaveLength(3);
  });

  test("Of calls that do not end, six are followed", async () => {
    const { put, named } = setUp({
      stored: [itemOf()],
      onFind: (nth, items) => items.set("weekly", { ...itemOf(), version: 7 + nth }),
    });
    await expect(put()).rejects.toEqual(conflict);
    expect(named("find")).toHaveLength(7);
    expect(named("schedule")).toHaveLength(7);
  });
});

describe("A deletion", () => {
  test("The item is paused, its schedule deleted, and then the item", async () => {
    const { recurring, calls, items } = setUp({ stored: [itemOf()] });
    await recurring.delete(clientId, "weekly");
    expect(calls).toEqual([
      find,
      ["put", "paused", NOW, 7],
      ["unschedule", key],
      find,
      ["delete", 8],
    ]);
    expect(items.size).toBe(0);
  });

  test("Where no item is stored, a schedule that a killed call has left is deleted", async () => {
    const { recurring, calls } = setUp();
    await recurring.delete(clientId, "weekly");
    expect(calls).toEqual([find, ["unschedule", key], find]);
  });

  test("It is refused when another call changes the item first", async () => {
    const { recurring, named } = setUp({ stored: [itemOf()], conflictAt: 1 });
    await expect(recurring.delete(clientId, "weekly")).rejects.toEqual(conflict);
    expect(named("unschedule", "delete")).toEqual([]);
  });

  test("It is refused when another call has replaced the item, whose schedule is set again", async () => {
    const { recurring, named } = setUp({ stored: [itemOf()], isReplaced: true });
    await expect(recurring.delete(clientId, "weekly")).rejects.toEqual(conflict);
    expect(named("schedule")).toEqual([scheduled(enabled)]);
  });

  test("It is done when another deletion has come first", async () => {
    const { recurring, named } = setUp({
      stored: [itemOf()],
      isReplaced: true,
      onFind: (nth, items) => nth === 3 && items.delete("weekly"),
    });
    await recurring.delete(clientId, "weekly");
    expect(named("schedule")).toEqual([]);
    expect(named("find")).toHaveLength(3);
  });
});

describe("A list of recurring requests", () => {
  const stored = ["a", "b", "c"].map((recurringId) => itemOf({ recurringId }));
  const shown = ["a", "b", "c"].map((recurringId) => viewOf({ recurringId }));

  test("A page is read as it is asked for", async () => {
    const { recurring, calls } = setUp({ stored });
    const page = { limit: 2, after: "a" };
    expect(await recurring.read(clientId, page)).toStrictEqual(shown.slice(1));
    expect(calls).toEqual([["list", clientId, page]]);
  });

  test("Each page has the cursor of the next one, and the last page none", async () => {
    const { recurring, calls } = setUp({ stored });
    const { items, nextCursor = "" } = await recurring.list(clientId, { limit: 2 });
    expect(items).toStrictEqual(shown.slice(0, 2));
    const last = await recurring.list(clientId, { limit: 2, cursor: nextCursor });
    expect(last).toStrictEqual({ items: shown.slice(2) });
    expect(calls).toEqual([
      ["list", clientId, { limit: 3, after: undefined }],
      ["list", clientId, { limit: 3, after: "b" }],
    ]);
  });

  test("A cursor of another client is refused", async () => {
    const { recurring } = setUp({ stored });
    const { nextCursor = "" } = await recurring.list(clientId, { limit: 1 });
    const message = "must be the nextCursor of an earlier page of this list";
    const other = recurring.list("cl_2", { limit: 1, cursor: nextCursor });
    await expect(other).rejects.toEqual(refused("cursor", message));
  });
});
