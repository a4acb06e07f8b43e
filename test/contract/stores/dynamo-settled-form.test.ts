import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDynamoConfigStore } from "../../../shared/adapters/dynamo/dynamo-config-store.ts";
import { makeDynamoSettledForm } from "../../../shared/adapters/dynamo/dynamo-settled-form.ts";
import type { ConfigStore } from "../../../shared/core/administration/ports.ts";
import type { StoreSettledForm } from "../../../shared/core/inbound/settled-form.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

let tables: Awaited<ReturnType<typeof openLocalTables>>;
let store: ConfigStore;
let storeSettledForm: StoreSettledForm;
beforeAll(async () => {
  tables = await openLocalTables();
  const place = { client: tables.client, tableName: tables.outputs.ConfigTableName ?? "" };
  store = makeDynamoConfigStore(place);
  storeSettledForm = makeDynamoSettledForm(place);
});
afterAll(() => tables.close());

const { signal } = new AbortController();
const settledForm = { form: "json" as const, encoding: "plain sorted" };
const connection = {
  pk: "connection#cn_1",
  clientId: "cl_1",
  connectionId: "cn_1",
  createdAt: "2026-06-25T12:00:00.000Z",
  provider: "we-link" as const,
  tokens: [],
  sealedSecrets: "sealed",
  settings: {
    status: "active" as const,
    signature: "enforce" as const,
    hashForms: ["raw" as const, "json" as const],
    allowUnboundJwt: false,
    verifyByFetch: false,
  },
  version: 1,
};

test("A settled form is stored beside the settings, and a client's change keeps it", async () => {
  await store.create(connection);
  await storeSettledForm("cn_1", settledForm, signal);
  const stored = await store.connection("cn_1");
  expect(stored).toEqual({ ...connection, settledForm });
  const settings = { ...connection.settings, verifyByFetch: true };
  expect(await store.replaceConnection({ ...connection, ...stored, settings })).toBe(true);
  expect(await store.connection("cn_1")).toEqual({
    ...connection,
    settings,
    settledForm,
    version: 2,
  });
});

test("The form of a connection that was deleted does not create it again", async () => {
  await storeSettledForm("cn_none", settledForm, signal);
  expect(await store.connection("cn_none")).toBeUndefined();
});
