import { describe, expect, test } from "vitest";
import type { DialectRelay } from "../../shared/core/providers/dialect.ts";
import type { ProviderAnswer } from "../../shared/core/providers/provider-client.ts";
import { linkedApiRelayedHandlers } from "../../shared/providers/linked-api/dialect-relayed-handlers.ts";

const headers = { "content-type": "application/json", "retry-after": "7" };

/** The handlers over a relay that notes each call, at a provider that gives this answer to all. */
function setUp(body: string, status = 200) {
  const calls: unknown[] = [];
  const answer: ProviderAnswer = { status, headers, body: Buffer.from(body) };
  const relay: DialectRelay = {
    async call(of) {
      calls.push(["call", of]);
      return { answer, connectionId: "cn_1", askedRealMs: 5 };
    },
    async registerAccount(of) {
      calls.push(["registerAccount", of]);
      return `registered ${of.accountId}`;
    },
    async tokenOf(of) {
      calls.push(["tokenOf", of]);
      return `token of ${of.accountId}`;
    },
  };
  const handlers = linkedApiRelayedHandlers(relay);
  /** Calls an operation, and returns what is answered and what was called after the provider. */
  async function call(id: keyof typeof handlers, more: object = {}) {
    const input = { clientId: "cl_1", accountId: "acc-1", query: {}, body: undefined, ...more };
    const answered = (await handlers[id](input)) as ProviderAnswer;
    return { answered, text: Buffer.from(answered.body).toString(), after: calls.slice(1) };
  }
  return { call, calls, answer };
}

describe("A call that is passed to Linked API", () => {
  test("It names its account and its query, and has no body where none was sent", async () => {
    const { call, calls, answer } = setUp("{}");
    const { answered } = await call("linkedApiGetAccount");
    await call("linkedApiGetActionStats", { query: { start: "a b", end: "c&" } });
    expect(answered).toBe(answer);
    const of = { clientId: "cl_1", accountId: "acc-1" };
    expect(calls).toStrictEqual([
      ["call", { ...of, call: { method: "GET", path: "/account" } }],
      ["call", { ...of, call: { method: "GET", path: "/stats/actions?start=a+b&end=c%26" } }],
    ]);
  });

  test("A call on the subscription names no account, and is sent with its own text", async () => {
    const { call, calls } = setUp("{}");
    await call("linkedApiSetSeats", { body: { seats: 1 }, bodyText: '{"seats": 1.0}' });
    expect(calls).toStrictEqual([
      [
        "call",
        {
          clientId: "cl_1",
          call: { method: "POST", path: "/admin/subscription.setSeats", body: '{"seats": 1.0}' },
        },
      ],
    ]);
  });
});

const accountsOf = (...accounts: unknown[]) =>
  JSON.stringify({ success: true, result: { accounts } });

describe("The accounts that Linked API lists", () => {
  const one = { id: "acc-1", identificationToken: "id_1" };
  const other = { id: "acc-9", identificationToken: "id_9" };
  const shownTo = (mayWrite: boolean | undefined, ...accounts: unknown[]) =>
    setUp(accountsOf(...accounts)).call("linkedApiGetAccounts", { mayWrite });

  test("Each is registered for a key that may write, with the time of the call", async () => {
    const { answered, text, after } = await shownTo(true, one, null, "text", other);
    expect([answered.status, answered.headers]).toStrictEqual([200, headers]);
    expect(JSON.parse(text)).toStrictEqual({
      success: true,
      result: {
        accounts: [
          { id: "acc-1", identificationToken: "registered acc-1" },
          null,
          "text",
          { id: "acc-9", identificationToken: "registered acc-9" },
        ],
      },
    });
    const owner = { clientId: "cl_1", connectionId: "cn_1", askedRealMs: 5 };
    expect(after).toStrictEqual([
      ["registerAccount", { ...owner, accountId: "acc-1", providerToken: "id_1" }],
      ["registerAccount", { ...owner, accountId: "acc-9", providerToken: "id_9" }],
    ]);
  });

  test.each([false, undefined])(
    "A key whose right to write is %j is shown the tokens, and nothing is registered",
    async (mayWrite) => {
      const { text, after } = await shownTo(mayWrite, one);
      expect(JSON.parse(text).result.accounts).toStrictEqual([
        { id: "acc-1", identificationToken: "token of acc-1" },
      ]);
      expect(after).toStrictEqual([["tokenOf", { clientId: "cl_1", accountId: "acc-1" }]]);
    },
  );

  test.each([
    ["an id of 512 bytes", { id: `${"漢".repeat(170)}ab`, identificationToken: "t" }],
    ["a token of one character", { id: "a", identificationToken: " " }],
    ["a token of 1,000 characters", { id: "a", identificationToken: "~".repeat(1_000) }],
  ])("An account with %s is registered", async (_, account) => {
    const { after } = await shownTo(true, account);
    expect(after).toMatchObject([
      ["registerAccount", { accountId: account.id, providerToken: account.identificationToken }],
    ]);
  });

  test.each([
    ["an id of 513 bytes", { id: "漢".repeat(171), identificationToken: "t" }],
    ["an empty id", { id: "", identificationToken: "t" }],
    ["an id with half a character", { id: "\ud83d", identificationToken: "t" }],
    ["a number as its id", { id: 7, identificationToken: "t" }],
    ["no id", { identificationToken: "t" }],
    ["a token of 1,001 characters", { id: "a", identificationToken: "t".repeat(1_001) }],
    ["an empty token", { id: "a", identificationToken: "" }],
    ["a token with a control character", { id: "a", identificationToken: "t\u001f" }],
    ["a token with a line break at its end", { id: "a", identificationToken: "t\n" }],
    ["a token that no header can carry", { id: "a", identificationToken: "\u007ft" }],
    ["a number as its token", { id: "a", identificationToken: 7 }],
    ["no token", { id: "a" }],
  ])("An account with %s stays as it is, and the others are registered", async (_, account) => {
    const { text, after } = await shownTo(true, account, one);
    expect(JSON.parse(text).result.accounts).toStrictEqual([
      account,
      { id: "acc-1", identificationToken: "registered acc-1" },
    ]);
    expect(after).toHaveLength(1);
  });

  test.each([
    ["a refusal", accountsOf(one), 400],
    ["a fault", accountsOf(one), 500],
    ["no JSON", "<html>", 200],
    ["no object", "[1]", 200],
    ["a result that is a list", '{"success":true,"result":[{"accounts":[]}]}', 200],
    ["no result", '{"success":true, "n":1.0}', 200],
  ])("An answer that is %s is passed on as it is", async (_, body, status) => {
    const { call, answer } = setUp(body, status);
    const { answered, after } = await call("linkedApiGetAccounts", { mayWrite: true });
    expect(answered).toBe(answer);
    expect(after).toEqual([]);
  });

  test.each([
    '{"success":true,"result":{"n":1.0}}',
    '{"success":true,"result":{"accounts":{"id":"acc-1","identificationToken":"id_1"}}}',
    '{"success":true,"result":{"accounts":null,"big":12345678901234567890}}',
  ])("The answer %s, which lists none, keeps its members and every digit", async (body) => {
    const { text, after } = await setUp(body).call("linkedApiGetAccounts", { mayWrite: true });
    expect([text, after]).toEqual([body, []]);
  });
});

describe("The token that Linked API regenerates", () => {
  const regenerate = (answer: string, body: unknown, status = 200) =>
    setUp(answer, status).call("linkedApiRegenerateToken", { body });

  test("It is stored as a new one, and the client gets the token that is valid here", async () => {
    const answer = '{"success":true,"result":{"token":"id_2","n":1.0}}';
    const { text, after } = await regenerate(answer, { accountId: "acc-1" });
    expect(text).toBe('{"success":true,"result":{"token":"registered acc-1","n":1.0}}');
    const owner = { clientId: "cl_1", connectionId: "cn_1" };
    expect(after).toStrictEqual([
      ["registerAccount", { ...owner, accountId: "acc-1", providerToken: "id_2" }],
    ]);
  });

  test.each<[string, string, unknown, number]>([
    ["no text as its token", '{"success":true,"result":{"token":7}}', { accountId: "acc-1" }, 200],
    ["no token", '{"success":true,"result":{}}', { accountId: "acc-1" }, 200],
    ["a refusal", '{"success":true,"result":{"token":"id_2"}}', { accountId: "acc-1" }, 404],
    ["no account", '{"success":true,"result":{"token":"id_2"}}', {}, 200],
    ["a numeric account", '{"success":true,"result":{"token":"t"}}', { accountId: 7 }, 200],
    ["no body", '{"success":true,"result":{"token":"id_2"}}', undefined, 200],
    ["a list as its body", '{"success":true,"result":{"token":"id_2"}}', ["acc-1"], 200],
  ])("A call or an answer with %s stores nothing", async (_, answer, body, status) => {
    const { text, after } = await regenerate(answer, body, status);
    expect([text, after]).toEqual([answer, []]);
  });
});
