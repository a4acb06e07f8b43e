import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { batchGet } from "../../../shared/adapters/dynamo/dynamo-batch-get.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

let tables: Awaited<ReturnType<typeof openLocalTables>>;
let events = "";
let requests = "";

beforeAll(async () => {
  tables = await openLocalTables();
  events = tables.outputs.EventsTableName ?? "";
  requests = tables.outputs.RequestsTableName ?? "";
});
afterAll(() => tables.close());

const put = (TableName: string, Item: object) =>
  tables.client.send(new PutCommand({ TableName, Item: { ...Item } }));

test("A batch read returns the items by table name, each with the projection of its table", async () => {
  await put(events, { id: "e-1", status: "PUBLISHED", raw: "large" });
  await put(requests, { lane: "l-1", id: "r-1", status: "queued" });
  const found = await batchGet(tables.client, [
    { tableName: events, keys: [{ id: "e-1" }, { id: "none" }], projection: ["id", "status"] },
    { tableName: requests, keys: [{ lane: "l-1", id: "r-1" }] },
  ]);
  expect(Object.fromEntries(found)).toEqual({
    [events]: [{ id: "e-1", status: "PUBLISHED" }],
    [requests]: [{ lane: "l-1", id: "r-1", status: "queued" }],
  });
});

test("A batch read splits more keys than one call accepts, and returns the item of a repeated key once", async () => {
  const ids = Array.from({ length: 130 }, (_, n) => `many-${n}`);
  await Promise.all(ids.map((id) => put(events, { id })));
  const keys = [...ids, ...ids].map((id) => ({ id }));
  const found = await batchGet(tables.client, [{ tableName: events, keys }]);
  expect((found.get(events) ?? []).map(({ id }) => String(id)).sort()).toEqual(ids.sort());
});

test("A batch read without keys returns no tables", async () => {
  expect(await batchGet(tables.client, [{ tableName: events, keys: [] }])).toEqual(new Map());
});
