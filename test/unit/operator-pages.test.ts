import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { writeCursor } from "../../shared/core/input/cursor.ts";
import { makeClientPages } from "../../shared/core/operator/client-pages.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const message = "must be the nextCursor of an earlier page of this list";
const notACursor = { code: "REQUEST_INVALID", errors: [{ field: "cursor", message }] };
const NOON = "2026-06-25T12:00:00.000Z";
const noClient = { code: "NOT_FOUND", message: "there is no such client" };

function setUp(clientIds: readonly string[]) {
  const clock = makeTestClock();
  const ids = [...clientIds];
  const pages = makeClientPages({
    clock,
    store: {
      clientIds: async () => [...ids],
      client: async (clientId) =>
        ids.includes(clientId)
          ? { pk: `client#${clientId}`, clientId, name: clientId, createdAt: NOON }
          : undefined,
    },
  });
  return { clock, ids, pages };
}

describe("The clients of a list", () => {
  test("The clients are remembered for five seconds of real time", async () => {
    const { clock, ids, pages } = setUp(["A"]);
    expect(await pages.allClients()).toEqual(["A"]);
    ids.push("B");
    clock.passReal(4_999);
    clock.passBusiness(3_600_000);
    expect(await pages.allClients()).toEqual(["A"]);
    clock.passReal(1);
    expect(await pages.allClients()).toEqual(["A", "B"]);
    ids.push("C");
    clock.passReal(4_999);
    expect(await pages.clientsOf(undefined)).toEqual(["A", "B"]);
  });

  test("A client that is named is the only one, and must exist", async () => {
    const { pages } = setUp(["A", "B"]);
    expect(await pages.clientsOf("B")).toEqual(["B"]);
    await expect(pages.clientsOf("C")).rejects.toMatchObject(noClient);
  });
});

describe("A list client by client", () => {
  const of = { list: "webhooks", clientId: "" } as const;
  const one = (clientId: string, key: string) => ({ clientId, key });

  /** Lists records of these keys; `asked` is what was read: client, limit, after which key. */
  function listOf(records: Readonly<Record<string, readonly string[]>>) {
    const { pages } = setUp(Object.keys(records));
    const asked: [clientId: string, limit: number, after: string | undefined][] = [];
    const list = (query: Parameters<typeof pages.byClient>[1]) =>
      pages.byClient(
        "webhooks",
        query,
        async (clientId, { limit, after }) => {
          asked.push([clientId, limit, after]);
          const keys = records[clientId] ?? [];
          const rest = after === undefined ? keys : keys.filter((key) => key > after);
          return rest.slice(0, limit).map((key) => ({ key }));
        },
        ({ key }) => key,
      );
    return { list, asked: () => asked.splice(0) };
  }

  test("A page that ends within a client is followed by one that begins there", async () => {
    const { list, asked } = listOf({ A: ["a", "b", "c"], B: [], C: ["a"] });
    const cursor = writeCursor(of, '["A","b"]');
    expect(await list({ limit: 2 })).toEqual({
      items: [one("A", "a"), one("A", "b")],
      nextCursor: cursor,
    });
    expect(asked()).toEqual([["A", 3, undefined]]);
    expect(await list({ limit: 2, cursor })).toEqual({ items: [one("A", "c"), one("C", "a")] });
    expect(asked()).toEqual([
      ["A", 3, "b"],
      ["B", 2, undefined],
      ["C", 2, undefined],
    ]);
  });

  test("A full page looks for one more record, and clients before the cursor are not read", async () => {
    const { list, asked } = listOf({ A: ["a"], B: ["a"], C: ["a"] });
    const cursor = writeCursor(of, '["A","a"]');
    expect(await list({ limit: 1 })).toEqual({ items: [one("A", "a")], nextCursor: cursor });
    expect(asked()).toEqual([
      ["A", 2, undefined],
      ["B", 1, undefined],
    ]);
    expect(await list({ limit: 1, cursor: writeCursor(of, '["B","a"]') })).toEqual({
      items: [one("C", "a")],
    });
    expect(asked()).toEqual([
      ["B", 2, "a"],
      ["C", 2, undefined],
    ]);
  });

  test("A list of one client reads no other, and its cursor is of this client only", async () => {
    const { list, asked } = listOf({ A: ["a"], B: ["a", "b"] });
    const cursor = writeCursor({ ...of, clientId: "B" }, '["B","a"]');
    expect(await list({ limit: 1, clientId: "B" })).toEqual({
      items: [one("B", "a")],
      nextCursor: cursor,
    });
    expect(asked()).toEqual([["B", 2, undefined]]);
    for (const clientId of [undefined, "A"]) {
      await expect(list({ limit: 1, cursor, clientId })).rejects.toMatchObject(notACursor);
    }
    await expect(list({ limit: 1, clientId: "C" })).rejects.toMatchObject(noClient);
    expect(asked()).toEqual([]);
  });

  test("A list without records has an empty page", async () => {
    expect(await listOf({ A: [] }).list({ limit: 1 })).toEqual({ items: [] });
    expect(await listOf({}).list({ limit: 1 })).toEqual({ items: [] });
  });

  test.each([
    ["is no cursor", "x"],
    ["is of another list", writeCursor({ ...of, list: "accounts" }, '["A","a"]')],
    ["has no client", writeCursor(of, "[]")],
    ["is no JSON", writeCursor(of, "[}]")],
    ["has a client that is no text", writeCursor(of, '[1,"a"]')],
    ["has a key that is no text", writeCursor(of, '["A",{}]')],
    ["has more before its place", writeCursor(of, 'x["A","a"]')],
    ["has more behind its place", writeCursor(of, '["A","a"]x')],
    ["has a place of more than 1,400 characters", writeCursor(of, `["A","${"k".repeat(1_395)}"]`)],
  ])("A cursor that %s is refused before anything is read", async (_what, cursor) => {
    const { list, asked } = listOf({ A: ["a"] });
    await expect(list({ limit: 1, cursor })).rejects.toMatchObject(notACursor);
    expect(asked()).toEqual([]);
  });

  test("A cursor may have a place of 1,400 characters, with any character", async () => {
    const { list, asked } = listOf({ A: [] });
    const key = `\u2028${"k".repeat(1_393)}`;
    await list({ limit: 1, cursor: writeCursor(of, JSON.stringify(["A", key])) });
    expect(asked()).toEqual([["A", 2, key]]);
  });
});

describe("A list by time", () => {
  const of = { list: "events", clientId: "" } as const;
  interface Answer {
    places: readonly number[];
    before?: number;
  }

  /** Lists records at these places; `asked` is what was read of each client. */
  function listOf(answers: Readonly<Record<string, Answer>>) {
    const { pages } = setUp(Object.keys(answers));
    const asked: [clientId: string, page: object][] = [];
    const none: Answer = { places: [] };
    const list = (query: Parameters<typeof pages.newest>[1]) =>
      pages.newest("events", query, async (clientId, page) => {
        asked.push([clientId, page]);
        const { places, before } = answers[clientId] ?? none;
        return {
          found: places.map((n) => ({ place: `${n}#${clientId}`, item: `${clientId}${n}` })),
          before: before === undefined ? undefined : `${before}#${clientId}`,
        };
      });
    return { asked, list };
  }

  test("The newest records of all clients come first, and the next page follows the last", async () => {
    const { asked, list } = listOf({ A: { places: [9, 4] }, B: { places: [7, 5] } });
    expect(await list({ limit: 3 })).toEqual({
      items: ["A9", "B7", "B5"],
      nextCursor: writeCursor(of, "5#B"),
    });
    expect(asked).toEqual([
      ["A", { limit: 3, before: undefined }],
      ["B", { limit: 3, before: undefined }],
    ]);
    expect(await list({ limit: 4 })).toEqual({ items: ["A9", "B7", "B5", "A4"] });
  });

  test("Records are shown as far as every client was read", async () => {
    const C = { places: [9, 5] };
    const { list } = listOf({ A: { places: [8, 7], before: 7 }, B: { places: [6], before: 6 }, C });
    expect(await list({ limit: 10 })).toEqual({
      items: ["C9", "A8", "A7"],
      nextCursor: writeCursor(of, "7#A"),
    });
    expect(await list({ limit: 2 })).toEqual({
      items: ["C9", "A8"],
      nextCursor: writeCursor(of, "8#A"),
    });
  });

  test("A page without records has a next one while a client is not read to its end", async () => {
    const { list } = listOf({ A: { places: [], before: 8 }, B: { places: [7] } });
    expect(await list({ limit: 1 })).toEqual({ items: [], nextCursor: writeCursor(of, "8#A") });
    expect(await listOf({ A: { places: [] } }).list({ limit: 1 })).toEqual({ items: [] });
  });

  test.each(["5#B", `${"t".repeat(32)}#${"i".repeat(512)}`])(
    "Every client is read from the place of the cursor on (%#)",
    async (before) => {
      const { asked, list } = listOf({ A: { places: [] }, B: { places: [] } });
      await list({ limit: 2, cursor: writeCursor(of, before) });
      expect(asked).toEqual([
        ["A", { limit: 2, before }],
        ["B", { limit: 2, before }],
      ]);
    },
  );

  const places = ["", "5", "5#", "#a", "#5#a", `${"t".repeat(33)}#a`, `5#${"i".repeat(513)}`];

  test.each([
    ...places.map((place) => writeCursor(of, place)),
    writeCursor({ ...of, list: "deliveries" }, "5#B"),
    writeCursor({ ...of, clientId: "A" }, "5#B"),
  ])("A cursor of another form, list or client is refused (%#)", async (cursor) => {
    const { asked, list } = listOf({ A: { places: [5] } });
    await expect(list({ limit: 1, cursor })).rejects.toMatchObject(notACursor);
    expect(asked).toEqual([]);
  });

  test("A list of one client reads no other, and its cursor is of this client", async () => {
    const { asked, list } = listOf({ A: { places: [9] }, B: { places: [8, 7] } });
    expect(await list({ limit: 1, clientId: "B" })).toEqual({
      items: ["B8"],
      nextCursor: writeCursor({ ...of, clientId: "B" }, "8#B"),
    });
    expect(asked).toEqual([["B", { limit: 1, before: undefined }]]);
    await expect(list({ limit: 1, clientId: "C" })).rejects.toMatchObject(noClient);
  });

  test("A hundred clients are merged, and of more than a hundred one must be named", async () => {
    const clients = (count: number): Record<string, Answer> =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`c${n}`, { places: [n] }]));
    expect((await listOf(clients(100)).list({ limit: 100 })).items).toHaveLength(100);
    const { asked, list } = listOf(clients(101));
    const message = "is required: there are more than 100 clients";
    await expect(list({ limit: 1 })).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      errors: [{ field: "clientId", message }],
    });
    expect(asked).toEqual([]);
    expect(await list({ limit: 1, clientId: "c7" })).toEqual({ items: ["c77"] });
  });

  test("Twenty clients are read at the same time", async () => {
    const { pages } = setUp(Array.from({ length: 21 }, (_, n) => `c${n}`));
    const running = { now: 0, most: 0 };
    await pages.newest("events", { limit: 1 }, async () => {
      running.most = Math.max(running.most, ++running.now);
      await setImmediate();
      running.now--;
      return { found: [] };
    });
    expect(running).toEqual({ now: 0, most: 20 });
  });
});
