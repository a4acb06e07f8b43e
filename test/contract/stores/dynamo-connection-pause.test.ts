import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDynamoConfigStore } from "../../../shared/adapters/dynamo/dynamo-config-store.ts";
import { makeDynamoConnectionPause } from "../../../shared/adapters/dynamo/dynamo-connection-pause.ts";
import type { ConfigStore } from "../../../shared/core/administration/ports.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

let tables: Awaited<ReturnType<typeof openLocalTables>>;
let store: ConfigStore;
let pause: (connectionId: string) => Promise<boolean>;
beforeAll(async () => {
  tables = await openLocalTables();
  const place = { client: tables.client, tableName: tables.outputs.ConfigTableName ?? "" };
  store = makeDynamoConfigStore(place);
  const none = async () => undefined;
  pause = makeDynamoConnectionPause({
    ...place,
    connections: { read: none, readThrottled: none, readUncached: none },
  });
});
afterAll(() => tables.close());

const connection = (connectionId: string) => ({
  pk: `connection#${connectionId}`,
  clientId: "cl_1",
  connectionId,
  createdAt: "2026-06-25T12:00:00.000Z",
  provider: "we-link" as const,
  tokens: [],
  sealedSecrets: "sealed",
  settings: {
    status: "active" as const,
    signature: "enforce" as const,
    hashForms: ["raw" as const],
    allowUnboundJwt: false,
    verifyByFetch: false,
  },
  version: 1,
});

test("A pause changes only the status, its reason and the version of an active connection", async () => {
  const before = connection("cn_1");
  await store.create(before);
  expect(await pause("cn_1")).toBe(true);
  const settings = { ...before.settings, status: "paused" };
  expect(await store.connection("cn_1")).toEqual({
    ...before,
    settings,
    pausedBecause: "CREDENTIALS_REFUSED",
    version: 2,
  });
});

test("One of many concurrent pauses of a connection succeeds", async () => {
  await store.create(connection("cn_2"));
  const all = await Promise.all(Array.from({ length: 10 }, () => pause("cn_2")));
  expect(all.filter((one) => one)).toHaveLength(1);
  expect(await pause("cn_2")).toBe(false);
});

test("A client's change that is based on the state before a pause is rejected", async () => {
  const before = connection("cn_3");
  await store.create(before);
  await pause("cn_3");
  expect(await store.replaceConnection(before)).toBe(false);
});

test("A pause of a missing connection fails and does not create it", async () => {
  expect(await pause("cn_none")).toBe(false);
  expect(await store.connection("cn_none")).toBeUndefined();
});
