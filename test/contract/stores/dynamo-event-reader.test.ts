import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDynamoEventReader } from "../../../shared/adapters/dynamo/dynamo-event-reader.ts";
import type { EventReader } from "../../../shared/core/events/read-events.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

const START_MS = Date.UTC(2026, 5, 25, 12);
const blobs = new Map<string, string>();
const clock = makeTestClock(START_MS);
let tables: Awaited<ReturnType<typeof openLocalTables>>;
let reader: EventReader;

beforeAll(async () => {
  tables = await openLocalTables();
  reader = makeDynamoEventReader({
    client: tables.client,
    tableName: tables.outputs.EventsTableName ?? "",
    clock,
    bodies: { get: async (key) => Buffer.from(blobs.get(key) ?? "") },
  });
});
afterAll(() => tables.close());

let clients = 0;
const newClient = () => `cl_${++clients}`;

/** Stores events as `consume` does; the n-th is received n milliseconds after the start. */
async function store(clientId: string, events: { type?: string; item?: object }[]) {
  const ids: string[] = [];
  for (const [n, { type = "workflow.completed", item = {} }] of events.entries()) {
    const id = `${type}:${clientId}:${n}`;
    ids.push(id);
    const Item = {
      id,
      clientId,
      type,
      ...("envelopeKey" in item ? {} : { envelope: `{"id":"${id}"}` }),
      listedAs: `${new Date(START_MS + n).toISOString()}#${id}`,
      status: "PUBLISHED",
      ...item,
    };
    await tables.client.send(
      new PutCommand({ TableName: tables.outputs.EventsTableName ?? "", Item }),
    );
  }
  return ids;
}

async function pages(query: Parameters<EventReader["list"]>[0]): Promise<string[][]> {
  const all: string[][] = [];
  let before: string | undefined;
  do {
    const page = await reader.list({ ...query, before });
    all.push(page.events.map(({ id }) => id));
    before = page.before;
  } while (before !== undefined);
  return all;
}

describe("Lists of events", () => {
  test("A list has the newest event first, each event once, and no empty last page", async () => {
    const clientId = newClient();
    const ids = (await store(clientId, Array(6).fill({}))).reverse();
    expect(await pages({ clientId, limit: 4 })).toEqual([ids.slice(0, 4), ids.slice(4)]);
    expect(await pages({ clientId, limit: 3 })).toEqual([ids.slice(0, 3), ids.slice(3)]);
    expect(await pages({ clientId, limit: 100 })).toEqual([ids]);
  });

  test("A list has the events of one client only", async () => {
    const [one, other] = [newClient(), newClient()];
    await store(one, [{}, {}]);
    expect(await pages({ clientId: other, limit: 10 })).toEqual([[]]);
  });

  test("A list of one type has no event of another type, not even of one with the same prefix", async () => {
    const clientId = newClient();
    const [, wanted] = await store(clientId, [
      { type: "account.activeX" },
      { type: "account.active" },
      { type: "workflow.completed" },
    ]);
    expect(await pages({ clientId, type: "account.active", limit: 10 })).toEqual([[wanted]]);
  });

  test("A list omits expired events", async () => {
    const clientId = newClient();
    const nowSeconds = Math.floor(START_MS / 1000);
    const [, second, third] = await store(clientId, [
      { item: { expiresAt: nowSeconds } },
      { item: { expiresAt: nowSeconds + 1 } },
      {},
    ]);
    expect(await pages({ clientId, limit: 10 })).toEqual([[third, second]]);
  });

  test("A page that would be too large for Lambda ends early, and the next page continues after it", async () => {
    const clientId = newClient();
    blobs.set("events/large", `{"x":"${"x".repeat(240_000)}"}`);
    const ids = await store(clientId, Array(23).fill({ item: { envelopeKey: "events/large" } }));
    const found = await pages({ clientId, limit: 100 });
    expect(found.map((page) => page.length)).toEqual([10, 10, 3]);
    expect(found.flat()).toEqual(ids.reverse());
  });
});

describe("Single events", () => {
  test("An event without an inline envelope is read with its envelope from the bucket", async () => {
    blobs.set("events/one", '{"id":"large"}');
    const [id = ""] = await store(newClient(), [{ item: { envelopeKey: "events/one" } }]);
    expect(await reader.find(id)).toMatchObject({ id, envelope: '{"id":"large"}' });
  });

  test("An event is read with its raw body", async () => {
    const clientId = newClient();
    const raw = new Uint8Array([1, 2, 255]);
    const [id = ""] = await store(clientId, [
      { item: { raw, publishedAt: "2026-06-25T12:00:00Z" } },
    ]);
    expect(await reader.find(id)).toMatchObject({
      id,
      clientId,
      envelope: `{"id":"${id}"}`,
      publishedAt: "2026-06-25T12:00:00Z",
      raw,
    });
  });

  test("An expired event is not found, although TTL has not deleted it yet", async () => {
    const [id = ""] = await store(newClient(), [
      { item: { expiresAt: Math.floor(START_MS / 1000) } },
    ]);
    expect(await reader.find(id)).toBeUndefined();
    expect(await reader.find("workflow.completed:none")).toBeUndefined();
  });
});
