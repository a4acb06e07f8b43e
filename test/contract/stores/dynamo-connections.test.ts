import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDynamoConfigStore } from "../../../shared/adapters/dynamo/dynamo-config-store.ts";
import { makeDynamoConnections } from "../../../shared/adapters/dynamo/dynamo-connections.ts";
import { randomHex } from "../../../shared/adapters/random-hex.ts";
import { readMasterKeys, seal } from "../../../shared/core/crypto/master-keys.ts";
import { openTablesThroughProxy } from "../../support/fakes/dynamo-through-proxy.ts";
import { makeRequestParts } from "../../support/payloads/request-parts.ts";

const CACHED_MS = 30_000;
const masterKeys = readMasterKeys(
  JSON.stringify({ current: "k1", k1: "0123456789abcdef0123456789abcdef0123456789abcdef" }),
);

let dynamo: Awaited<ReturnType<typeof openTablesThroughProxy>>;
beforeAll(async () => {
  dynamo = await openTablesThroughProxy();
});
afterAll(() => dynamo.close());

/** A reader of connections with a clock that the test sets, and the number of reads that it has made. */
function makeReader(connectionId: string) {
  let nowMs = 1_000_000;
  const before = dynamo.proxy.calls.length;
  const connections = makeDynamoConnections({
    client: dynamo.client,
    tableName: dynamo.outputs.ConfigTableName ?? "",
    masterKeys: async () => masterKeys,
    ttlMs: CACHED_MS,
    nowMs: () => nowMs,
  });
  return {
    read: () => connections.read(connectionId),
    readThrottled: () => connections.readThrottled(connectionId),
    readCount: () => dynamo.proxy.calls.length - before,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

async function storeConnection(connectionId: string): Promise<void> {
  const parts = { clientId: "cl_1", connectionId, provider: "we-link" } as const;
  const { secrets, ...connection } = makeRequestParts(parts).connection;
  const pk = `connection#${connectionId}`;
  const sealedSecrets = seal({ masterKeys, randomHex }, pk, JSON.stringify(secrets));
  const tableName = dynamo.outputs.ConfigTableName ?? "";
  const store = makeDynamoConfigStore({ client: dynamo.directClient, tableName });
  await store.create({ ...connection, pk, sealedSecrets, version: 1 });
}

test("A connection is read once while it is cached", async () => {
  await storeConnection("cn_cached");
  const reader = makeReader("cn_cached");
  for (let n = 0; n < 10; n++) expect(await reader.read()).toMatchObject({ clientId: "cl_1" });
  reader.pass(CACHED_MS - 1);
  await reader.read();
  expect(reader.readCount()).toBe(1);
  reader.pass(1);
  await reader.read();
  expect(reader.readCount()).toBe(2);
});

test("60 forged webhooks within a second cause one read past the cache, and the next second one more", async () => {
  await storeConnection("cn_forged");
  const reader = makeReader("cn_forged");
  await reader.read();
  for (let n = 0; n < 60; n++) await reader.readThrottled();
  reader.pass(999);
  await reader.readThrottled();
  expect(reader.readCount()).toBe(2);
  reader.pass(1);
  for (let n = 0; n < 60; n++) await reader.readThrottled();
  expect(reader.readCount()).toBe(3);
});

test("A missing connection is looked up for each webhook, and not a second time for the same one", async () => {
  const reader = makeReader("cn_missing");
  for (let n = 0; n < 3; n++) {
    expect(await reader.read()).toBeUndefined();
    expect(await reader.readThrottled()).toBeUndefined();
  }
  expect(reader.readCount()).toBe(3);
});

test("A change of a connection whose response is lost and that the SDK retries is no conflict", async () => {
  await storeConnection("cn_lossy");
  const tableName = dynamo.outputs.ConfigTableName ?? "";
  const store = makeDynamoConfigStore({ client: dynamo.client, tableName });
  const read = await store.connection("cn_lossy");
  if (!read) throw new Error("no connection");
  const write = () => store.replaceConnection(read);
  expect(await dynamo.withLostResponse("PutItem", write)).toBe(true);
  expect(await store.connection("cn_lossy")).toEqual({ ...read, version: 2 });
});
