import { describe, expect, test } from "vitest";
import type { AuditRecord } from "../../shared/contracts/operator-action.ts";
import type { AuditStore } from "../../shared/core/audit/audit.ts";
import { writeCursor } from "../../shared/core/input/cursor.ts";
import { auditHandlers } from "../../shared/core/operator/audit-handlers.ts";
import type { OperatorDeps } from "../../shared/core/operator/ports.ts";
import { answerOf } from "../support/answer-of.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const list = { list: "audit", clientId: "" } as const;
const placeOf = (digits: number) => `${NOON}#au_${"a".repeat(digits)}`;

const recordOf = (id: string, of: Partial<AuditRecord> = {}): AuditRecord => ({
  ...{ id, at: NOON, who: "operator:op1", whoName: "Anna", action: "pauseConnection" },
  ...{ target: { connectionId: "cn_1" }, clientId: "cl_1", outcome: "done" },
  ...of,
});

/** A list of these records, which notes what it is asked for. */
function setUp(records: AuditRecord[] = [], before?: string) {
  const asked: object[] = [];
  const handlers = auditHandlers({
    audit: {
      async list({ matches, ...of }: Parameters<AuditStore["list"]>[0]) {
        asked.push(of);
        return { records: records.filter(matches), before };
      },
    },
  } as unknown as OperatorDeps);
  const read = (query: object = {}) =>
    answerOf(handlers.listAudit, { query: { limit: 25, ...query } });
  return { asked, read };
}

describe("A list of audit records", () => {
  test("Without a filter every record is listed, from the newest on", async () => {
    const records = [recordOf("au_1"), recordOf("au_2", { clientId: undefined })];
    const { asked, read } = setUp(records);
    expect(await read()).toStrictEqual({
      items: [recordOf("au_1"), JSON.parse(JSON.stringify(records[1]))],
    });
    expect(asked).toStrictEqual([{ limit: 25, before: undefined, untilMs: undefined }]);
  });

  test("A page with more behind it has a cursor, from which the next page goes on", async () => {
    const { asked, read } = setUp([recordOf("au_1")], placeOf(32));
    const page = await read({ limit: 1 });
    expect(page).toStrictEqual({
      items: [recordOf("au_1")],
      nextCursor: writeCursor(list, placeOf(32)),
    });
    await read({ limit: 1, cursor: page.nextCursor });
    expect(asked.at(-1)).toStrictEqual({ limit: 1, before: placeOf(32), untilMs: undefined });
  });

  test("The end of the time is passed on in milliseconds", async () => {
    const { asked, read } = setUp();
    await read({ until: "2026-06-25T14:00:00.500+02:00" });
    expect(asked).toStrictEqual([
      { limit: 25, before: undefined, untilMs: Date.parse(NOON) + 500 },
    ]);
  });

  const records = [
    recordOf("au_1"),
    recordOf("au_2", { clientId: "cl_2", who: "operator:op2", whoName: "Ben" }),
    recordOf("au_3", { clientId: undefined, who: "cli:anna", whoName: undefined }),
    recordOf("au_4", { action: "resumeConnection" }),
  ];
  test.each([
    ["of a client", { clientId: "cl_1" }, ["au_1", "au_4"]],
    ["of a client without records", { clientId: "cl_3" }, []],
    ["of a key, by its id", { who: "operator:op2" }, ["au_2"]],
    ["of a key, by its name", { who: "Anna" }, ["au_1", "au_4"]],
    ["of a user of the admin command", { who: "cli:anna" }, ["au_3"]],
    ["of nobody", { who: "anna" }, []],
    ["of an operation", { action: "resumeConnection" }, ["au_4"]],
    ["that every filter names", { clientId: "cl_1", action: "pauseConnection" }, ["au_1"]],
    ["that no record is with all filters", { clientId: "cl_2", who: "Anna" }, []],
  ])("Records %s are listed and no others", async (_, query, ids) => {
    const { items } = await setUp(records).read(query);
    expect(items.map(({ id }: AuditRecord) => id)).toEqual(ids);
  });
});

describe("The cursor of a list of audit records", () => {
  test.each([placeOf(32), `${NOON}~`])("The position %s is read", async (place) => {
    const { asked, read } = setUp();
    await read({ cursor: writeCursor(list, place) });
    expect(asked).toStrictEqual([{ limit: 25, before: place, untilMs: undefined }]);
  });

  test.each([
    ["a text that is no cursor", "x"],
    ["one of a client", writeCursor({ ...list, clientId: "cl_1" }, placeOf(32))],
    ["one of another list", writeCursor({ ...list, list: "events" }, placeOf(32))],
    ["one without a record", writeCursor(list, NOON)],
    ["one without a time", writeCursor(list, placeOf(32).replace(NOON, ""))],
    ["one whose time is no time", writeCursor(list, placeOf(32).replace(NOON, "x"))],
    ["one whose end of a time is no time", writeCursor(list, `${"x".repeat(32)}~`)],
    ["one whose time has more digits", writeCursor(list, `1${NOON}~`)],
    ["one whose time has no milliseconds", writeCursor(list, "2026-06-25T12:00:00Z~")],
    ["one whose record is too short", writeCursor(list, placeOf(31))],
    ["one whose record is too long", writeCursor(list, placeOf(33))],
    ["one with a text behind its end", writeCursor(list, `${placeOf(32)}~`)],
  ])("%s is refused before anything is read", async (_, cursor) => {
    const { asked, read } = setUp();
    await expect(read({ cursor })).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      errors: [
        { field: "cursor", message: "must be the nextCursor of an earlier page of this list" },
      ],
    });
    expect(asked).toEqual([]);
  });
});
