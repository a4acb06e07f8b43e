import { describe, expect, test } from "vitest";
import { openApi } from "../../shared/contracts/http/openapi.ts";
import { operations } from "../../shared/contracts/http/operations.ts";
import { type ApiHandlerDeps, makeApiHandlers } from "../../shared/core/api/api-handlers.ts";
import { readPortalToken } from "../../shared/core/api/authentication/portal-token.ts";
import { InvalidRequest } from "../../shared/core/input/invalid-request.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { notingIn } from "../support/noting.ts";

const NOW = "2026-06-25T12:00:00.000Z";
const ORIGIN = "https://api.example.com";
const master = { current: "k1", keys: new Map([["k1", "m".repeat(64)]]) };

/** A request as a use case returns it, and as it is answered: its result keeps every digit. */
const view = { requestId: "rq_1", status: "QUEUED", result: '{"n":1.0}' };
const VIEW = '{"requestId":"rq_1","status":"QUEUED","result":{"n":1.0}}';

/** The handlers over use cases that note their calls. A list has three items, a page of it two. */
function setUp({ consoleUrl }: { consoleUrl?: string } = {}) {
  const clock = makeTestClock();
  const calls: unknown[] = [];
  const noting = notingIn(calls);
  const listing = (name: string, items: object[]) => async (clientId: string, page: object) => {
    calls.push([name, clientId, page]);
    return "after" in page && page.after !== undefined ? items.slice(2) : items;
  };
  const path = { inboundPath: "/v1/in/we-link/cn_1/t" };
  const deps = {
    requests: {
      accept: noting("accept", view),
      acceptBatch: noting("acceptBatch", { results: [], waits: new Map() }),
      groups: {
        get: noting("groups.get", { group: "g" }),
        cancel: noting("groups.cancel", { cancelled: 1 }),
      },
      list: noting("list", '{"items":[]}'),
      get: noting("get", view),
      cancel: noting("cancel", { requestId: "rq_1", status: "CANCELLED" }),
      continue: noting("continue", view),
      resolve: noting("resolve", view),
    },
    accounts: {
      list: listing(
        "accounts.list",
        ["a1", "a2", "a3"].map((accountId) => ({ connectionId: "cn_1", accountId })),
      ),
      put: noting("accounts.put", { accountId: "a" }),
      get: noting("accounts.get", { accountId: "a" }),
      budget: noting("accounts.budget", { budgets: [] }),
      delete: noting("accounts.delete", "hidden"),
      pause: noting("accounts.pause", { status: "paused" }),
      resume: noting("accounts.resume", { status: "active" }),
    },
    administration: async () => ({
      createConnection: noting("createConnection", { connectionId: "cn_1", ...path }),
      listConnections: listing(
        "listConnections",
        ["cn_1", "cn_2", "cn_3"].map((connectionId) => ({ connectionId })),
      ),
      getConnection: noting("getConnection", { connectionId: "cn_1" }),
      updateConnection: noting("updateConnection", { status: "paused" }),
      deleteConnection: noting("deleteConnection", "hidden"),
      rotateToken: noting("rotateToken", { connectionId: "cn_1", ...path }),
      rotateSecret: noting("rotateSecret", { connectionId: "cn_1" }),
      createApiKey: noting("createApiKey", {
        ...{ keyId: "key2", apiKey: "ackwire_key2_s", createdAt: NOW, scopes: ["read"] },
        ...{ expiresAt: NOW, secretSha256: "hidden" },
      }),
      listApiKeys: listing(
        "listApiKeys",
        ["key1", "key2", "key3"].map((keyId) => ({ keyId })),
      ),
      revokeApiKey: noting("revokeApiKey", "hidden"),
    }),
    masterKeys: noting("masterKeys", master),
    clock,
    consoleUrl,
  } as unknown as ApiHandlerDeps;
  const handlers = makeApiHandlers(deps);
  const call = async (id: string, input: object = {}) =>
    handlers[id]?.({ clientId: "cl_1", origin: ORIGIN, ...input } as never);
  return { calls, call, clock, handlers };
}

test("Each operation of the API has one handler", () => {
  const ids = operations.map(({ operationId }) => operationId);
  expect(Object.keys(setUp().handlers).sort()).toEqual(ids.sort());
});

test("The public operations say that the API is up, and what it is", async () => {
  const { call, calls } = setUp();
  expect(await call("getHealth")).toBe('{"status":"ok"}');
  expect(await call("getOpenApi")).toBe(openApi());
  expect(calls).toEqual([]);
});

type Case = [id: string, input: object, noted: unknown[], answer: string | undefined];

describe("The operations on requests", () => {
  const params = { requestId: "rq_1" };
  const body = { provider: "we-link", accountId: "a", action: "connect", params: {} };
  const keys = { idempotencyKey: "k", traceparent: "t" };
  const none = { idempotencyKey: undefined, traceparent: undefined };
  const cancelled = '{"requestId":"rq_1","status":"CANCELLED"}';

  test.each<Case>([
    ["createRequest", { ...keys, body }, ["accept", { clientId: "cl_1", ...keys, ...body }], VIEW],
    ["createRequest", { body }, ["accept", { clientId: "cl_1", ...none, ...body }], VIEW],
    ["getGroup", { params: { group: "g" } }, ["groups.get", "cl_1", "g"], '{"group":"g"}'],
    [
      "cancelGroup",
      { params: { group: "g" }, query: { cursor: "c" } },
      ["groups.cancel", "cl_1", "g", "c"],
      '{"cancelled":1}',
    ],
    [
      "cancelGroup",
      { params: { group: "g" }, query: {} },
      ["groups.cancel", "cl_1", "g", undefined],
      '{"cancelled":1}',
    ],
    ["listRequests", { query: { limit: 5 } }, ["list", "cl_1", { limit: 5 }], '{"items":[]}'],
    ["getRequest", { params }, ["get", "cl_1", "rq_1"], VIEW],
    ["cancelRequest", { params }, ["cancel", "cl_1", "rq_1"], cancelled],
    [
      "continueRequest",
      { params, body: { input: "1234" } },
      ["continue", "cl_1", "rq_1", "1234"],
      VIEW,
    ],
    [
      "resolveRequest",
      { params, body: { as: "not-submitted" } },
      ["resolve", "cl_1", "rq_1", { as: "not-submitted" }],
      VIEW,
    ],
  ])("The operation %s has its use case carry it out", async (id, input, noted, answer) => {
    const { call, calls } = setUp();
    expect(await call(id, input)).toBe(answer);
    expect(calls).toStrictEqual([noted]);
  });

  test("A batch has its requests judged each by itself, with what it says for all", async () => {
    const { call, calls } = setUp();
    const batch = { group: "g", priority: "high", requests: [body, {}] };
    const answer = await call("createBatch", { ...keys, body: batch });
    expect(answer).toBe('{"accepted":0,"refused":0,"items":[]}');
    const first = { group: "g", priority: "high", ...body, traceparent: "t", clientId: "cl_1" };
    const items = [first, expect.any(InvalidRequest)];
    expect(calls).toEqual([
      ["acceptBatch", { clientId: "cl_1", idempotencyKey: "k", items, body: batch }],
    ]);
  });
});

describe("The operations on accounts", () => {
  const params = { accountId: "a" };
  const query = { provider: "we-link" };
  const [account, budgets] = ['{"accountId":"a"}', '{"budgets":[]}'];
  const [paused, active] = ['{"status":"paused"}', '{"status":"active"}'];

  test.each<Case>([
    ["putAccount", { params, body: query }, ["accounts.put", "cl_1", "a", query], account],
    ["getAccount", { params, query }, ["accounts.get", "cl_1", "a", query], account],
    ["getAccountBudget", { params, query }, ["accounts.budget", "cl_1", "a", query], budgets],
    ["deleteAccount", { params, query }, ["accounts.delete", "cl_1", "a", query], undefined],
    ["pauseAccount", { params, query }, ["accounts.pause", "cl_1", "a", query], paused],
    ["resumeAccount", { params, query }, ["accounts.resume", "cl_1", "a", query], active],
  ])("The operation %s has its use case carry it out", async (id, input, noted, answer) => {
    const { call, calls } = setUp();
    expect(await call(id, input)).toBe(answer);
    expect(calls).toStrictEqual([noted]);
  });
});

describe("The operations on connections and keys", () => {
  const params = { connectionId: "cn_1" };
  const secrets = { provider: "we-link", webhookSecret: "s", credentials: { "x-api-key": "c" } };
  const unset = { provider: "we-link", webhookSecret: undefined, credentials: undefined };
  const withUrl = `{"connectionId":"cn_1","inboundUrl":"${ORIGIN}/v1/in/we-link/cn_1/t"}`;
  const key = { keyId: "key2", apiKey: "ackwire_key2_s", createdAt: NOW };
  const keyView = JSON.stringify({ ...key, scopes: ["read"], expiresAt: NOW });

  test.each<Case>([
    [
      "createConnection",
      { body: { ...secrets, status: "paused" } },
      ["createConnection", { clientId: "cl_1", ...secrets, settings: { status: "paused" } }],
      withUrl,
    ],
    [
      "createConnection",
      { body: { provider: "we-link" } },
      ["createConnection", { clientId: "cl_1", ...unset, settings: {} }],
      withUrl,
    ],
    ["getConnection", { params }, ["getConnection", "cl_1", "cn_1"], '{"connectionId":"cn_1"}'],
    [
      "updateConnection",
      { params, body: { status: "paused" } },
      ["updateConnection", "cl_1", "cn_1", { status: "paused" }],
      '{"status":"paused"}',
    ],
    ["deleteConnection", { params }, ["deleteConnection", "cl_1", "cn_1"], undefined],
    [
      "rotateConnectionToken",
      { params, query: { overlapHours: "3" } },
      ["rotateToken", "cl_1", "cn_1", 3],
      withUrl,
    ],
    [
      "rotateConnectionToken",
      { params, query: {} },
      ["rotateToken", "cl_1", "cn_1", undefined],
      withUrl,
    ],
    [
      "rotateConnectionSecret",
      { params, query: { overlapHours: "0" }, body: { webhookSecret: "s" } },
      ["rotateSecret", "cl_1", "cn_1", "s", 0],
      '{"connectionId":"cn_1"}',
    ],
    [
      "rotateConnectionSecret",
      { params, query: {}, body: { webhookSecret: "s" } },
      ["rotateSecret", "cl_1", "cn_1", "s", undefined],
      '{"connectionId":"cn_1"}',
    ],
    [
      "createKey",
      { query: { scope: "read", expiresAt: NOW } },
      ["createApiKey", "cl_1", { scopes: ["read"], expiresAt: NOW }],
      keyView,
    ],
    [
      "createKey",
      { query: {}, keyExpiresAt: NOW },
      ["createApiKey", "cl_1", { scopes: undefined, expiresAt: NOW }],
      keyView,
    ],
    ["revokeKey", { params: { keyId: "key1" } }, ["revokeApiKey", "cl_1", "key1"], undefined],
  ])("The operation %s has its use case carry it out", async (id, input, noted, answer) => {
    const { call, calls } = setUp();
    expect(await call(id, input)).toBe(answer);
    expect(calls).toStrictEqual([noted]);
  });

  test("A portal link shows the client's records for 15 minutes of real time", async () => {
    const { call, calls, clock } = setUp({ consoleUrl: "https://console.example.com/" });
    clock.passBusiness(3_600_000);
    const { token, ...link } = JSON.parse(String(await call("createPortalLink")));
    const expiresAt = "2026-06-25T12:15:00.000Z";
    const url = `https://console.example.com/portal#${token}`;
    expect(link).toEqual({ url, expiresAt });
    const read = { clientId: "cl_1", expiresMs: Date.parse(expiresAt) };
    expect(readPortalToken(master, token, clock.realMs())).toEqual(read);
    expect(calls).toEqual([["masterKeys"]]);
  });

  test("A portal link of a stack without a console is its token", async () => {
    const link = JSON.parse(String(await setUp().call("createPortalLink")));
    expect(Object.keys(link)).toEqual(["token", "expiresAt"]);
  });
});

describe("The lists of a client", () => {
  const accountOf = (accountId: string) => ({ connectionId: "cn_1", accountId });
  const lists: [id: string, name: string, items: object[], key: string][] = [
    ["listConnections", "listConnections", idsOf("connectionId", "cn_"), "cn_2"],
    ["listKeys", "listApiKeys", idsOf("keyId", "key"), "key2"],
    ["listAccounts", "accounts.list", ["a1", "a2", "a3"].map(accountOf), "cn_1#a2"],
  ];

  function idsOf(name: string, prefix: string): object[] {
    return [1, 2, 3].map((n) => ({ [name]: `${prefix}${n}` }));
  }

  test.each(lists)("The list of %s goes on at its cursor", async (id, name, items, key) => {
    const { call, calls } = setUp();
    const first = JSON.parse(String(await call(id, { query: { limit: 2 } })));
    expect(first).toEqual({ items: items.slice(0, 2), nextCursor: expect.any(String) });
    const query = { limit: 2, cursor: first.nextCursor };
    const last = await call(id, { query });
    expect(last).toBe(JSON.stringify({ items: items.slice(2) }));
    expect(calls).toStrictEqual([
      [name, "cl_1", { limit: 3, after: undefined }],
      [name, "cl_1", { limit: 3, after: key }],
    ]);
  });

  test.each(lists)("A cursor of %s is one of its client and its list alone", async (id) => {
    const { call } = setUp();
    const { nextCursor } = JSON.parse(String(await call(id, { query: { limit: 2 } })));
    const query = { limit: 2, cursor: nextCursor };
    const field = "cursor";
    const message = "must be the nextCursor of an earlier page of this list";
    const refusal = { code: "REQUEST_INVALID", errors: [{ field, message }] };
    await expect(call(id, { clientId: "cl_2", query })).rejects.toMatchObject(refusal);
    for (const [other] of lists) {
      if (other !== id) await expect(call(other, { query })).rejects.toMatchObject(refusal);
    }
  });
});
