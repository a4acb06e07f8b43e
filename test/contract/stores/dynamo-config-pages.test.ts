import { afterAll, beforeAll, expect, test } from "vitest";
import { makeDynamoConfigStore } from "../../../shared/adapters/dynamo/dynamo-config-store.ts";
import { makeDynamoLanes } from "../../../shared/adapters/dynamo/dynamo-lanes.ts";
import { composeAccounts } from "../../../shared/composition/request-use-cases.ts";
import { type ConnectionItem, configKey } from "../../../shared/contracts/config-items.ts";
import { accountKey } from "../../../shared/core/administration/accounts.ts";
import { makeAdministration } from "../../../shared/core/administration/administration.ts";
import { readMasterKeys } from "../../../shared/core/crypto/master-keys.ts";
import { readPage } from "../../../shared/core/input/cursor.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { openTablesThroughProxy } from "../../support/fakes/dynamo-through-proxy.ts";
import { makeSubmitQueue } from "../../support/fakes/submit-queue.ts";
import { requestRules } from "../../support/payloads/request-rules.ts";

let dynamo: Awaited<ReturnType<typeof openTablesThroughProxy>>;
beforeAll(async () => {
  dynamo = await openTablesThroughProxy();
});
afterAll(() => dynamo.close());

function open() {
  const clock = makeTestClock();
  const { client } = dynamo;
  const store = makeDynamoConfigStore({ client, tableName: dynamo.outputs.ConfigTableName ?? "" });
  const tableName = dynamo.outputs.RequestsTableName ?? "";
  const accounts = composeAccounts({
    store,
    lanes: makeDynamoLanes({ client, tableName, clock }),
    submitQueue: makeSubmitQueue(),
    clock,
    speed: 1,
    rules: requestRules,
    masterKeys: async () => readMasterKeys(JSON.stringify({ current: "k1", k1: "k".repeat(64) })),
    randomHex: (bytes) => "0".repeat(2 * bytes),
    onNonFatalError: (error) => {
      throw error;
    },
  });
  return { store, accounts, clock };
}

const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `account ${String(from + n).padStart(3, "0")}`);

async function withAccounts(clientId: string, accountIds: readonly string[]) {
  const { accounts, ...opened } = open();
  const connectionId = `cn_${clientId}`;
  for (const accountId of accountIds) {
    const owner = { clientId, provider: "we-link", connectionId, accountId } as const;
    await accounts.accountDirectory.registerAccountIfNew(owner);
  }
  return { accounts, connectionId, ...opened };
}

test("a page of accounts reads the accounts and lanes of the page only", async () => {
  const { accounts, connectionId } = await withAccounts("cl_pages", ids(0, 40));
  const before = dynamo.proxy.calls.length;
  const page = await accounts.list("cl_pages", {
    limit: 3,
    after: accountKey({ connectionId, accountId: "account 009" }),
  });
  expect(page.map(({ accountId }) => accountId)).toEqual(ids(10, 13));
  // One query, and one read for each lane.
  expect(dynamo.proxy.calls.length - before).toBe(4);
});

test.each([1, 3, 4, 5, 100])(
  "pages of %i accounts list each account of the client once, and no other client's",
  async (limit) => {
    const clientId = `cl_${limit}`;
    const { accounts } = await withAccounts(clientId, ids(0, 8));
    await withAccounts(`${clientId}0`, ids(0, 3));
    const found: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await readPage({
        list: "accounts",
        clientId,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
        read: (of) => accounts.list(clientId, of),
        keyOf: accountKey,
      });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      found.push(...page.items.map(({ accountId }) => accountId));
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== undefined);
    expect(found).toEqual(ids(0, 8));
    expect(pages).toBe(Math.ceil(8 / limit));
  },
);

test("connections and API keys are listed page by page, in the order of their ids", async () => {
  const { store, clock } = open();
  let n = 0;
  const administration = makeAdministration({
    store,
    clock,
    masterKeys: readMasterKeys(JSON.stringify({ current: "k1", k1: "k".repeat(64) })),
    randomHex: (bytes) => String(++n).padStart(2 * bytes, "0"),
    wakeLanesOf: async () => undefined,
  });
  const { clientId } = await administration.createClient("pages");
  for (let one = 0; one < 5; one++) {
    await administration.createApiKey(clientId);
    await administration.createConnection({ clientId, provider: "linked-api" });
  }
  const keys = await administration.listApiKeys(clientId);
  const connections = await administration.listConnections(clientId);
  expect([keys.length, connections.length]).toEqual([5, 5]);
  expect(await administration.listApiKeys(clientId, { limit: 2, after: keys[1]?.keyId })).toEqual(
    keys.slice(2, 4),
  );
  const page = { limit: 9, after: connections[2]?.connectionId };
  expect(await administration.listConnections(clientId, page)).toEqual(connections.slice(3));
});

test("the connections of a client are counted up to a limit, and no other client's", async () => {
  const { store } = open();
  const settings: ConnectionItem["settings"] = {
    ...{ status: "active", signature: "enforce", hashForms: ["raw"] },
    ...{ allowUnboundJwt: false, verifyByFetch: false },
  };
  for (const [n, clientId] of ["cl_few", "cl_few", "cl_few", "cl_fewer"].entries()) {
    const connectionId = `cn_few${n}`;
    await store.create({
      ...{ pk: configKey.connection(connectionId), clientId, connectionId, settings },
      ...{ provider: "linked-api", tokens: [], sealedSecrets: "sealed", version: 1 },
      createdAt: "2026-06-25T12:00:00.000Z",
    });
  }
  const counts = [1, 2, 3, 9].map((limit) => store.countConnections("cl_few", limit));
  expect(await Promise.all(counts)).toEqual([1, 2, 3, 3]);
  expect(await store.countConnections("cl_none", 9)).toBe(0);
});
