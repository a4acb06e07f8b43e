import { describe, expect, test } from "vitest";
import type { ApiKeyItem, WebhookItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { readPortalToken } from "../../shared/core/api/authentication/portal-token.ts";
import type { PageOf } from "../../shared/core/input/cursor.ts";
import { clientHandlers } from "../../shared/core/operator/client-handlers.ts";
import type { OperatorDeps } from "../../shared/core/operator/ports.ts";
import { answerOf } from "../support/answer-of.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { notingIn } from "../support/noting.ts";

const NOW = "2026-06-25T12:00:00.000Z";
const EARLIER = "2026-06-25T11:00:00.000Z";
const nowMs = Date.parse(NOW);
const master = { current: "k1", keys: new Map([["k1", "m".repeat(64)]]) };
const noClient = new Failure("NOT_FOUND", "there is no such client");

const keyItem = (keyId: string, of: Partial<ApiKeyItem> = {}): ApiKeyItem => ({
  ...{ pk: `key#${keyId}`, clientId: "cl_1", keyId, secretSha256: "digest", createdAt: EARLIER },
  ...of,
});

interface Given {
  keys?: ApiKeyItem[];
  webhookStatus?: WebhookItem["status"];
  consoleUrl?: string;
}

/** The clients cl_1 and cl_3; cl_2 is listed, and is not there. The use cases note their calls. */
function setUp({ keys = [], webhookStatus, consoleUrl }: Given = {}) {
  const clock = makeTestClock();
  const calls: unknown[] = [];
  const noting = notingIn(calls);
  const operatorKeys = ["op1", "op2"].map((keyId) => ({ keyId, name: keyId, scope: "read" }));
  const made = { clientId: "cl_1", keyId: "key1", secret: "hidden", createdAt: NOW };
  const deps = {
    clock,
    store: {
      client: async (clientId: string) =>
        clientId === "cl_2"
          ? undefined
          : { pk: "hidden", clientId, name: `Name of ${clientId}`, createdAt: EARLIER },
      clientIds: async ({ limit, after = "" }: PageOf) => {
        calls.push(["clientIds", limit, after]);
        return ["cl_1", "cl_2", "cl_3"].filter((id) => id > after).slice(0, limit);
      },
      apiKeysOf: async (clientId: string, page?: PageOf) => {
        calls.push(["apiKeysOf", clientId, page]);
        return keys;
      },
      connectionsOf: async () => [{}, {}],
      accountsOf: async () => [{}, {}, {}],
    },
    webhookStore: { find: async () => webhookStatus && { status: webhookStatus } },
    masterKeys: async () => master,
    administration: async () => ({
      createClient: noting("createClient", { clientId: "cl_4", name: "new", createdAt: NOW }),
      createApiKey: noting("createApiKey", { ...made, apiKey: "ackwire_key1_hidden" }),
      revokeApiKey: noting("revokeApiKey"),
      listOperatorKeys: noting("listOperatorKeys", operatorKeys),
      createOperatorKey: noting("createOperatorKey", { operatorKey: "ackwire_op_op3_secret" }),
      revokeOperatorKey: noting("revokeOperatorKey", { keyId: "op1", revokedAt: NOW }),
    }),
    consoleUrl,
  } as unknown as OperatorDeps;
  return { clock, calls, handlers: clientHandlers(deps) };
}

const params = { clientId: "cl_1" };
const caller = { kind: "operator", keyId: "op1", name: "Anna", scope: "admin" };

describe("Clients", () => {
  test("Clients are listed page by page, without those that are gone", async () => {
    const { handlers, calls } = setUp();
    const first = await answerOf(handlers.listClients, { query: { limit: 2 } });
    expect(first).toEqual({
      items: [{ clientId: "cl_1", name: "Name of cl_1", createdAt: EARLIER }],
      nextCursor: expect.any(String),
    });
    const query = { limit: 2, cursor: first.nextCursor };
    expect(await answerOf(handlers.listClients, { query })).toEqual({
      items: [{ clientId: "cl_3", name: "Name of cl_3", createdAt: EARLIER }],
    });
    expect(calls).toEqual([
      ["clientIds", 3, ""],
      ["clientIds", 3, "cl_2"],
    ]);
  });

  test.each([
    [undefined, {}],
    ["deleted", {}],
    ["active", { webhookStatus: "active" }],
    ["disabled", { webhookStatus: "disabled" }],
  ] as const)("A client with the webhook %s is shown in numbers", async (status, expected) => {
    const keys = [keyItem("key1"), keyItem("key2", { revokedAt: NOW }), keyItem("key3")];
    const { handlers } = setUp({ keys, ...(status ? { webhookStatus: status } : {}) });
    expect(await answerOf(handlers.getClient, { params })).toEqual({
      ...{ clientId: "cl_1", name: "Name of cl_1", createdAt: EARLIER },
      ...{ activeKeys: 2, connections: 2, accounts: 3 },
      ...expected,
    });
  });

  test("A client that there is not is not shown, and has no keys and no portal", async () => {
    const { handlers } = setUp();
    const input = { params: { clientId: "cl_2" }, query: { limit: 1 } };
    const { getClient, listClientKeys, createPortalLink } = handlers;
    for (const handler of [getClient, listClientKeys, createPortalLink]) {
      await expect(answerOf(handler, input)).rejects.toThrow(noClient);
    }
  });

  test("A client is created by its name", async () => {
    const { handlers, calls } = setUp();
    const answer = await answerOf(handlers.createClient, { body: { name: "new", why: "signed" } });
    expect(answer).toEqual({ clientId: "cl_4", name: "new", createdAt: NOW });
    expect(calls).toEqual([["createClient", "new"]]);
  });
});

describe("The keys of a client", () => {
  const shown = { keyId: "key1", scopes: ["read", "write"], createdAt: EARLIER };

  test("Keys are listed page by page, without their digests", async () => {
    const times = { expiresAt: NOW, revokedAt: NOW, lastUsedAt: EARLIER };
    const keys = [keyItem("key1", { scopes: ["read"], ...times }), keyItem("key2")];
    const { handlers, calls } = setUp({ keys });
    const first = await answerOf(handlers.listClientKeys, { params, query: { limit: 1 } });
    expect(first.items).toEqual([{ ...shown, scopes: ["read"], ...times }]);
    const query = { limit: 2, cursor: first.nextCursor };
    expect(await answerOf(handlers.listClientKeys, { params, query })).toEqual({
      items: [
        { ...shown, scopes: ["read"], ...times },
        { ...shown, keyId: "key2" },
      ],
    });
    expect(calls).toEqual([
      ["apiKeysOf", "cl_1", { limit: 2 }],
      ["apiKeysOf", "cl_1", { limit: 3, after: "key1" }],
    ]);
  });

  test("A key is created with its scopes and its end, and shown once", async () => {
    const { handlers, calls } = setUp();
    const of = { scopes: ["read"], expiresAt: NOW };
    const input = { params, body: { ...of, why: "for reports" }, caller };
    expect(await answerOf(handlers.createClientKey, input)).toEqual({
      ...{ ...shown, createdAt: NOW, apiKey: "ackwire_key1_hidden" },
    });
    expect(calls).toStrictEqual([["createApiKey", "cl_1", of]]);
  });

  test.each([
    ["when it was", EARLIER, EARLIER],
    ["now, where that is not read back yet", undefined, NOW],
  ])("A key is shown as revoked %s", async (_, stored, revokedAt) => {
    const keys = [keyItem("key0"), keyItem("key1", { revokedAt: stored })];
    const { handlers, calls, clock } = setUp({ keys });
    clock.passReal(60_000);
    const input = { params: { ...params, keyId: "key1" } };
    expect(await answerOf(handlers.revokeClientKey, input)).toEqual({ ...shown, revokedAt });
    expect(calls[0]).toEqual(["revokeApiKey", "cl_1", "key1"]);
  });

  test("A key that is not among those of its client is not found", async () => {
    const { handlers } = setUp({ keys: [keyItem("key0")] });
    const answer = answerOf(handlers.revokeClientKey, { params: { ...params, keyId: "key1" } });
    await expect(answer).rejects.toThrow(new Failure("NOT_FOUND", "there is no such key"));
  });
});

test.each([
  ["https://console.example.com", "https://console.example.com/portal#"],
  ["https://console.example.com/", "https://console.example.com/portal#"],
  [undefined, undefined],
])("With the console at %s a portal link is made", async (consoleUrl, start) => {
  const { handlers, clock } = setUp(consoleUrl === undefined ? {} : { consoleUrl });
  clock.passBusiness(60_000);
  const { token, url, expiresAt } = await answerOf(handlers.createPortalLink, { params });
  const expiresMs = nowMs + 900_000;
  expect(readPortalToken(master, token, nowMs)).toEqual({ clientId: "cl_1", expiresMs });
  expect(expiresAt).toBe("2026-06-25T12:15:00.000Z");
  expect(url).toBe(start === undefined ? undefined : `${start}${token}`);
});

describe("The keys of operators", () => {
  test("Operator keys are listed page by page", async () => {
    const { handlers, calls } = setUp();
    const first = await answerOf(handlers.listOperatorKeys, { query: { limit: 1 } });
    expect(first.items).toEqual([{ keyId: "op1", name: "op1", scope: "read" }]);
    const query = { limit: 2, cursor: first.nextCursor };
    const next = await answerOf(handlers.listOperatorKeys, { query });
    expect(next.items).toHaveLength(2);
    expect(calls).toEqual([
      ["listOperatorKeys", { limit: 2 }],
      ["listOperatorKeys", { limit: 3, after: "op1" }],
    ]);
  });

  test.each(["createClientKey", "createOperatorKey"] as const)(
    "A key that an operator key with an end creates by %s does not outlive it",
    async (operation) => {
      const { handlers, calls } = setUp();
      const create = (expiresAt?: string) => {
        const input = { params, body: { expiresAt }, caller: { ...caller, expiresMs: nowMs } };
        return answerOf(handlers[operation], input);
      };
      await create();
      await create(EARLIER);
      const ends = calls.map((call) => (call as { expiresAt?: string }[]).at(-1)?.expiresAt);
      expect(ends).toEqual([NOW, EARLIER]);
      await expect(create("2026-06-25T12:00:01.000Z")).rejects.toMatchObject({
        code: "REQUEST_INVALID",
      });
    },
  );

  test("An operator key is created and revoked, and the reason is not part of that", async () => {
    const { handlers, calls } = setUp();
    const of = { name: "ben", scope: "read", expiresAt: NOW };
    const made = await answerOf(handlers.createOperatorKey, {
      body: { ...of, why: "new" },
      caller,
    });
    expect(made).toEqual({ operatorKey: "ackwire_op_op3_secret" });
    const input = { params: { keyId: "op1" }, body: { why: "left" } };
    const revoked = await answerOf(handlers.revokeOperatorKey, input);
    expect(revoked).toEqual({ keyId: "op1", revokedAt: NOW });
    expect(calls).toStrictEqual([
      ["createOperatorKey", of],
      ["revokeOperatorKey", "op1"],
    ]);
  });
});
