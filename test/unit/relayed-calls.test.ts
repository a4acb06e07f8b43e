import { describe, expect, test } from "vitest";
import type { ClientScope } from "../../shared/contracts/client-scope.ts";
import { operations, routeKeyOf } from "../../shared/contracts/http/operations.ts";
import type { Accounts } from "../../shared/core/administration/accounts.ts";
import { identificationToken } from "../../shared/core/administration/identification-token.ts";
import type { ProviderHttpCall } from "../../shared/core/providers/http-call.ts";
import { makeRelayCall } from "../../shared/core/requests/relay-call.ts";
import type { CallResult } from "../../shared/core/requests/state/ports.ts";
import { toCall, toResult } from "../../shared/runtime/api-request.ts";
import { makeAccountsApi } from "../support/fakes/accounts-api.ts";
import type { TestClock } from "../support/fakes/clocks.ts";
import { testMasterKeys } from "../support/fakes/webhook-api.ts";

const account = { clientId: "cl_1", accountId: "acc-1" };
const ownToken = identificationToken(testMasterKeys, account);
const headers = {
  "x-api-key": "key1",
  "x-api-secret": "secret",
  "linked-api-token": "ackwire_key1_secret",
  "identification-token": ownToken,
};

const answered = (body: string | Uint8Array, status = 200, sent = {}): CallResult => ({
  kind: "answered",
  answer: {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...sent },
    body: Buffer.from(body as string),
  },
});

/** The API over a provider that gives the same answer to every call. */
function setUp(
  given: {
    result?: CallResult;
    paused?: boolean;
    connections?: number;
    rateReached?: boolean;
    /** The scopes of the caller's key; absent: every scope. */
    scopes?: ClientScope[];
    /** Happens while the provider is called. */
    meanwhile?: (accounts: Accounts, clock: TestClock) => Promise<unknown>;
  } = {},
) {
  const { result = answered("{}"), paused = false, connections = 1 } = given;
  const sent: (ProviderHttpCall & { provider: string })[] = [];
  const connectionItems = (["we-link", "linked-api"] as const).flatMap((provider) =>
    Array.from({ length: connections }, (_, n) => ({
      provider,
      connectionId: `cn_${provider}_${n}`,
    })),
  );
  const find = async (_: string, accountId: string) =>
    accountId === "acc-1" ? { identificationToken: "id_of_acc-1" } : undefined;
  const { serve, items: stored } = makeAccountsApi({
    connections: connectionItems,
    scopes: given.scopes,
    more: (accounts, clock) => ({
      requests: {
        relay: makeRelayCall({
          accounts: { find, findUncached: find },
          accountDirectory: accounts.accountDirectory,
          connections: {
            read: async (connectionId) =>
              ({
                connectionId,
                provider: connectionId.includes("we-link") ? "we-link" : "linked-api",
                settings: { status: paused ? "paused" : "active" },
                secrets: { credentials: { "x-of-the-connection": "its-value" } },
              }) as never,
          },
          calls: {
            send: async (provider, call) => {
              sent.push({ provider, ...call });
              await given.meanwhile?.(accounts, clock);
              return result;
            },
          },
          rates: { tryConsume: async () => given.rateReached !== true },
          context: () => ({ nowRealMs: clock.realMs() }),
        }),
      },
    }),
  });

  async function call(
    routeKey: string,
    of: { body?: string; query?: object; token?: string } = {},
  ) {
    const event = {
      routeKey,
      headers: { ...headers, "identification-token": of.token ?? ownToken },
      queryStringParameters: of.query,
      body: of.body ?? "",
    };
    const outcome = await serve(toCall(event as never, new AbortController().signal));
    const {
      statusCode: status,
      body = "",
      isBase64Encoded,
      headers: sentHeaders,
    } = toResult(outcome);
    const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
    return { status, bytes, text: bytes.toString("utf8"), headers: sentHeaders };
  }
  return { call, sent, stored };
}

const relayed = operations.filter(({ isRelayed }) => isRelayed);
const ofWeLink = relayed.filter(({ dialect }) => dialect === "we-link").map(routeKeyOf);

test("The relayed operations are those that the providers answer at once", () => {
  expect(ofWeLink).toEqual(
    expect.arrayContaining([
      "POST /api/v1/get_all_ln_accounts",
      "POST /api/v1/get_ln_account_details",
      "POST /api/v1/me",
      "POST /api/v1/disconnect_account",
    ]),
  );
  expect(relayed.length).toBeGreaterThan(20);
});

describe("A relayed call", () => {
  test.each(relayed.map(routeKeyOf))(
    "%s reaches the provider with the connection's credentials, and its answer is passed on byte by byte",
    async (route) => {
      const answer = '{"success":true,"result":{"n":1.0,"big":12345678901234567890},  "x":[]}\n';
      const { call, sent } = setUp({ result: answered(answer) });
      const [method, path] = route.split(" ");
      const body = method === "POST" ? '{"accountId":"acc-1","n":1.00,"m":9007199254740993}' : "";
      const response = await call(route, { body });
      expect(response).toMatchObject({
        status: 200,
        text: route.endsWith("getAll") || route.endsWith("Token") ? expect.anything() : answer,
        headers: {
          "content-type": "application/json; charset=utf-8",
          "cache-control": "no-store",
        },
      });
      expect(sent).toHaveLength(1);
      expect(sent[0]).toMatchObject({
        method,
        path,
        headers: { "x-of-the-connection": "its-value" },
      });
      expect(sent[0]?.body).toBe(method === "POST" ? body : undefined);
      expect(JSON.stringify(sent)).not.toContain("ackwire_key1_secret");
      expect(JSON.stringify(sent)).not.toContain(ownToken);
    },
  );

  test.each([
    [400, '{"message":"Linked account not active","error":"Bad Request","statusCode":400}'],
    [401, '{"success":false,"error":{"type":"accountNotFound","message":"No such account"}}'],
    [404, '{"success":false,"error":{"type":"sessionNotFound","message":"No such session"}}'],
    [500, "<html>Bad gateway</html>"],
    [502, ""],
  ])("An answer %i of the provider is passed on as it is", async (status, body) => {
    const { call } = setUp({ result: answered(body, status) });
    expect(await call("POST /api/v1/me", { body: '{"accountId":"a"}' })).toMatchObject({
      status,
      text: body,
    });
  });

  test("An answer that is no text is passed on byte by byte", async () => {
    const { call } = setUp({ result: answered(new Uint8Array([0xff, 0, 0xfe])) });
    expect([...(await call("GET /account")).bytes]).toEqual([0xff, 0, 0xfe]);
  });

  test("The provider's Retry-After is passed on, and none of its other headers", async () => {
    const result = answered("{}", 429, { "retry-after": "17", "set-cookie": "a=b", server: "x" });
    const { headers: sent } = await setUp({ result }).call("GET /account");
    expect(sent).toMatchObject({ "retry-after": "17" });
    expect(Object.keys(sent ?? {})).not.toEqual(expect.arrayContaining(["set-cookie"]));
    expect(sent).not.toHaveProperty("server");
  });

  test("A call that names an account is made with that account's token at Linked API", async () => {
    const { call, sent } = setUp();
    await call("GET /stats/actions", { query: { start: "2026-01-01T00:00:00Z", end: "b c&d" } });
    expect(sent).toMatchObject([
      {
        path: "/stats/actions?start=2026-01-01T00%3A00%3A00Z&end=b+c%26d",
        headers: { "identification-token": "id_of_acc-1" },
      },
    ]);
  });

  test("An admin call needs no account and is made without an account's token", async () => {
    const { call, sent } = setUp();
    expect(await call("POST /admin/subscription.getStatus", { token: "" })).toMatchObject({
      status: 200,
    });
    expect(sent[0]?.headers).not.toHaveProperty("identification-token");
    expect(sent[0]).not.toHaveProperty("body");
  });
});

describe("A relayed call that is refused here", () => {
  test.each([
    [{ paused: true }, 409, "conflict"],
    [{ rateReached: true }, 429, "tooManyRequests"],
    [{ result: { kind: "notSent", reason: "ECONNREFUSED" } as const }, 503, "httpError"],
    [{ result: { kind: "incomplete", reason: "TIMEOUT" } as const }, 504, "httpError"],
    [{ connections: 0 }, 400, "invalidRequestPayload"],
    [{ connections: 2 }, 400, "invalidRequestPayload"],
  ])(
    "%j is answered %i in Linked API's envelope, in its own words",
    async (given, status, type) => {
      const { call } = setUp(given);
      const answer = await call("POST /admin/subscription.getStatus");
      expect(answer.status).toBe(status);
      expect(JSON.parse(answer.text)).toEqual({
        success: false,
        error: { type, message: expect.not.stringMatching(/\/v1\/|connectionId|provider:/) },
      });
    },
  );

  test("A call whose answer is lost says that it may have taken effect", async () => {
    const { call } = setUp({ result: { kind: "incomplete", reason: "CONNECTION_CLOSED" } });
    expect((await call("POST /admin/subscription.cancel")).text).toContain("may have taken effect");
    const weLink = await call("POST /api/v1/disconnect_account", { body: '{"accountId":"a"}' });
    expect(weLink).toMatchObject({ status: 504, text: expect.stringContaining("Gateway Timeout") });
  });

  test("An account that is not registered is refused as an invalid identification token", async () => {
    const { call, sent } = setUp();
    const token = identificationToken(testMasterKeys, { ...account, accountId: "acc-2" });
    const answer = await call("GET /account", { token });
    expect(JSON.parse(answer.text).error.type).toBe("invalidIdentificationToken");
    expect(sent).toEqual([]);
  });

  test.each(ofWeLink)("%s with a scheduled time is refused, as it acts at once", async (route) => {
    const { call, sent } = setUp();
    const answer = await call(route, { body: '{"accountId":"a","scheduled":"yesterday"}' });
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('"scheduled: ') });
    expect(sent).toEqual([]);
  });

  test("A body that is not JSON is not sent", async () => {
    const { call, sent } = setUp();
    expect(await call("POST /inbox/poll", { body: "{" })).toMatchObject({ status: 400 });
    expect(sent).toEqual([]);
  });
});

describe("The tokens of accounts", () => {
  test("accounts.getAll registers each account and shows the token that is valid here", async () => {
    const answer = `{"success":true,"result":{"accounts":[
      {"id":"acc-1","n":1.0,"identificationToken":"id_1"},
      {"id":"acc-9","identificationToken":"id_9"},
      {"id":7,"identificationToken":"id_7"}],"pendingConnectionSessions":[]}}`;
    const { call, stored } = setUp({ result: answered(answer) });
    const { text } = await call("POST /admin/accounts.getAll");
    expect(text).toContain('"n":1.0');
    expect(JSON.parse(text).result.accounts.slice(0, 2)).toMatchObject([
      { id: "acc-1", identificationToken: ownToken },
      {
        id: "acc-9",
        identificationToken: identificationToken(testMasterKeys, {
          ...account,
          accountId: "acc-9",
        }),
      },
    ]);
    expect([...stored.keys()]).toEqual(["cn_linked-api_0 acc-1", "cn_linked-api_0 acc-9"]);
    const first = stored.get("cn_linked-api_0 acc-1");
    await call("POST /admin/accounts.getAll");
    expect(stored.get("cn_linked-api_0 acc-1")).toBe(first);
  });

  test("accounts.getAll shows a key with the scope read the same tokens, and stores nothing", async () => {
    const accounts = [
      { id: "acc-1", identificationToken: "id_1" },
      { id: "acc-9", identificationToken: "id_9" },
    ];
    const body = JSON.stringify({ success: true, result: { accounts } });
    const shownTo = async (scopes: ClientScope[]) => {
      const { call, stored } = setUp({ result: answered(body), scopes });
      const { text } = await call("POST /admin/accounts.getAll");
      return { text, stored: [...stored.keys()] };
    };
    const reader = await shownTo(["read"]);
    const writer = await shownTo(["read", "write"]);
    expect(JSON.parse(reader.text).result.accounts[0]).toEqual({
      id: "acc-1",
      identificationToken: ownToken,
    });
    expect(reader.text).toBe(writer.text);
    expect(reader.stored).toEqual([]);
    expect(writer.stored).toEqual(["cn_linked-api_0 acc-1", "cn_linked-api_0 acc-9"]);
  });

  test("A token that is regenerated while accounts.getAll is under way stays, and its pace too", async () => {
    const of = { provider: "linked-api", connectionId: "cn_linked-api_0" } as const;
    const accounts = [{ id: "acc-1", identificationToken: "old" }];
    let regenerated: unknown;
    const { call, stored } = setUp({
      result: answered(JSON.stringify({ success: true, result: { accounts } })),
      async meanwhile(here, clock) {
        clock.passReal(1);
        await here.registerToken({ ...of, clientId: "cl_1", accountId: "acc-1" }, "new");
        await here.put("cl_1", "acc-1", { ...of, preset: "off" });
        regenerated = stored.get("cn_linked-api_0 acc-1");
      },
    });
    const { text } = await call("POST /admin/accounts.getAll");
    expect(JSON.parse(text).result.accounts).toEqual([
      { id: "acc-1", identificationToken: ownToken },
    ]);
    expect(stored.get("cn_linked-api_0 acc-1")).toBe(regenerated);
    expect(regenerated).toMatchObject({ preset: "off" });
  });

  test("A regenerated token is stored for the account, whose token here stays the same", async () => {
    const { call, stored } = setUp({
      result: answered('{"success":true,"result":{"token":"id_2"}}'),
    });
    const { text } = await call("POST /admin/accounts.regenerateIdentificationToken", {
      body: '{"accountId":"acc-1"}',
    });
    expect(JSON.parse(text)).toEqual({ success: true, result: { token: ownToken } });
    expect(stored.size).toBe(1);
    expect(JSON.stringify([...stored.values()])).not.toContain("id_2");
  });
});
