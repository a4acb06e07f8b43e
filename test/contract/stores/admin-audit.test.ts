import { afterAll, beforeAll, expect, test } from "vitest";
import { runAdminCommand } from "../../../cli/admin-commands.ts";
import type { OptionValues } from "../../../cli/options.ts";
import { makeDynamoAudit } from "../../../shared/adapters/dynamo/dynamo-audit.ts";
import { makeDynamoConfigStore } from "../../../shared/adapters/dynamo/dynamo-config-store.ts";
import type { StackTarget } from "../../../shared/composition/administration.ts";
import { configKey } from "../../../shared/contracts/config-items.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

let tables: Awaited<ReturnType<typeof openLocalTables>>;
beforeAll(async () => {
  tables = await openLocalTables();
});
afterAll(() => tables.close());

/** Runs a command of the admin command. */
async function admin(name: string, values: OptionValues): Promise<Record<string, string>> {
  const outputs = tables.outputs as StackTarget["outputs"];
  const result = await runAdminCommand(name, values, { outputs, aws: tables.awsClientConfig });
  return result as Record<string, string>;
}

/** The audit records of an action, newest first. */
async function recordsOf(action: string) {
  const audit = makeDynamoAudit({
    client: tables.client,
    tableName: tables.outputs.AuditTableName ?? "",
    clock: { realMs: Date.now, businessMs: Date.now },
  });
  const matches = (record: { action: string }) => record.action === action;
  return (await audit.list({ limit: 25, matches })).records;
}

test("The record of what the admin command creates has the new id, and no secret", async () => {
  const { clientId } = await admin("clients create", { name: "new" });
  const key = await admin("keys create", { client: clientId });
  const operator = await admin("operator-keys create", { name: "Anna", scope: "read" });
  const of = { client: clientId, provider: "linked-api" };
  const connection = await admin("connections create", of);
  const records = await Promise.all(
    ["clients create", "keys create", "operator-keys create", "connections create"].map(recordsOf),
  );
  expect(records.flat().map(({ created }) => created)).toEqual([
    { clientId },
    { keyId: key.keyId },
    { keyId: operator.keyId },
    { connectionId: connection.connectionId },
  ]);
  expect(JSON.stringify(records)).not.toContain(key.apiKey);
  expect(JSON.stringify(records)).not.toContain(operator.operatorKey);
  expect(JSON.stringify(records)).not.toContain(connection.inboundUrl);
});

test("A client of an earlier version is added to the list with a record, and a list that adds none has no record", async () => {
  const tableName = tables.outputs.ConfigTableName ?? "";
  const store = makeDynamoConfigStore({ client: tables.client, tableName });
  const old = { clientId: "cl_old", name: "old", createdAt: "2026-06-25T12:00:00.000Z" };
  await store.create({ pk: configKey.client(old.clientId), ...old });
  const list = () => admin("clients list", { why: "they are missing" });
  expect(await list()).toContainEqual(old);
  expect(await store.clientIds()).toContain(old.clientId);
  expect(await list()).toContainEqual(old);
  expect(await recordsOf("clients adopt")).toMatchObject([
    { outcome: "done", details: { clientIds: [old.clientId] }, why: "they are missing" },
  ]);
});
