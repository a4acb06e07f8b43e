import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDynamoConfigStore } from "../../../shared/adapters/dynamo/dynamo-config-store.ts";
import type { AccountItem } from "../../../shared/contracts/config-items.ts";
import { openTablesThroughProxy } from "../../support/fakes/dynamo-through-proxy.ts";

let dynamo: Awaited<ReturnType<typeof openTablesThroughProxy>>;
beforeAll(async () => {
  dynamo = await openTablesThroughProxy();
});
afterAll(() => dynamo.close());

function open(accountId: string) {
  const { client } = dynamo;
  const store = makeDynamoConfigStore({ client, tableName: dynamo.outputs.ConfigTableName ?? "" });
  const account: AccountItem = {
    pk: `account#cn_1#${accountId}`,
    ...{ clientId: "cl_1", connectionId: "cn_1", accountId, provider: "we-link" },
    createdAt: "2026-06-25T12:00:00.000Z",
  };
  return { store, account, stored: () => store.account("cn_1", accountId) };
}

test("An account is written where none is, and only one of two writers creates it", async () => {
  const { store, account, stored } = open("new");
  const one = { ...account, version: 1, preset: "careful" } as const;
  expect(await store.replaceAccount(one, undefined)).toBe(true);
  expect(await store.replaceAccount({ ...one, preset: "off" }, undefined)).toBe(false);
  expect(await stored()).toEqual(one);
});

test("Of two writers that read the same account, only one replaces it", async () => {
  const { store, account, stored } = open("changed");
  const before = { ...account, version: 7 };
  await store.replaceAccount(before, undefined);
  const one = { ...before, version: 8, preset: "careful" } as const;
  expect(await store.replaceAccount(one, before)).toBe(true);
  expect(await store.replaceAccount({ ...one, preset: "off" }, before)).toBe(false);
  expect(await stored()).toEqual(one);
});

test("An account that the first request or an earlier version has written is replaced once", async () => {
  const { store, account, stored } = open("without a version");
  await store.addAccountIfNew(account);
  const one = { ...account, version: 1 };
  expect(await store.replaceAccount(one, account)).toBe(true);
  expect(await store.replaceAccount({ ...one, preset: "off" }, account)).toBe(false);
  expect(await stored()).toEqual(one);
});

test("An account that was deleted meanwhile is not written again", async () => {
  const { store, account, stored } = open("deleted");
  await store.addAccountIfNew(account);
  await store.deleteAccount("cn_1", "deleted");
  expect(await store.replaceAccount({ ...account, version: 1 }, account)).toBe(false);
  expect(await store.replaceAccount({ ...account, version: 2 }, { ...account, version: 1 })).toBe(
    false,
  );
  expect(await stored()).toBeUndefined();
});

test("A write of an account whose response is lost and that the SDK retries is no conflict", async () => {
  const { store, account, stored } = open("lost response");
  await store.addAccountIfNew(account);
  const first = { ...account, version: 5 };
  const second = { ...account, version: 6, preset: "careful" } as const;
  const write = (item: AccountItem, before: AccountItem) =>
    dynamo.withLostResponse("PutItem", () => store.replaceAccount(item, before));
  expect(await write(first, account)).toBe(true);
  expect(await write(second, first)).toBe(true);
  expect(await stored()).toEqual(second);
});
