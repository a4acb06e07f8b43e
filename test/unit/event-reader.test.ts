import { describe, expect, test } from "vitest";
import {
  type EventReader,
  jsonOf,
  makeReadEvents,
  type StoredEvent,
} from "../../shared/core/events/read-events.ts";
import { writeCursor } from "../../shared/core/input/cursor.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const envelope = '{"id":"e:1","n":1.0}';
const event: StoredEvent = { id: "e:1", clientId: "cl_1", envelope };
const list = { list: "events", clientId: "cl_1" } as const;

function setUp(events: StoredEvent[] = [], before?: string) {
  const asked: unknown[] = [];
  const { get, list: read } = makeReadEvents({
    reader: {
      find: async (id) => events.find((one) => one.id === id),
      async list(of: Parameters<EventReader["list"]>[0]) {
        asked.push(of);
        return { events, before };
      },
    },
  });
  return { asked, get, read };
}

describe("The text of a stored event", () => {
  test("An event that is not published yet is its envelope", () => {
    expect(jsonOf(event)).toBe(envelope);
  });

  test("What is added comes last: more, the time of publishing and the webhook's bytes", () => {
    expect(jsonOf({ ...event, publishedAt: NOON })).toBe(
      `{"id":"e:1","n":1.0,"publishedAt":"${NOON}"}`,
    );
    const raw = new Uint8Array([0xff, 0xfe]);
    expect(jsonOf({ ...event, raw })).toBe('{"id":"e:1","n":1.0,"raw":"//4="}');
    expect(jsonOf({ ...event, publishedAt: NOON, raw }, { clientId: "cl_1" })).toBe(
      `{"id":"e:1","n":1.0,"clientId":"cl_1","publishedAt":"${NOON}","raw":"//4="}`,
    );
  });
});

describe("An event of a client", () => {
  test("It is returned with the digits of its numbers", async () => {
    expect(await setUp([event]).get("cl_1", "e:1")).toBe(envelope);
  });

  test.each([
    ["there is not", "cl_1", "e:2"],
    ["another client has", "cl_2", "e:1"],
  ])("One that %s is not found", async (_, clientId, id) => {
    await expect(setUp([event]).get(clientId, id)).rejects.toMatchObject({
      ...{ code: "NOT_FOUND", message: "there is no such event" },
    });
  });
});

describe("The list of a client's events", () => {
  test("The last page has the events as they are, and no cursor", async () => {
    const { asked, read } = setUp([event, { ...event, publishedAt: NOON }]);
    expect(await read("cl_1", { limit: 2 })).toBe(
      `{"items":[${envelope},{"id":"e:1","n":1.0,"publishedAt":"${NOON}"}]}`,
    );
    const query = { clientId: "cl_1", type: undefined, limit: 2, before: undefined };
    expect(asked).toStrictEqual([query]);
    expect(await setUp().read("cl_1", { limit: 2 })).toBe('{"items":[]}');
  });

  test("A page with more behind it has a cursor, from which the next page goes on", async () => {
    const place = `${NOON}#e:1`;
    const { asked, read } = setUp([event], place);
    const cursor = writeCursor(list, place);
    const type = "workflow.completed";
    const text = await read("cl_1", { limit: 1, cursor, type });
    expect(text).toBe(`{"items":[${envelope}],"nextCursor":"${cursor}"}`);
    expect(asked).toStrictEqual([{ clientId: "cl_1", type, limit: 1, before: place }]);
  });

  test.each([
    ["of another client", writeCursor({ ...list, clientId: "cl_2" }, `${NOON}#e:1`)],
    ["of another list", writeCursor({ ...list, list: "requests" }, `${NOON}#e:1`)],
    ["without an id", writeCursor(list, `${NOON}#`)],
    ["without a time", writeCursor(list, "#e:1")],
    ["with a time that is too long", writeCursor(list, `${"x".repeat(33)}#e:1`)],
    ["with an id that is too long", writeCursor(list, `${NOON}#${"x".repeat(513)}`)],
    ["that is none", "x"],
  ])("A cursor %s is refused before anything is read", async (_, cursor) => {
    const { asked, read } = setUp([event]);
    await expect(read("cl_1", { limit: 1, cursor })).rejects.toMatchObject({
      ...{ code: "REQUEST_INVALID", errors: [{ field: "cursor" }] },
    });
    expect(asked).toEqual([]);
  });

  test("A cursor with the longest time and the longest id is read", async () => {
    const place = `${"x".repeat(32)}#${"x".repeat(512)}`;
    const { asked, read } = setUp();
    await read("cl_1", { limit: 1, cursor: writeCursor(list, place) });
    expect(asked).toMatchObject([{ before: place }]);
  });
});
