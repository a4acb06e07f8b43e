import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import { type LoadWebhookDeps, makeLoadWebhook } from "../../shared/core/inbound/load-webhook.ts";
import type { CallResult } from "../../shared/core/requests/state/ports.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const noonMs = Date.UTC(2026, 5, 25, 12);
const bytes = Buffer.from('{"a":1}');
const bug = new TypeError("a bug");
const throwing = (error: Error) => () => {
  throw error;
};

const eventOf = (data: Partial<ProviderEvent["data"]> = {}): ProviderEvent => ({
  ...{ type: "workflow.completed", providerObjectId: "p-1" },
  data: { eventType: "UNKNOWN", status: "completed", ...data },
});

const answered = (status: number, body = '{"answer":1}'): CallResult => ({
  kind: "answered",
  answer: { status, headers: {}, body: Buffer.from(body) },
});

interface Given {
  event?: ProviderEvent;
  /** What replaces members of the provider's pack. */
  pack?: object;
  /** What the provider's answer says. */
  confirmed?: ProviderEvent;
  /** What replaces members of its confirmation. */
  confirmation?: object;
  result?: CallResult;
  /** What replaces the credentials; `undefined`: there are none. */
  secrets?: { credentials?: object | undefined };
  account?: { identificationToken?: string };
  /** The stored account and credentials, where they are not those that are cached. */
  stored?: { account?: object; credentials?: object };
  /** The stored connection was deleted. */
  isDeleted?: true;
}

/** Webhooks of a provider that is as the test says. */
function setUp({ event = eventOf({ result: 1 }), result = answered(200), ...given }: Given = {}) {
  const clock = makeTestClock();
  const calls: unknown[][] = [];
  const pack = {
    parseWebhook: () => event,
    credentialHeaders: [],
    confirmation: {
      request: (of: ProviderEvent, headers: object) => ({ id: of.providerObjectId, headers }),
      read: (_: unknown, answer: object) => {
        calls.push(["read", answer]);
        return given.confirmed;
      },
      ...given.confirmation,
    },
    ...given.pack,
  };
  const load = makeLoadWebhook({
    packs: { "we-link": pack },
    accounts: {
      async find(...of: unknown[]) {
        calls.push(["account", ...of]);
        return given.account;
      },
      async findUncached(...of: unknown[]) {
        calls.push(["stored account", ...of]);
        return given.stored?.account ?? given.account;
      },
    },
    connections: {
      read: async () => ({
        provider: "linked-api",
        secrets: { credentials: { key: "k" }, ...given.secrets },
      }),
      async readUncached(...of: unknown[]) {
        calls.push(["stored connection", ...of]);
        if (given.isDeleted) return undefined;
        const { credentials = { key: "k" } } = given.stored ?? {};
        return { provider: "linked-api", secrets: { credentials } };
      },
    },
    calls: {
      async send(...of: unknown[]) {
        calls.push(["send", ...of]);
        return result;
      },
    },
    ...{ clock, dedupeRetentionMs: 86_400_000 },
  } as unknown as LoadWebhookDeps);
  const named = (name: string) =>
    calls.filter(([one]) => one === name).map((call) => call.slice(1));
  return { clock, load, named };
}

const messageOf = (of: object = {}) =>
  JSON.stringify({
    ...{ v: 1, provider: "we-link", clientId: "cl_1", connectionId: "cn_1" },
    ...{ receivedAtMs: noonMs, bodyBase64: bytes.toString("base64") },
    ...of,
  });
const message = JSON.parse(messageOf());

describe("A message of the inbound queue", () => {
  const unreadable = "its body was refused: BODY_NOT_JSON";
  test.each([
    ["no JSON", "x", "not in the format of the inbound queue"],
    ["another format", '{"v":2}', "not in the format of the inbound queue"],
    ["another provider", messageOf({ provider: "linked-api" }), "names a provider without a pack"],
    ["a body that is no JSON", messageOf({ bodyBase64: "eA==" }), unreadable],
    ["no body", messageOf({ bodyBase64: undefined }), unreadable],
  ])("One with %s is malformed", async (_, text, reason) => {
    const malformed = { code: "MESSAGE_MALFORMED", message: reason };
    await expect(setUp().load(text)).rejects.toMatchObject(malformed);
  });

  test("One that is older than the dedupe window is stale, and not a millisecond before", async () => {
    const { clock, load } = setUp();
    clock.passBusiness(86_400_000);
    await expect(load(messageOf())).resolves.toMatchObject({ numbersAsText: false });
    clock.passBusiness(1);
    await expect(load(messageOf())).rejects.toMatchObject({
      code: "MESSAGE_STALE",
      message:
        "accepted longer ago than the dedupe window: its event may have been published already",
    });
  });

  test("An error of the provider's pack that is a bug is no malformed message", async () => {
    const { load } = setUp({ pack: { parseWebhook: throwing(bug) } });
    await expect(load(messageOf())).rejects.toBe(bug);
  });
});

describe("A webhook that nobody is asked about", () => {
  test.each([
    ["It has a result", eventOf({ result: 0 })],
    ["It has failed", eventOf({ status: "failed" })],
    ["It is no completion", { ...eventOf(), type: "workflow.lateResult" as const }],
  ])("%s: it is as it was received", async (_, event) => {
    const { load, named } = setUp({ event });
    expect(await load(messageOf())).toStrictEqual({ message, event, numbersAsText: false });
    expect([...named("account"), ...named("send")]).toEqual([]);
  });

  test.each<[string, string | undefined, Given["account"], boolean]>([
    ["that is not registered is marked", "anna", undefined, true],
    ["that is registered is not marked", "anna", {}, false],
    ["that it does not name is not marked", undefined, undefined, false],
  ])("Where the provider signs nothing, an account %s", async (_, accountId, account, isMarked) => {
    const event = eventOf({ result: 1, ...(accountId ? { accountId } : {}) });
    const given = { event, pack: { marksUnknownAccounts: true }, ...(account ? { account } : {}) };
    const { load, named } = setUp(given);
    const mark = isMarked ? { accountUnknown: true } : {};
    const data = { ...event.data, ...mark };
    expect((await load(messageOf())).event).toStrictEqual({ ...event, data });
    expect(named("account")).toEqual(accountId ? [["cn_1", "anna"]] : []);
  });
});

describe("A webhook that the provider must confirm", () => {
  const asking = messageOf({ verifyByFetch: true });
  const confirmed = eventOf({ result: "confirmed" });

  test("The provider is asked within five seconds, and its answer is the event", async () => {
    const result = answered(200, '{"n":1e400}');
    const { load, named } = setUp({ confirmed, result });
    expect(await load(asking)).toStrictEqual({
      ...{ message: { ...message, verifyByFetch: true }, event: confirmed, numbersAsText: true },
      raw: Buffer.from('{"n":1e400}'),
    });
    const request = { id: "p-1", headers: { key: "k" } };
    expect(named("send")).toStrictEqual([["we-link", request, 5_000]]);
    expect(named("read")).toStrictEqual([[{ n: "1e400" }]]);
  });

  test.each<[string, NonNullable<Given["account"]>, string | undefined]>([
    ["whose token the call was made with is in the event", { identificationToken: "t" }, "anna"],
    ["without a token of its own is not", {}, undefined],
  ])("An account %s", async (_, account, accountId) => {
    const pack = { marksUnknownAccounts: true };
    const event = eventOf({ accountId: "anna" });
    const { load, named } = setUp({ event, confirmed, pack, account });
    expect((await load(asking)).event.data.accountId).toBe(accountId);
    const { identificationToken: token } = account;
    const headers = { key: "k", ...(token ? { "identification-token": token } : {}) };
    expect(named("send")).toMatchObject([["we-link", { headers }, 5_000]]);
  });

  test.each<[string, Given]>([
    ["no way of asking", { pack: { confirmation: undefined } }],
    ["no call that answers this", { confirmation: { request: () => undefined } }],
  ])("Where the provider has %s, the event is marked", async (_, given) => {
    const { load, named } = setUp(given);
    const { data } = (await load(asking)).event;
    expect(data).toStrictEqual({ ...eventOf({ result: 1 }).data, unverified: true });
    expect(named("send")).toEqual([]);
  });

  const noAnswer = "we-link gave no answer: TIMEOUT";
  const unreadable = "the provider's answer cannot be read: BODY_NOT_JSON";
  test.each<[string, CallResult, string, string]>([
    ["not at all", { kind: "incomplete", reason: "TIMEOUT" }, "DEPENDENCY_DOWN", noAnswer],
    ["to nobody", { kind: "notSent", reason: "TIMEOUT" }, "DEPENDENCY_DOWN", noAnswer],
    ["404", answered(404), "UNCONFIRMED", "the provider answered 404"],
    ["403", answered(403), "DEPENDENCY_DOWN", "the provider answered 403"],
    ["201", answered(201), "DEPENDENCY_DOWN", "the provider answered 201"],
    ["no JSON", answered(200, "x"), "UNCONFIRMED", unreadable],
    ["another state", answered(200), "UNCONFIRMED", "the provider reports another state"],
  ])("An answer that is %s confirms nothing", async (_, result, code, reason) => {
    await expect(setUp({ result }).load(asking)).rejects.toMatchObject({ code, message: reason });
  });
});

describe("A completion without a result", () => {
  const event = {
    ...eventOf({ accountId: "anna", createdAtReplaced: true }),
    createdAt: "2026-06-25T11:00:00.000Z",
  };
  const confirmed = eventOf({ result: "fetched" });

  test("Its result is fetched, and its time, its account and its mark are kept", async () => {
    const { load, named } = setUp({ event, confirmed });
    expect(await load(messageOf())).toStrictEqual({
      ...{ message, numbersAsText: false },
      event: { ...event, data: { ...event.data, result: "fetched" } },
    });
    const request = { id: "p-1", headers: { key: "k" } };
    expect(named("send")).toStrictEqual([["we-link", request, 5_000]]);
  });

  test("What it does not have is not added, and a result of null is none", async () => {
    const { load } = setUp({ event: eventOf({ result: null }), confirmed });
    expect((await load(messageOf())).event).toStrictEqual(confirmed);
  });

  test.each<[string, Given]>([
    ["the provider cannot be asked", { pack: { confirmation: undefined } }],
    ["the connection has no credentials", { secrets: { credentials: undefined } }],
    ["there is no call for it", { confirmation: { request: () => undefined } }],
    [
      "it cannot be asked for",
      { confirmation: { request: throwing(new Failure("UNCONFIRMED", "no path")) } },
    ],
    ["the answer is 201", { result: answered(201) }],
    ["the answer is 404", { result: answered(404) }],
    ["the answer is 499", { result: answered(499) }],
    ["the answer is no JSON", { result: answered(200, "x") }],
    ["the answer has no result either", { confirmed: eventOf() }],
    ["its credentials are refused", { result: answered(401) }],
    ["it is forbidden", { result: answered(403) }],
  ])("It counts as it is where %s", async (_, given) => {
    const { load } = setUp({ event, confirmed, ...given });
    expect(await load(messageOf())).toStrictEqual({ message, event, numbersAsText: false });
  });

  test.each<[string, CallResult]>([
    ["nothing", { kind: "incomplete", reason: "TIMEOUT" }],
    ["429", answered(429)],
    ["500", answered(500)],
  ])("It is tried again after the answer %s", async (_, result) => {
    await expect(setUp({ event, confirmed, result }).load(messageOf())).rejects.toMatchObject({
      ...{ code: "DEPENDENCY_DOWN", message: "the provider gave no result of a thin webhook" },
    });
  });

  test("It waits two minutes for a provider whose answer lags, and then it counts as it is", async () => {
    const { clock, load } = setUp({ event });
    const lags = { code: "UNCONFIRMED", message: "the provider does not report the end yet" };
    await expect(load(messageOf())).rejects.toMatchObject(lags);
    clock.passBusiness(119_999);
    await expect(load(messageOf())).rejects.toMatchObject(lags);
    clock.passBusiness(1);
    expect(await load(messageOf())).toStrictEqual({ message, event, numbersAsText: false });
  });

  const replaced = { account: { identificationToken: "new" } };
  test.each<[string, CallResult, Given]>([
    ["the credentials", answered(401), { stored: { credentials: { key: "new" } } }],
    ["the account's token", answered(403), { stored: replaced, account: {} }],
    ["the connection, which was deleted,", answered(401), { isDeleted: true }],
  ])("It is tried again if %s it asked with were replaced", async (_, result, given) => {
    const pack = { marksUnknownAccounts: true };
    const { load, named } = setUp({ event, confirmed, result, pack, ...given });
    const failure = { code: "DEPENDENCY_DOWN", message: "the credentials were replaced meanwhile" };
    await expect(load(messageOf())).rejects.toMatchObject(failure);
    expect(named("stored connection")).toEqual([["cn_1"]]);
    expect(named("stored account")).toEqual([["cn_1", "anna"]]);
  });

  test("A bug in the reading of the answer is the caller's", async () => {
    const { load } = setUp({ event, confirmation: { read: throwing(bug) } });
    await expect(load(messageOf())).rejects.toBe(bug);
  });
});
