import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDynamoApiKeys } from "../../../shared/adapters/dynamo/dynamo-api-keys.ts";
import { makeDynamoConfigStore } from "../../../shared/adapters/dynamo/dynamo-config-store.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

let tables: Awaited<ReturnType<typeof openLocalTables>>;
beforeAll(async () => {
  tables = await openLocalTables();
});
afterAll(() => tables.close());

let made = 0;

async function setUp() {
  const clock = makeTestClock();
  const place = { client: tables.client, tableName: tables.outputs.ConfigTableName ?? "" };
  const store = makeDynamoConfigStore(place);
  const keyId = `key${++made}`;
  const key = {
    pk: `key#${keyId}`,
    clientId: "cl_1",
    keyId,
    secretSha256: "x",
    createdAt: "2026-06-25T12:00:00.000Z",
  };
  return { clock, store, key, keyId, keys: makeDynamoApiKeys({ ...place, nowMs: clock.realMs }) };
}

test("A missing API key is not cached and is found as soon as it exists", async () => {
  const { keys, key, keyId, store } = await setUp();
  expect(await keys.find(keyId)).toBeUndefined();
  await store.create(key);
  expect(await keys.find(keyId)).toEqual(key);
});

test("A revocation of a cached API key takes effect after ten seconds", async () => {
  const { keys, key, keyId, store, clock } = await setUp();
  await store.create(key);
  await keys.find(keyId);
  await store.revokeApiKey("cl_1", keyId, "2026-06-25T12:00:01.000Z");
  clock.passReal(9_999);
  expect((await keys.find(keyId))?.revokedAt).toBeUndefined();
  clock.passReal(1);
  expect((await keys.find(keyId))?.revokedAt).toBe("2026-06-25T12:00:01.000Z");
});

test("The last use of an API key is stored, updates the cached key and never moves backwards", async () => {
  const { keys, key, keyId, store, clock } = await setUp();
  await store.create(key);
  await keys.find(keyId);
  await keys.recordUse(keyId, "2026-06-25T13:00:00.000Z");
  expect((await keys.find(keyId))?.lastUsedAt).toBe("2026-06-25T13:00:00.000Z");
  await keys.recordUse(keyId, "2026-06-25T12:00:00.000Z");
  clock.passReal(10_000);
  expect((await keys.find(keyId))?.lastUsedAt).toBe("2026-06-25T13:00:00.000Z");
});

test("The use of a deleted API key does not create it again", async () => {
  const { keys, keyId } = await setUp();
  await keys.recordUse(keyId, "2026-06-25T13:00:00.000Z");
  expect(await keys.find(keyId)).toBeUndefined();
});
