import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDynamoRecurring } from "../../../shared/adapters/dynamo/dynamo-recurring.ts";
import { configKey } from "../../../shared/contracts/config-items.ts";
import type { RecurringStore } from "../../../shared/core/requests/recurring/ports.ts";
import { openDynamoThroughProxy } from "../../support/fakes/dynamo-through-proxy.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

let tables: Awaited<ReturnType<typeof openLocalTables>>;
let store: RecurringStore;
beforeAll(async () => {
  tables = await openLocalTables();
  const tableName = tables.outputs.ConfigTableName ?? "";
  store = makeDynamoRecurring({ client: tables.client, tableName });
});
afterAll(() => tables.close());

const itemOf = (clientId: string, recurringId: string) => ({
  pk: configKey.recurring(clientId, recurringId),
  ...{ clientId, recurringId, provider: "we-link" as const, connectionId: "cn_1" },
  ...{ accountId: "a", action: "connect", params: '{"n":1.0}', status: "active" as const },
  every: { cron: "0 9 ? * MON *", timeZone: "Europe/Berlin" },
  ...{ createdAt: "2026-06-25T12:00:00.000Z", changedAt: "2026-06-25T12:00:00.000Z" },
});

test("A recurring request is stored, replaced by the version that was read, and deleted", async () => {
  const item = itemOf("cl_a", "one");
  expect(await store.find("cl_a", "one")).toBeUndefined();
  const first = await store.put({ ...item, group: "g", isHigh: true }, undefined);
  expect(await store.find("cl_a", "one")).toEqual(first);
  expect(await store.put(item, undefined)).toBeUndefined();
  const second = await store.put(item, first);
  if (!first || !second) throw new Error("both were stored");
  expect(await store.find("cl_a", "one")).toEqual({ ...item, version: first.version + 1 });
  expect(await store.put(item, first)).toBeUndefined();
  expect(second.version).toBe(first.version + 1);
  expect(await store.delete(first)).toBe(false);
  expect(await store.find("cl_a", "one")).toEqual(second);
  for (let times = 0; times < 2; times++) expect(await store.delete(second)).toBe(true);
  expect(await store.find("cl_a", "one")).toBeUndefined();
});

test("A recurring request that was deleted and created again is no version that was there before", async () => {
  const item = itemOf("cl_d", "one");
  const first = await store.put(item, undefined);
  if (!first) throw new Error("it was stored");
  await store.delete(first);
  const again = await store.put({ ...item, changedAt: "2026-06-25T12:00:01.000Z" }, undefined);
  expect(await store.put(item, first)).toBeUndefined();
  expect(await store.delete(first)).toBe(false);
  expect(await store.find("cl_d", "one")).toEqual(again);
});

test("A client's recurring requests are listed by id, page by page, and no other client's", async () => {
  for (const id of ["c", "a", "b"]) await store.put(itemOf("cl_b", id), undefined);
  await store.put(itemOf("cl_b2", "a"), undefined);
  const ids = async (page: Parameters<RecurringStore["list"]>[1]) =>
    (await store.list("cl_b", page)).map(({ recurringId }) => recurringId);
  expect(await ids({ limit: 10 })).toEqual(["a", "b", "c"]);
  expect(await ids({ limit: 2 })).toEqual(["a", "b"]);
  expect(await ids({ limit: 2, after: "b" })).toEqual(["c"]);
});

test("A write whose response is lost and that the SDK retries is recognised", async () => {
  const dynamo = await openDynamoThroughProxy(tables.awsClientConfig);
  const lossy = makeDynamoRecurring({
    client: dynamo.client,
    tableName: tables.outputs.ConfigTableName ?? "",
  });
  const item = itemOf("cl_c", "one");
  expect(await dynamo.withLostResponse("PutItem", () => lossy.put(item, undefined))).toMatchObject({
    version: Date.parse(item.changedAt),
  });
  await dynamo.close();
});
